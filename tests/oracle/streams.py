"""Random command streams, and the command line that replays and shrinks them.

``python -m tests.oracle.streams --format qcow2 --seed 17 [--count 500] [--jobs 2] [--shrink] [-v]``
"""

from __future__ import annotations

import argparse
import base64
import shlex
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from tests.oracle.geometry import PASSPHRASE, geometry
from tests.oracle.lines import CACHE_MODES, DIRECT_MODES, Lines
from tests.oracle.qcow2_geometry import bitmap, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.oracle.geometry import Geometry, Step

SEEDS_PER_GEOMETRY = 8
"""Neighbouring seeds share an image, which is then made only once."""
FORMATS = ("raw", "qcow2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One run of the program: an image, options, and commands of which the first ``arguments`` are -c options.

    The rest is piped to standard input, which the program leaves alone where it has a -c.  With an ``interlude`` there
    are two runs: it is done to the closed image after ``pause`` commands.
    """

    seed: int
    geometry: Geometry
    options: tuple[str, ...]
    image: tuple[str, ...]
    commands: tuple[str, ...]
    arguments: int
    merged: bool
    """Standard error goes to the same file as standard output; only where every prompt flushes the latter."""
    pause: int = 0
    interlude: tuple[Step, ...] = ()
    native: bool = False
    """What can be done by each program itself in the interlude is, and the rest by qemu-img."""

    @property
    def runs(self) -> Iterator[tuple[list[str], str]]:
        """The program's arguments, without its own name, and what stands on standard input; of each run."""
        cuts = [0, *[self.pause] * bool(self.interlude), len(self.commands)]
        for start, stop in pairwise(cuts):
            middle = min(max(start, self.arguments), stop)
            in_arguments = [word for command in self.commands[start:middle] for word in ("-c", command)]
            piped = "".join(f"{command}\n" for command in self.commands[middle:stop])
            yield [*self.options, *in_arguments, *self.image], piped

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
        lines = [shlex.join(step) for step in self.geometry.setup]
        for number, (argv, piped) in enumerate(self.runs):
            lines += [shlex.join(step) for step in self.interlude] * number
            run = shlex.join([program, *argv]) + " 2>&1" * self.merged
            lines.append(f"printf %s {shlex.quote(piped)} | {run}" if piped else run)
        return "\n".join(lines)


def stream(driver: str, seed: int) -> Stream:
    """The stream that ``seed`` stands for."""
    shape = geometry(Random(f"{driver} geometry {seed // SEEDS_PER_GEOMETRY}"), driver)
    rng = Random(f"{driver} stream {seed}")
    direct, snapshot = rng.random() < 0.3, rng.random() < 0.15
    hostility, keeping = rng.choice((0.0, 0.03, 0.1, 0.3)), rng.random() < 0.5
    source = Lines(rng, shape, hostility=hostility, direct=direct, snapshot=snapshot, keeping=keeping)
    options, image = invocation(rng, source)
    commands: list[str] = []
    steps, pause = interlude(rng, shape), 0
    while len(commands) < rng.randint(20, 60):
        commands += source.lines()
        if steps and not pause and len(commands) > 12:
            pause = len(commands)
            source.begin()
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
        pause=pause,
        interlude=tuple(steps),
        native=rng.random() < 0.6,
    )


def interlude(rng: Random, shape: Geometry) -> list[Step]:
    """What is done to the closed image halfway through a stream, sometimes; it may fail, in the same way for both."""
    choices: list[Step] = []
    if "snapshots" in shape.features:
        choices += [snapshot(shape, action, name) for action, name in (("-c", "mid"), ("-a", "one"), ("-d", "one"))]
    if "bitmaps" in shape.features:
        choices += [bitmap(rng, shape, "first", action) for action in ("--clear", "--disable", "--remove")]
        choices.append(bitmap(rng, shape, "mid"))
    if not choices or rng.random() < 0.5:
        return []
    return rng.sample(choices, rng.randint(1, 2))


