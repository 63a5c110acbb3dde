"""Runs command streams through the real qemu-io and pyqio on twin images, and tells the differences."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.oracle.streams import SEEDS_PER_GEOMETRY, Stream, without
from tests.oracle.zygote import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
RATE = rb"(?:[\d.e+-]+|inf|-?nan)"
NUMBERS = (
    (
        re.compile(
            rb"; (?:\d+:\d\d:)?\d\d\.\d\d(?: sec)? \("
            + RATE
            + rb" (?:bytes|[KMGTPE]iB)/sec and "
            + RATE
            + rb" ops/sec\)"
        ),
        b"; TIME (RATE/sec and RATE ops/sec)",
    ),
    (
        re.compile(rb"^((?:qemu-io> )*\d+,\d+),\d+:\d\d:\d\d\.\d\d," + RATE + b"," + RATE + b"$", re.M),
        rb"\1,TIME,RATE,RATE",
    ),
    (re.compile(rb"'#block\d+'"), rb"'#blockN'"),
    (re.compile(rb"/vl\.\w{6}'"), rb"/vl.RRRRRR'"),
)
"""What no two runs have in common: times and rates of a report, random parts of names."""


LEAKS = 3
"""What qemu-img check returns where clusters are lost and nothing is damaged."""
DIRTY = 1


class Program(Protocol):
    """Something that behaves like qemu-io."""

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        """Run it in ``folder``/image, on the files ``folder``/stdin, stdout and stderr; the exit status."""

    def close(self) -> None:
        """Release everything."""


class Real:
    """The installed qemu-io."""

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        stderr_name = "stdout" if merged else "stderr"
        with (
            (folder / "stdin").open("rb") as stdin,
            (folder / "stdout").open("ab") as stdout,
            (folder / stderr_name).open("ab") as stderr,
        ):
            files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
            return subprocess.run(["qemu-io", *argv], cwd=folder / "image", timeout=TIMEOUT, **files).returncode

    def close(self) -> None:
        pass


class Forked:
    """pyqio under the name qemu-io, forked from a preloaded process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.oracle.zygote"]
        self._zygote = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, argv: Sequence[str], folder: Path, *, merged: bool) -> int:
        request = {"argv": ["qemu-io", *argv], "cwd": str(folder / "image"), "stdin": str(folder / "stdin")}
        request |= {"stdout": str(folder / "stdout"), "stderr": str(folder / ("stdout" if merged else "stderr"))}
        print(json.dumps(request), file=self._zygote.stdin, flush=True)
        return int(self._zygote.stdout.readline())

    def close(self) -> None:
        self._zygote.stdin.close()
        self._zygote.wait()
        self._zygote.stdout.close()


@dataclass(frozen=True, slots=True)
class Difference:
    """A stream that the two programs did not take alike."""

    stream: Stream
    details: str

    def __str__(self) -> str:
        where = f"--format {self.stream.geometry.format} --seed {self.stream.seed}"
        return f"### python -m tests.oracle.streams {where}\n{self.stream.script()}\n{self.details}\n"


class Worker:
    """Twin folders, and the two programs that run in them."""

    def __init__(self, *, self_check: bool) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="pyqio-streams-"))
        self.programs: list[Program] = [Real(), Real() if self_check else Forked()]
        self._template: tuple[tuple[str, ...], ...] | None = None

    def close(self) -> None:
        for program in self.programs:
            program.close()
        shutil.rmtree(self.scratch)

    def compare(self, stream: Stream) -> Difference | None:
        """Run both; what they did differently."""
        self._make_template(stream)
        sides = [
            self._run(name, program, stream) for name, program in zip(("real", "ours"), self.programs, strict=True)
        ]
        details = "\n".join(differences(*sides, stream))
        return Difference(stream, details) if details else None

    def shrink(self, difference: Difference) -> Difference:
        """The same difference, or another one, with as few commands as can be."""
        size = len(difference.stream.commands)
        while size:
            start = 0
            while start < len(difference.stream.commands):
                smaller = self.compare(without(difference.stream, start, start + size))
                difference, start = (smaller, start) if smaller else (difference, start + size)
            size //= 2
        return difference

    def _make_template(self, stream: Stream) -> None:
        if self._template == stream.geometry.setup:
            return
        template = self.scratch / "template"
        shutil.rmtree(template, ignore_errors=True)
        template.mkdir()
        for step in stream.geometry.setup:
            subprocess.run(step, cwd=template, check=step[0] != "qemu-io", stdout=subprocess.DEVNULL)
        self._template = stream.geometry.setup

    def _run(self, name: str, program: Program, stream: Stream) -> Side:
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.scratch / "template", folder / "image", copy_function=copy_sparse)
        (folder / "stdin").write_text(stream.piped)
        (folder / "stdout").touch()
        (folder / "stderr").touch()
        return Side(folder, program.run(stream.argv, folder, merged=stream.merged))


