"""``python -m tests.bench [--quick] [--runs N] [--dir FOLDER] [CASE...]``: whole processes, side by side with qemu-io.

Each round runs qemu-io and pyqio one after the other on images of their own, so that both see the same machine; a
row shows the medians.  Images live in memory (/dev/shm) by default: the disk below is not what is compared.
Nothing here is a test: timings depend on the machine, so nothing fails.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

PYQIO = str(Path(sysconfig.get_path("scripts")) / "pyqio")
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row.  ``arguments`` may name {raw}, {qcow2} and {pair}; ``goal`` is how many times as fast as the rival."""

    name: str
    arguments: tuple[str, ...]
    goal: float
    script: str | None = None
    rival: tuple[str, ...] | None = None
    """Another command than qemu-io with the same arguments."""


@dataclass(kw_only=True)
class Measured:
    """What the runs of one program took: seconds and bytes."""

    seconds: list[float] = field(default_factory=list)
    peak: int = 0

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def cases(*, size: int, commands: int) -> list[Case]:
    """Every row, in the order of the table."""
    rows = []
    for image in ("raw", "qcow2", "pair"):
        target = ("-f", "raw" if image == "pair" else image, f"{{{image}}}")
        shown = "blkverify:raw:qcow2" if image == "pair" else image
        for verb, command in (("read", "read"), ("read -P", "read -P 0xcd"), ("write -P", "write -P 0xcd")):
            row = Case(
                name=f"{verb} {size // MIB}M {shown}",
                arguments=("-t", "writeback", "-c", f"{command} 0 {size}", *target),
                goal=1.0,
            )
            rows.append(row)
    dumped = min(size, 64 * MIB)
    dump = ("-f", "raw", "-c", f"read -v 0 {dumped}", "{raw}")
    rows.append(Case(name=f"read -v {dumped // MIB}M to a file", arguments=dump, goal=5.0))
    for name, writes in (("reads", 0.0), ("reads and writes", 0.5)):
        script = piped(commands, size=size, writes=writes)
        for image in ("raw", "qcow2"):
            arguments = ("-f", image, "-t", "writeback", f"{{{image}}}")
            rows.append(Case(name=f"{commands} piped {name} {image}", arguments=arguments, goal=1.5, script=script))
    start = ("-f", "raw", "-c", "read 0 512", "{raw}")
    bare = (sys.executable, "-c", "pass")
    rows.append(Case(name="read 0 512, against python -c pass", arguments=start, goal=1 / 3, rival=bare))
    rows.append(Case(name="read 0 512, against qemu-io", arguments=start, goal=0.0))
    return rows


def piped(count: int, *, size: int, writes: float) -> str:
    """A script of ``count`` requests of 4 KiB at random places, a share ``writes`` of them writes."""
    rng = random.Random(0)
    offsets = (rng.randrange(size // 4096) * 4096 for _ in range(count))
    return "".join(f"{'write -P 0xcd' if rng.random() < writes else 'read'} {offset} 4k\n" for offset in offsets)


def measure(command: list[str], *, into: Measured, script: Path | None, output: Path) -> None:
    """Run ``command`` to its end and add what it took."""
    with open(script or os.devnull, "rb") as stdin, open(output, "wb") as stdout:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE)
        _, status, used = os.wait4(process.pid, 0)
        into.seconds.append(time.perf_counter() - started)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    message = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{message}")
    into.peak = max(into.peak, used.ru_maxrss * 1024)


def make_images(folder: Path, *, size: int) -> dict[str, str]:
    """A raw and a qcow2 image, both full of 0xcd, made by qemu-img; values for a case's arguments."""
    raw, qcow2 = folder / "raw.img", folder / "test.qcow2"
    with open(raw, "wb") as image:
        for _ in range(size // MIB):
            image.write(b"\xcd" * MIB)
    subprocess.run(["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw, qcow2], check=True)
    return {"raw": str(raw), "qcow2": str(qcow2), "pair": f"blkverify:{raw}:{qcow2}"}


def run(case: Case, *, runs: int, folder: Path, images: dict[str, dict[str, str]]) -> tuple[Measured, Measured]:
    """The rival's and pyqio's measurements, taken in turns."""
    script = None
    if case.script is not None:
        script = folder / "script"
        script.write_text(case.script)
    ours = [PYQIO, *(a.format(**images["pyqio"]) for a in case.arguments)]
    theirs = list(case.rival or ("qemu-io", *(a.format(**images["qemu-io"]) for a in case.arguments)))
    rival, pyqio = Measured(), Measured()
    for _ in range(runs):
        measure(theirs, into=rival, script=script, output=folder / "output")
        measure(ours, into=pyqio, script=script, output=folder / "output")
    return rival, pyqio


def show(case: Case, rival: Measured, pyqio: Measured) -> None:
    """One row of the table, which is Markdown so that README can carry it."""
    ratio = rival.median / pyqio.median
    verdict = f"{ratio:.2f}{' (missed)' if ratio < case.goal else ''}"
    goal = f"{case.goal:.2f}" if case.goal else ""
    times = f"{rival.median * 1000:8.0f} | {pyqio.median * 1000:8.0f} | {verdict:>13} | {goal:>4}"
    print(f"| {case.name:<38} | {times} | {rival.peak / MIB:9.0f} | {pyqio.peak / MIB:9.0f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="pyqio beside qemu-io")
    parser.add_argument("--quick", action="store_true", help="64 MiB and 5,000 commands instead of 1 GiB and 50,000")
    parser.add_argument("--runs", type=int, help="rounds per row (7, quick: 3)")
    parser.add_argument("--dir", default="/dev/shm", help="folder for the images (/dev/shm)")
    parser.add_argument("case", nargs="*", help="only rows whose name contains one of these")
    given = parser.parse_args()
    if shutil.which("qemu-io") is None:
        sys.exit("python -m tests.bench needs qemu-io (Debian: qemu-utils)")
    size, commands, runs = (64 * MIB, 5000, 3) if given.quick else (1024 * MIB, 50000, 7)
    rows = [c for c in cases(size=size, commands=commands) if not given.case or any(w in c.name for w in given.case)]
    columns = f"{'rival ms':>8} | {'pyqio ms':>8} | {'times as fast':>13} | goal | rival MiB | pyqio MiB"
    print(f"| {'whole process':<38} | {columns} |\n|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="pyqio-bench-", dir=given.dir) as name:
        folder = Path(name)
        images = {}
        for program in ("qemu-io", "pyqio"):
            (folder / program).mkdir()
            images[program] = make_images(folder / program, size=size)
        for case in rows:
            show(case, *run(case, runs=given.runs or runs, folder=folder, images=images))


if __name__ == "__main__":
    main()
