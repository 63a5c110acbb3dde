"""Random command streams, and the command line that replays and shrinks them.

``python -m tests.oracle.streams --format qcow2 --seed 17 [--count 500] [--jobs 2] [--shrink] [-v]``
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from tests.oracle.geometry import geometry
from tests.oracle.lines import CACHE_MODES, DIRECT_MODES, DISCARD_MODES, Lines

if TYPE_CHECKING:
    from tests.oracle.geometry import Geometry

SEEDS_PER_GEOMETRY = 8
"""Neighbouring seeds share an image, which is then made only once."""
FORMATS = ("raw", "qcow2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One run of the program: an image, options, and commands of which the first ``arguments`` are -c options.

    The rest is piped to standard input, which the program leaves alone where it has a -c.
    """

    seed: int
    geometry: Geometry
    options: tuple[str, ...]
    image: tuple[str, ...]
    commands: tuple[str, ...]
    arguments: int
    merged: bool
    """Standard error goes to the same file as standard output; only where every prompt flushes the latter."""

    @property
    def argv(self) -> list[str]:
        """The program's arguments, without its own name."""
        in_arguments = [word for command in self.commands[: self.arguments] for word in ("-c", command)]
        return [*self.options, *in_arguments, *self.image]

    @property
    def piped(self) -> str:
        """What stands on standard input."""
        return "".join(f"{command}\n" for command in self.commands[self.arguments :])

    @property
    def durable(self) -> bool:
        """Whether every write is on stable storage when its report is printed.

        The real tool does not flush after compressed writes and discards.
        """
        lines = [line for line in self.commands if line.startswith(("open", "reopen", "w", "discard"))]
        words = ("-t", "-n", "-c", "cache.", "discard")
        return not any(word in line for line in (*self.options, *lines) for word in words)

    def script(self, program: str = "qemu-io") -> str:
        """Shell commands that do the same in an empty folder."""
        steps = [shlex.join(step) for step in self.geometry.setup]
        run = shlex.join([program, *self.argv]) + " 2>&1" * self.merged
        return "\n".join([*steps, f"printf %s {shlex.quote(self.piped)} | {run}" if self.piped else run])


def stream(driver: str, seed: int) -> Stream:
    """The stream that ``seed`` stands for."""
    shape = geometry(Random(f"{driver} geometry {seed // SEEDS_PER_GEOMETRY}"), driver)
    rng = Random(f"{driver} stream {seed}")
    direct, snapshot = rng.random() < 0.3, rng.random() < 0.15
    source = Lines(rng, shape, hostility=rng.choice((0.0, 0.03, 0.1, 0.3)), direct=direct, snapshot=snapshot)
    options, image = invocation(rng, shape, direct=direct, snapshot=snapshot)
    commands: list[str] = []
    while len(commands) < rng.randint(20, 60):
        commands += source.lines()
    commands += ending(rng)
    delivered = rng.choice(("arguments", "arguments", "piped", "both"))
    arguments = {"arguments": len(commands), "piped": 0, "both": rng.randint(1, len(commands))}[delivered]
    return Stream(
        seed=seed,
        geometry=shape,
        options=tuple(options),
        image=tuple(image),
        commands=tuple(commands),
        arguments=arguments,
        merged=not arguments and rng.random() < 0.5,
    )


def invocation(rng: Random, shape: Geometry, *, direct: bool, snapshot: bool) -> tuple[list[str], list[str]]:
    """The program's options, and the words that name the image."""
    flags = [
        flag
        for flag, chance in (
            ("-r", 0.05),
            ("-s", 0.4 * snapshot),
            ("-n", 0.15 * direct),
            ("-C", 0.05),
            ("-U", 0.04),
            ("-m", 0.02),
        )
        if rng.random() < chance
    ]
    flags += ["-k"] * (rng.random() < 0.01)
    flags += ["-t", rng.choice(CACHE_MODES[:-2] + DIRECT_MODES * direct)] * (rng.random() < 0.3)
    flags += ["-d", rng.choice(DISCARD_MODES[:-1])] * (rng.random() < 0.4)
    flags += ["-i", "threads"] * (rng.random() < 0.02)
    naming = rng.random()
    if naming < 0.08:
        driver = f"driver={shape.format},file.driver=file,file.filename={shape.image}"
        return [*flags, "--image-opts"], [driver]
    if naming < 0.12:
        return flags, [
            f'json:{{"driver": "{shape.format}", "file": {{"driver": "file", "filename": "{shape.image}"}}}}'
        ]
    if naming < 0.16:
        return flags, [f"file:{shape.image}"]
    return [*flags, *["-f", shape.format] * (naming < 0.85)], [shape.image]


def ending(rng: Random) -> list[str]:
    """How the stream stops."""
    return rng.choice(([], [], ["quit"], ["q", "length"], ["close"], ["aio_read 0 512"], ["sigraise 9"], ["abort"]))


def without(whole: Stream, start: int, stop: int) -> Stream:
    """The stream less the commands from ``start`` up to ``stop``, exclusive."""
    removed = max(0, min(stop, whole.arguments) - start)
    return replace(whole, commands=whole.commands[:start] + whole.commands[stop:], arguments=whole.arguments - removed)


def main(arguments: list[str]) -> int:
    """Exit status 0 when all streams agree."""
    from tests.oracle.differ import run

    parser = argparse.ArgumentParser(prog="python -m tests.oracle.streams", description=__doc__)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--shrink", action="store_true", help="drop commands from a stream while it still differs")
    parser.add_argument("--self-check", action="store_true", help="the real qemu-io on both sides")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the streams as shell scripts")
    chosen = parser.parse_args(arguments)
    seeds = range(chosen.seed, chosen.seed + chosen.count)
    if chosen.verbose:
        print("\n\n".join(f"# seed {seed}\n{stream(chosen.format, seed).script()}" for seed in seeds))
    streams = (stream(chosen.format, seed) for seed in seeds)
    differences = run(streams, jobs=chosen.jobs, self_check=chosen.self_check, shrink=chosen.shrink)
    for difference in differences:
        print(difference)
    print(f"{len(seeds)} streams, {len(differences)} differ: {' '.join(str(d.stream.seed) for d in differences)}")
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