class Side:
    """What one program left behind."""

    def __init__(self, folder: Path, status: int) -> None:
        self.folder = folder
        self.status = status

    @cached_property
    def files(self) -> dict[str, Path]:
        return {file.name: file for file in sorted((self.folder / "image").iterdir()) if file.is_file()}

    def text(self, stream: str) -> list[str]:
        text = (self.folder / stream).read_bytes()
        for pattern, replacement in NUMBERS:
            text = pattern.sub(replacement, text)
        return text.decode("utf-8", "backslashreplace").splitlines(keepends=True)


def differences(real: Side, ours: Side, stream: Stream) -> Iterator[str]:
    """Everything that is not the same, as text."""
    if fell_over(real):
        return
    if real.status != ours.status:
        yield f"exit status {real.status}, ours {ours.status}"
    for name in ("stdout", "stderr"):
        theirs, own = real.text(name), ours.text(name)
        if real.status < 0:
            # A signal leaves as much of the buffered output as the lengths of times and rates had pushed out.
            common = max(0, min(len(theirs), len(own)) - 1)
            theirs, own = theirs[:common], own[:common]
        if theirs != own:
            yield f"{name}:\n" + "".join(cut(difflib.unified_diff(theirs, own, "real", "ours")))
    if list(real.files) != list(ours.files):
        yield f"files {list(real.files)}, ours {list(ours.files)}"
        return
    for name, path in real.files.items():
        if name.endswith(".qcow2"):
            found = layouts(path, ours.files[name], killed=real.status < 0, durable=stream.durable)
        else:
            found = bytes_and_holes(path, ours.files[name])
        yield from (f"{name}: {what}" for what in found)


def fell_over(real: Side) -> bool:
    """Whether the real tool did: over a truncate without operand, over a read of no bytes at the end that is to be
    copied; then there is nothing to compare."""
    asserted = any("Assertion `" in line for line in (*real.text("stdout"), *real.text("stderr")))
    return real.status == -signal.SIGSEGV or (real.status == -signal.SIGABRT and asserted)


def cut(lines: Iterable[str]) -> Iterator[str]:
    """The first lines of a diff, each whole."""
    for line in itertools.islice(lines, 80):
        yield line if line.endswith("\n") else f"{line}\n\\ no newline\n"


def bytes_and_holes(real: Path, ours: Path) -> Iterator[str]:
    """Compare two flat files, with their holes."""
    if real.stat().st_size != ours.stat().st_size:
        yield f"length {real.stat().st_size}, ours {ours.stat().st_size}"
        return
    ranges = list(data_ranges(real))
    if ranges != list(data_ranges(ours)):
        yield f"data at {ranges}, ours {list(data_ranges(ours))}"
        return
    with real.open("rb") as left, ours.open("rb") as right:
        for start, stop in ranges:
            left.seek(start)
            right.seek(start)
            if left.read(stop - start) != right.read(stop - start):
                yield f"bytes differ between {start} and {stop}"


