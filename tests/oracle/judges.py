"""What two programs left behind, compared: their output, and the images as guests, hosts and qemu-img see them."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import re
import signal
import struct
import subprocess
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from tests.oracle.qcow2_geometry import DATA_FILE, DATA_FILES
from tests.oracle.zygote import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.oracle.streams import Stream

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


class Checker(Protocol):
    """A program with a check of its own."""

    def tell(self, argv: Sequence[str], folder: Path) -> tuple[int, str]:
        """Run it in ``folder`` under the name that ``argv`` starts with; the exit status, and what it said."""


class Side:
    """What one program left behind: a folder, and the exit status of each of its runs."""

    def __init__(self, folder: Path, statuses: list[int]) -> None:
        self.folder = folder
        self.statuses = statuses

    @property
    def killed(self) -> bool:
        """Whether a signal ended the last run."""
        return self.statuses[-1] < 0

    @cached_property
    def files(self) -> dict[str, Path]:
        return {file.name: file for file in sorted((self.folder / "image").iterdir()) if file.is_file()}

    def text(self, stream: str) -> list[str]:
        text = (self.folder / stream).read_bytes()
        for pattern, replacement in NUMBERS:
            text = pattern.sub(replacement, text)
        return text.decode("utf-8", "backslashreplace").splitlines(keepends=True)


def differences(real: Side, ours: Side, stream: Stream, checker: Checker | None) -> Iterator[str]:
    """Everything that is not the same, as text.  ``checker`` is held against qemu-img check."""
    if fell_over(real):
        return
    if real.statuses != ours.statuses:
        yield f"exit status {real.statuses}, ours {ours.statuses}"
    for name in ("stdout", "stderr"):
        theirs, own = real.text(name), ours.text(name)
        if real.killed:
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
            found = Twins(path, ours.files[name], stream, checker, killed=real.killed).differences()
        elif name == DATA_FILE:
            found = content(path, ours.files[name], slack=stream.geometry.cluster)
        else:
            found = bytes_and_holes(path, ours.files[name])
        yield from (f"{name}: {what}" for what in found)


def fell_over(real: Side) -> bool:
    """Whether the real tool did; then there is nothing to compare.

    It does over a truncate without operand, over a read of no bytes at the end that is to be copied, and over lengths
    that it finds to be negative when it copies subclusters on read.
    """
    said = (*real.text("stdout"), *real.text("stderr"))
    asserted = any(line.startswith("Unexpected error in ") or "Assertion `" in line for line in said)
    return -signal.SIGSEGV in real.statuses or (-signal.SIGABRT in real.statuses and asserted)


def cut(lines: Iterable[str]) -> Iterator[str]:
    """The first lines of a diff, each whole."""
    for line in itertools.islice(lines, 80):
        yield line if line.endswith("\n") else f"{line}\n\\ no newline\n"


def bytes_and_holes(real: Path, ours: Path) -> Iterator[str]:
    """Compare two flat files, with their holes."""
    ranges = [list(data_ranges(path)) for path in (real, ours)]
    if ranges[0] != ranges[1]:
        yield f"data at {ranges[0]}, ours {ranges[1]}"
    yield from content(real, ours)


def content(real: Path, ours: Path, *, slack: int = 1) -> Iterator[str]:
    """Compare two flat files, whatever is a hole in them; both may end anywhere in one unit of ``slack`` bytes."""
    sizes = [path.stat().st_size for path in (real, ours)]
    if -(-sizes[0] // slack) != -(-sizes[1] // slack):
        yield f"length {sizes[0]}, ours {sizes[1]}"
        return
    with real.open("rb") as left, ours.open("rb") as right:
        for start, stop in itertools.chain(data_ranges(real), data_ranges(ours)):
            left.seek(start)
            right.seek(start)
            parts = [file.read(stop - start).ljust(stop - start, b"\0") for file in (left, right)]
            if parts[0] != parts[1]:
                yield f"bytes differ between {start} and {stop}"


class Twins:
    """Two qcow2 images that should be alike, and what qemu-img says of them; ours must be clean.

    ``killed``: a signal ended the process, which may leak clusters and leave the dirty bit behind; and where not every
    write was durable, nothing more can be said.
    """

    def __init__(self, real: Path, ours: Path, stream: Stream, checker: Checker | None, *, killed: bool) -> None:
        self.paths = (real, ours)
        self.checker = checker
        self.shape = stream.geometry
        self.killed = killed
        self.durable = stream.durable

    def differences(self) -> Iterator[str]:
        """What a guest or a host sees of them that is not the same."""
        real, ours = self.paths
        checked = self.tool("check", of=[ours])
        if self.checker is not None:
            yield from self.checked_alike(ours, self.checker, checked)
        if not self.killed and real.read_bytes() == ours.read_bytes():
            return
        if self.killed and features(ours, mask=DIRTY)[1]:
            self.tool("check", "-r", "all", of=[ours])  # what lazy refcounts are about
            checked = self.tool("check", of=[ours])
        allowed = {0, LEAKS, self.tool("check", of=[real]).returncode} if self.killed else {0}
        if checked.returncode not in allowed:
            yield f"qemu-img check says {checked.returncode}: {checked.stdout}{checked.stderr}"
            return
        if self.killed and not (self.durable and self.tool("compare", of=[real, real]).returncode == 0):
            return  # The real tool may have been killed between a compressed cluster and the padding behind it.
        yield from self.contents()
        yield from self.description()

    def checked_alike(self, path: Path, checker: Checker, theirs: CompletedProcess[str]) -> Iterator[str]:
        """What qemu-img check says of an image, and what pyqio does."""
        options, words = self.shape.opened(path.name)
        command = ["-c", "check", *options, *words] if self.shape.encrypted else ["-c", f"check -f qcow2 {path.name}"]
        status, said = checker.tell(["pyqio", "-r", *command], path.parent)
        # The two streams of output, each in its order: what is found, and the summary.
        expected = sorted((theirs.stdout + theirs.stderr).splitlines())
        if (status, sorted(said.splitlines())) != (theirs.returncode, expected):
            yield f"check {theirs.returncode}: {expected}, ours {status}: {sorted(said.splitlines())}"

    def contents(self) -> Iterator[str]:
        """The bytes, of every snapshot too, and where they are."""
        compared = self.tool("compare", of=self.paths)
        if compared.returncode:
            yield compared.stdout + compared.stderr
        maps = [self.status_map(path) for path in self.paths]
        if maps[0] != maps[1]:
            yield "map:\n" + "".join(cut(difflib.unified_diff(*maps, "real", "ours")))
        for entry in self.descriptions[0].get("snapshots", ()):
            name = entry["name"]
            flat = [path.with_name(f"{path.name}.flat") for path in self.paths]
            for path, target in zip(self.paths, flat, strict=True):
                self.tool("convert", "-l", f"snapshot.name={name}", "-O", "raw", of=[path], to=target)
            if not same_bytes(*flat):
                yield f"snapshot {name} differs"
            for target in flat:
                target.unlink(missing_ok=True)

    @cached_property
    def descriptions(self) -> list[dict]:
        """What is told of both."""
        return [self.described(path) for path in self.paths]

    def description(self) -> Iterator[str]:
        """The header, the list of snapshots, the bitmaps."""
        headers = [features(path, mask=~DIRTY if self.killed else ~0) for path in self.paths]
        if headers[0] != headers[1]:
            yield f"version and feature bits {headers[0]}, ours {headers[1]}"
        described = [json.dumps(told, indent=1).splitlines(keepends=True) for told in self.descriptions]
        if described[0] != described[1]:
            yield "info:\n" + "".join(cut(difflib.unified_diff(*described, "real", "ours")))
        if "bitmaps" in self.shape.features and not self.killed:
            bitmaps = [self.bitmaps(*both) for both in zip(self.paths, self.descriptions, strict=True)]
            if bitmaps[0] != bitmaps[1]:
                yield f"bitmaps {bitmaps[0]}, ours {bitmaps[1]}"

    def tool(self, action: str, *words: str, of: Sequence[Path], to: Path | None = None) -> CompletedProcess[str]:
        """Run qemu-img."""
        names = [self.shape.opened(str(path)) for path in of]
        second = ["-F", "qcow2"] * (len(names) == 2 and not self.shape.encrypted)
        operands = [word for _, name in names for word in name]
        command = ["qemu-img", action, *words, *names[0][0], *second, *operands, *[str(to)] * (to is not None)]
        return subprocess.run(command, cwd=of[0].parent, capture_output=True, text=True, timeout=TIMEOUT)

    def described(self, path: Path) -> dict:
        """What qemu-img info tells, less what depends on the clock or on the host's file."""
        told = json.loads(self.tool("info", "--output=json", of=[path]).stdout or "{}")
        for key in ("filename", "actual-size", "full-backing-filename", *["dirty-flag"] * self.killed):
            told.pop(key, None)
        for entry in told.get("snapshots", ()):
            for key in ("date-sec", "date-nsec"):
                entry.pop(key)
        return told

    def status_map(self, path: Path) -> list[str]:
        """qemu-img's map without what depends on the host cluster that the allocator chose: offsets, the host's holes.

        Where a file of its own holds the data, an offset is the guest's.
        """
        external = not self.shape.features.isdisjoint(DATA_FILES)
        extents = json.loads(self.tool("map", "--output=json", of=[path]).stdout or "[]")
        merged: list[list] = []
        for extent in extents:
            kind = {key: extent[key] for key in ("depth", "present", "data")} | {
                "zero": extent["zero"] and not extent["data"]
            }
            if external and "offset" in extent and not extent["depth"]:
                kind["moved"] = extent["offset"] - extent["start"]
            if merged and merged[-1][2] == kind:
                merged[-1][1] += extent["length"]
            else:
                merged.append([extent["start"], extent["length"], kind])
        return [f"{start:#x} {length:#x} {kind}\n" for start, length, kind in merged]

    def bitmaps(self, path: Path, told: dict) -> dict[str, str]:
        """The hash that QEMU's storage daemon makes of each bitmap that can be read."""
        listed = told["format-specific"]["data"].get("bitmaps", ())
        names = [entry["name"] for entry in listed if "in-use" not in entry["flags"]]
        node = f"driver=qcow2,node-name=image,read-only=on,file.driver=file,file.filename={path}"
        secret = ["encrypt.key-secret=sec0"] * self.shape.encrypted
        asked = [{"execute": "qmp_capabilities"}]
        for name in names:
            bitmap = {"node": "image", "name": name}
            asked.append({"execute": "x-debug-block-dirty-bitmap-sha256", "arguments": bitmap})
        command = ["qemu-storage-daemon", *self.shape.opened("")[0][:2] * self.shape.encrypted]
        command += ["--blockdev", ",".join([node, *secret]), "--chardev", "stdio,id=console"]
        answers = subprocess.run(
            [*command, "--monitor", "chardev=console"],
            input="".join(f"{json.dumps(request)}\n" for request in (*asked, {"execute": "quit"})),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        ).stdout.splitlines()
        return dict(zip(names, answers[2:], strict=False))


def same_bytes(real: Path, ours: Path) -> bool:
    """Whether two flat files read alike, or neither is there."""
    if real.exists() != ours.exists():
        return False
    command = ["qemu-img", "compare", "-f", "raw", "-F", "raw", str(real), str(ours)]
    return not real.exists() or subprocess.run(command, capture_output=True, timeout=TIMEOUT).returncode == 0


def features(path: Path, *, mask: int) -> list[int]:
    """The version and the three sets of feature bits in a header (qcow2 specification, "Header")."""
    with path.open("rb") as file:
        return [number & mask for number in struct.unpack(">4xI64x3Q", file.read(96).ljust(96, b"\0"))]


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