def invocation(rng: Random, source: Lines) -> tuple[list[str], list[str]]:
    """The program's options, and the words that name the image, for the commands of ``source``."""
    direct, snapshot = source.direct, source.snapshot
    flags = [
        flag
        for flag, chance in (
            ("-r", 0.05),
            ("-s", 0.4 * snapshot),
            ("-n", 0.15 * direct),
            ("-C", 0.05 * source.copying),
            ("-U", 0.04),
            ("-m", 0.02),
        )
        if rng.random() < chance
    ]
    flags += ["-k"] * (rng.random() < 0.01)
    flags += ["-t", rng.choice(CACHE_MODES[:-2] + DIRECT_MODES * direct)] * (rng.random() < 0.3)
    flags += ["-d", rng.choice([mode for mode in source.discard_modes if mode != "bogus"])] * (rng.random() < 0.4)
    flags += ["-i", "threads"] * (rng.random() < 0.02)
    options, words = naming(rng, source.geometry)
    source.image_opts = "--image-opts" in options
    return flags + options, words


def naming(rng: Random, shape: Geometry) -> tuple[list[str], list[str]]:
    """One of the ways to name the image: options, and words."""
    if shape.encrypted:
        return unlocked(rng, shape)
    chance = rng.random()
    if chance < 0.08:
        return ["--image-opts"], [f"driver={shape.format},file.driver=file,file.filename={shape.image}"]
    if chance < 0.12:
        nested = f'"file": {{"driver": "file", "filename": "{shape.image}"}}'
        return [], [f'json:{{"driver": "{shape.format}", {nested}}}']
    if chance < 0.16:
        return [], [f"file:{shape.image}"]
    return ["-f", shape.format] * (chance < 0.85), [shape.image]


def unlocked(rng: Random, shape: Geometry) -> tuple[list[str], list[str]]:
    """The program's options and the words that name an encrypted image; now and then its secret is wrong or missing."""
    encoded = base64.b64encode(PASSPHRASE.encode()).decode()
    secret = rng.choice(
        (*[f"secret,id=sec0,data={PASSPHRASE}"] * 6, f"secret,id=sec0,format=base64,data={encoded}")
        + ("secret,id=sec0,data=wrong", "secret,id=other,data=x") * (rng.random() < 0.2)
    )
    options = ["--object", secret]
    if rng.random() < 0.5:
        return [*options, "--image-opts"], [f"driver=qcow2,encrypt.key-secret=sec0,file.filename={shape.image}"]
    if rng.random() < 0.1:
        return options, [shape.image]
    nested = '"encrypt": {"key-secret": "sec0"}' if rng.random() < 0.5 else '"encrypt.key-secret": "sec0"'
    return options, [f'json:{{"driver": "qcow2", {nested}, "file": {{"driver": "file", "filename": "{shape.image}"}}}}']


def ending(rng: Random) -> list[str]:
    """How the stream stops."""
    return rng.choice(([], [], ["quit"], ["q", "length"], ["close"], ["aio_read 0 512"], ["sigraise 9"], ["abort"]))


def without(whole: Stream, start: int, stop: int) -> Stream:
    """The stream less the commands from ``start`` up to ``stop``, exclusive."""
    arguments, pause = (count - max(0, min(stop, count) - start) for count in (whole.arguments, whole.pause))
    return replace(whole, commands=whole.commands[:start] + whole.commands[stop:], arguments=arguments, pause=pause)


def main(arguments: list[str]) -> int:
    """Exit status 0 when all streams agree."""
    from tests.oracle.differ import run

    parser = argparse.ArgumentParser(prog="python -m tests.oracle.streams", description=__doc__)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument("--feature", help="only seeds whose image has it, a name of the table in qcow2_geometry.py")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--shrink", action="store_true", help="drop commands from a stream while it still differs")
    parser.add_argument("--self-check", action="store_true", help="the real qemu-io on both sides")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the streams as shell scripts")
    chosen = parser.parse_args(arguments)
    streams = [stream(chosen.format, seed) for seed in range(chosen.seed, chosen.seed + chosen.count)]
    if chosen.feature is not None:
        streams = [one for one in streams if chosen.feature in one.geometry.features]
    if chosen.verbose:
        print("\n\n".join(f"# seed {one.seed}\n{one.script()}" for one in streams))
    differences = run(streams, jobs=chosen.jobs, self_check=chosen.self_check, shrink=chosen.shrink)
    for difference in differences:
        print(difference)
    print(f"{len(streams)} streams, {len(differences)} differ: {' '.join(str(d.stream.seed) for d in differences)}")
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