def layouts(real: Path, ours: Path, *, killed: bool, durable: bool) -> Iterator[str]:
    """Compare two qcow2 images by what a guest and a host see of them; ours must be clean.

    ``killed``: a signal ended the process, which may leak clusters and leave the dirty bit behind; and where not every
    write was ``durable``, nothing more can be said.
    """
    if real.read_bytes() == ours.read_bytes() and not killed:
        return
    if killed and features(ours, mask=DIRTY)[1]:
        tool("check", "-r", "all", ours)  # what lazy refcounts are about
    checked = tool("check", ours)
    if checked.returncode not in ({0, LEAKS, tool("check", real).returncode} if killed else {0}):
        yield f"qemu-img check says {checked.returncode}: {checked.stdout}{checked.stderr}"
        return
    if killed and not (durable and tool("compare", real, real).returncode == 0):
        return  # The real tool may have been killed between a compressed cluster and the padding behind it.
    headers = [features(path, mask=~DIRTY if killed else ~0) for path in (real, ours)]
    if headers[0] != headers[1]:
        yield f"version and feature bits {headers[0]}, ours {headers[1]}"
    compared = tool("compare", real, ours)
    if compared.returncode:
        yield compared.stdout + compared.stderr
    maps = [status_map(path) for path in (real, ours)]
    if maps[0] != maps[1]:
        yield "map:\n" + "".join(cut(difflib.unified_diff(*maps, "real", "ours")))


def features(path: Path, *, mask: int) -> list[int]:
    """The version and the three sets of feature bits in a header (qcow2 specification, "Header")."""
    with path.open("rb") as file:
        return [number & mask for number in struct.unpack(">4xI64x3Q", file.read(96).ljust(96, b"\0"))]


def status_map(path: Path) -> list[str]:
    """qemu-img's map without what depends on the host cluster that the allocator chose: offsets, holes in the file."""
    extents = json.loads(tool("map", "--output=json", path).stdout or "[]")
    merged: list[list] = []
    for extent in extents:
        kind = {key: extent[key] for key in ("depth", "present", "data")} | {
            "zero": extent["zero"] and not extent["data"]
        }
        if merged and merged[-1][2] == kind:
            merged[-1][1] += extent["length"]
        else:
            merged.append([extent["start"], extent["length"], kind])
    return [f"{start:#x} {length:#x} {kind}\n" for start, length, kind in merged]


def tool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run qemu-img on qcow2 images."""
    images = 2 if words[0] == "compare" else 1
    formats = ["-f", "qcow2", *["-F", "qcow2"] * (images == 2)]
    command = ["qemu-img", words[0], *formats, *words[1:]]
    return subprocess.run(command, cwd=Path(words[-1]).parent, capture_output=True, text=True, timeout=TIMEOUT)


def data_ranges(path: Path) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes, end exclusive; what is merely cached of a hole is dropped first."""
    with path.open("rb") as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        stop = 0
        while True:
            try:
                start = os.lseek(file.fileno(), stop, os.SEEK_DATA)
            except OSError:
                return
            stop = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            yield start, stop


def copy_sparse(source: str, target: str) -> None:
    """Copy a file and keep its holes."""
    with Path(source).open("rb") as old, Path(target).open("wb") as new:
        new.truncate(os.fstat(old.fileno()).st_size)
        for start, stop in data_ranges(Path(source)):
            old.seek(start)
            new.seek(start)
            new.write(old.read(stop - start))


def run(
    streams: Iterable[Stream], *, jobs: int = 2, self_check: bool = False, shrink: bool = False
) -> list[Difference]:
    """The streams that differ, by seed.  The real program stands on both sides in a self-check."""

    def work(share: list[list[Stream]]) -> list[Difference]:
        worker = Worker(self_check=self_check)
        try:
            found = [difference for batch in share for stream in batch if (difference := worker.compare(stream))]
            return [worker.shrink(difference) for difference in found] if shrink else found
        finally:
            worker.close()

    batches = [list(batch) for _, batch in itertools.groupby(streams, key=lambda s: s.seed // SEEDS_PER_GEOMETRY)]
    with ThreadPoolExecutor(jobs) as pool:
        found = [
            difference for share in pool.map(work, [batches[job::jobs] for job in range(jobs)]) for difference in share
        ]
    return sorted(found, key=lambda difference: difference.stream.seed)
