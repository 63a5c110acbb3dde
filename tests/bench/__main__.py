"""``python -m tests.bench [--quick] [--runs N] [--dir FOLDER] [CASE...]``: whole processes, side by side with qemu-io.

Each round runs qemu-io and pyqio one after the other on images of their own, so that both see the same machine; a
row shows the medians.  Images live in memory (/dev/shm) by default: the disk below is not what is compared.
Nothing here is a test: timings depend on the machine, so nothing fails.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PYQIO = str(Path(sysconfig.get_path("scripts")) / "pyqio")
MIB = 1 << 20
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Installed modules are compiled; those of a checkout are by the first run, unless this variable forbids it."""
SECRET = ("--object", "secret,id=key,data=hunter2")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row.  ``arguments`` may name images, as {raw}; ``goal`` is how many times as fast as the rival."""

    name: str
    arguments: tuple[str, ...]
    goal: float
    script: str | None = None
    rival: tuple[str, ...] | None = None
    """Another command than qemu-io with the same arguments; it may name images too."""


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
    return [
        *transfers(size=size),
        *requests(size=size, commands=commands),
        *features(size=size // 4),
        *comparisons(size=size),
        *metadata(),
        *starts(),
    ]


def row(name: str, image: str, *commands: str, goal: float = 1.0, options: tuple[str, ...] = ()) -> Case:
    """Commands that are -c options."""
    given = [word for command in commands for word in ("-c", command)]
    return Case(name=name, arguments=("-t", "writeback", *given, *options, f"{{{image}}}"), goal=goal)


def transfers(*, size: int) -> Iterator[Case]:
    """Large requests."""
    shown = f"{size // MIB}M"
    for image, driver in (("raw", "raw"), ("qcow2", "qcow2"), ("pair", "raw")):
        name = "blkverify:raw:qcow2" if image == "pair" else image
        for verb, command in (("read", "read"), ("read -P", "read -P 0xcd"), ("write -P", "write -P 0xcd")):
            yield row(f"{verb} {shown} {name}", image, f"{command} 0 {size}", options=("-f", driver))
    for image in ("empty", "empty subclusters"):
        yield row(f"write -P {shown} {image}", image, f"write -P 0xcd 0 {size}", options=("-f", "qcow2"))
    dumped = min(size, 64 * MIB)
    dump = ("-f", "raw", "-c", f"read -v 0 {dumped}", "{raw}")
    yield Case(name=f"read -v {dumped // MIB}M to a file", arguments=dump, goal=5.0)


def requests(*, size: int, commands: int) -> Iterator[Case]:
    """Many small ones."""
    for name, writes in (("reads", 0.0), ("reads and writes", 0.5)):
        script = piped(commands, size=size, writes=writes)
        for image in ("raw", "qcow2"):
            arguments = ("-f", image, "-t", "writeback", f"{{{image}}}")
            yield Case(name=f"{commands} piped {name} {image}", arguments=arguments, goal=1.5, script=script)
    script = piped(commands, size=size, writes=1.0)
    for image in ("empty", "empty subclusters"):
        arguments = ("-f", "qcow2", "-t", "writeback", f"{{{image}}}")
        yield Case(name=f"{commands} piped writes {image}", arguments=arguments, goal=1.0, script=script)
    count = commands * 16 // 125
    for image in ("raw", "qcow2"):
        for verb in ("aio_read", "aio_write"):
            lines = [f"{verb} -q {n * 65536 % size} 64k\n" for n in range(count)]
            arguments = ("-f", image, "-t", "writeback", f"{{{image}}}")
            name = f"{count} {verb} of 64k {image}"
            yield Case(name=name, arguments=arguments, goal=1.0, script="".join([*lines, "aio_flush\n"]))


def features(*, size: int) -> Iterator[Case]:
    """Clusters that are compressed or encrypted."""
    shown = f"{size // MIB}M"
    for image in ("zlib", "zstd"):
        yield row(f"read {shown} {image}", image, f"read 0 {size}", options=("-f", "qcow2"))
    locked = (*SECRET, "--image-opts")
    for verb in ("write", "read"):  # The image is empty until it has been written to.
        yield row(f"{verb} {shown} luks", "luks", f"{verb} 0 {size}", options=locked)


def comparisons(*, size: int) -> Iterator[Case]:
    """Whole pairs."""
    for raw, test, length in (("raw", "qcow2", size), ("mixed", "zlib", size // 4), ("1 TiB", "scattered", 0)):
        rival = ("qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", f"{{{raw}}}", f"{{{test}}}")
        name = f"verify {length // MIB}M raw:{test}" if length else "verify 4000 extents of 1 TiB"
        yield Case(name=name, arguments=("-r", "-c", "verify", f"{{{raw}+{test}}}"), goal=0.7, rival=rival)


def metadata() -> Iterator[Case]:
    """What reads tables, and hardly any data."""
    yield row("read 0 512 of 1 TiB", "scattered", "read 0 512", goal=0.0, options=("-f", "qcow2"))
    yield row("map 4000 extents of 1 TiB", "scattered", "map", options=("-f", "qcow2"))
    for image, name in (("clusters", "200000 clusters"), ("scattered", "4000 extents of 1 TiB")):
        rival = ("qemu-img", "check", "-f", "qcow2", f"{{{image}}}")
        yield Case(
            name=f"check {name}", arguments=("-r", "-f", "qcow2", "-c", "check", f"{{{image}}}"), goal=0.5, rival=rival
        )


def starts() -> Iterator[Case]:
    """Hardly anything at all."""
    start = ("-f", "raw", "-c", "read 0 512", "{raw}")
    bare = (sys.executable, "-c", "pass")
    yield Case(name="read 0 512, against python -c pass", arguments=start, goal=1 / 3, rival=bare)
    yield Case(name="read 0 512, against qemu-io", arguments=start, goal=0.0)


def piped(count: int, *, size: int, writes: float) -> str:
    """A script of ``count`` requests of 4 KiB at random places, a share ``writes`` of them writes."""
    rng = random.Random(0)
    offsets = (rng.randrange(size // 4096) * 4096 for _ in range(count))
    return "".join(f"{'write -P 0xcd' if rng.random() < writes else 'read'} {offset} 4k\n" for offset in offsets)


def measure(command: list[str], *, into: Measured, script: Path | None, output: Path) -> None:
    """Run ``command`` to its end and add what it took."""
    with open(script or os.devnull, "rb") as stdin, open(output, "wb") as stdout:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=ENVIRONMENT)
        _, status, used = os.wait4(process.pid, 0)
        into.seconds.append(time.perf_counter() - started)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stderr is not None
    message = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}\n{message}")
    into.peak = max(into.peak, used.ru_maxrss * 1024)


class Images:
    """The images of one program in a folder of its own, made by qemu-img and qemu-io when a row first asks for them."""

    fresh = ("empty", "empty subclusters")
    """Made again for every run."""

    def __init__(self, folder: Path, *, size: int) -> None:
        folder.mkdir()
        self._folder = folder
        self._size = size

    def arguments(self, words: tuple[str, ...]) -> list[str]:
        """``words`` with the names of images in place of {image}; the images are there."""
        return [re.sub(r"^\{(.*)\}$", lambda found: self._made(found[1]), word) for word in words]

    def _made(self, image: str) -> str:
        if image == "pair":
            image = "raw+qcow2"
        if "+" in image:
            return f"blkverify:{':'.join(map(self._made, image.split('+')))}"
        path = self._folder / image.replace(" ", "-")
        if image in self.fresh or not path.exists():
            path.unlink(missing_ok=True)
            self._make(image, path)
        return f"driver=qcow2,encrypt.key-secret=key,file.filename={path}" if image == "luks" else str(path)

    def _make(self, image: str, path: Path) -> None:
        match image:
            case "raw":
                self._fill(path, b"\xcd" * MIB, size=self._size)
            case "1 TiB":
                qemu_img("convert", "-f", "qcow2", "-O", "raw", self._made("scattered"), path)
            case "mixed":
                # A quarter of each cluster does not compress.
                rng = random.Random(0)
                chunk = b"".join(rng.randbytes(16 << 10) + bytes([n]) * (48 << 10) for n in range(16))
                self._fill(path, chunk, size=self._size // 4)
            case "qcow2":
                qemu_img("convert", "-f", "raw", self._made("raw"), "-O", "qcow2", path)
            case "zlib" | "zstd":
                options = ("-c", "-O", "qcow2", "-o", f"compression_type={image}")
                qemu_img("convert", *options, "-f", "raw", self._made("mixed"), path)
            case "luks":
                locked = "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10"
                qemu_img("create", "-q", *SECRET, "-f", "qcow2", "-o", locked, path, str(self._size // 4))
            case "clusters":
                qemu_img("create", "-q", "-f", "qcow2", "-o", "preallocation=metadata", path, str(200_000 << 16))
            case "scattered":
                qemu_img("create", "-q", "-f", "qcow2", path, "1T")
                writes = "".join(f"write -q {n << 28} 4k\n" for n in range(4000)).encode()
                subprocess.run(["qemu-io", "-t", "unsafe", path], input=writes, check=True, stdout=subprocess.DEVNULL)
            case "empty" | "empty subclusters":
                extended = "off" if image == "empty" else "on"
                qemu_img("create", "-q", "-f", "qcow2", "-o", f"extended_l2={extended}", path, str(self._size))

    def _fill(self, path: Path, chunk: bytes, *, size: int) -> None:
        with open(path, "wb") as file:
            for _ in range(size // len(chunk)):
                file.write(chunk)


def qemu_img(*words: str | Path) -> None:
    """Run it; creating an encrypted image fails now and then where the CPU's clock is coarse."""
    for _ in range(20):
        if not subprocess.run(["qemu-img", *words]).returncode:
            return
    sys.exit("qemu-img failed")


def run(case: Case, *, runs: int, folder: Path, images: dict[str, Images]) -> tuple[Measured, Measured]:
    """The rival's and pyqio's measurements, taken in turns."""
    script = None
    if case.script is not None:
        script = folder / "script"
        script.write_text(case.script)
    rival, pyqio = Measured(), Measured()
    for _ in range(runs):
        theirs = images["qemu-io"].arguments(case.rival or ("qemu-io", *case.arguments))
        measure(theirs, into=rival, script=script, output=folder / "output")
        ours = images["pyqio"].arguments((PYQIO, *case.arguments))
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
        images = {program: Images(folder / program, size=size) for program in ("qemu-io", "pyqio")}
        for case in rows:
            show(case, *run(case, runs=given.runs or runs, folder=folder, images=images))


if __name__ == "__main__":
    main()
