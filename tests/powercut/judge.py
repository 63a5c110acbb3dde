"""Whether what a power cut left is sound: by qemu-img, and by opening it, reading it and writing to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.base.types import OpenFlags
from pyqio.block.node import Node
from pyqio.drivers.formats.qcow2.checking.check import check
from pyqio.drivers.formats.qcow2.header import parse_file
from tests.powercut.disk import SECTOR, Disk, Power
from tests.powercut.geometry import DATA_FILE, IMAGE, PASSWORD, SECRET, Machine, scratch
from tests.powercut.workload import Wrong

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from tests.powercut.geometry import Geometry
    from tests.powercut.guest import Guest

_INCOMPATIBLE = 72
_DIRTY = 1
_LUKS = bytes([0, 0, 0, 2])
_CLEARED = re.compile(r"OFLAG_COPIED .*_entry=[0-7]?[0-9a-f]{0,15} refcount=1$")


class Verdict(NamedTuple):
    """What a check says: how many clusters are wrong, how many leaked, and the findings."""

    corruptions: int
    leaks: int
    findings: list[str]

    def __str__(self) -> str:
        return f"{self.corruptions} corruptions, {self.leaks} leaks: {'; '.join(self.findings[-6:])}"


def own_verdict(disk: Disk, *, fix: str = "") -> Verdict:
    """What pyqio's check says; ``fix`` as there."""
    file = Node("file", disk, OpenFlags())
    findings: list[str] = []
    result = check(file, parse_file(file, writable=False), fix=fix, report=findings.append)
    return Verdict(result.corruptions + result.check_errors, result.leaks, findings)


def qemu_verdict(contents: Sequence[bytes | bytearray]) -> Verdict:
    """What qemu-img check says."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        for name, data in zip((IMAGE, DATA_FILE), contents, strict=False):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        secret, image = [], f"driver=qcow2,file.filename={IMAGE}"
        if contents[0][32:36] == _LUKS:
            secret, image = ["--object", f"secret,id={SECRET},data={PASSWORD}"], f"{image},encrypt.key-secret={SECRET}"
        command = ["qemu-img", "check", *secret, "--output=json", "--image-opts", image]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise Wrong(f"qemu-img check: {done.stderr.strip()}") from None
    corruptions = found.get("corruptions", 0) + found.get("check-errors", 0)
    return Verdict(corruptions, found.get("leaks", 0), done.stderr.splitlines())


def sound(contents: Sequence[bytes | bytearray], when: str, *, ask_qemu: bool) -> Verdict:
    """Raise Wrong where the metadata is worse than leaking, or the two checks do not agree."""
    verdict = own_verdict(Disk(contents[0], Power()))
    if _is_worse(contents[0], verdict):
        raise Wrong(f"{when}: {verdict}")
    if ask_qemu and (other := qemu_verdict(contents))[:2] != verdict[:2]:
        raise Wrong(f"{when}: the checks do not agree: {verdict} and {other}")
    return verdict


def _is_worse(data: bytes | bytearray, verdict: Verdict) -> bool:
    """Whether there is more to it than clusters that leak.

    Snapshots of version 2, which has no dirty bit to say that flags and counts are being changed, may leave COPIED
    flags on clusters whose leaking count says that they are shared: both are right when the leaks are repaired.  They
    may also leave flags out that could be set, which costs a copy and no more.
    """
    if data[7] != 2 or not verdict.corruptions:
        return verdict.corruptions > 0
    disk = Disk(data, Power())
    own_verdict(disk, fix="leaks")
    left = own_verdict(disk)
    return left.corruptions > sum(bool(_CLEARED.search(line)) for line in left.findings)


def is_dirty(data: bytes | bytearray) -> bool:
    """Whether the header says that the counts are to be made anew."""
    return data[7] == 3 and bool(int.from_bytes(data[_INCOMPATIBLE : _INCOMPATIBLE + 8], "big") & _DIRTY)


def judge(left: Machine, guest: Guest, rng: random.Random, *, ask_qemu: bool) -> None:
    """Raise Wrong where the image is worse than leaking, holds what it may not, or cannot be used any more."""
    before = [bytes(data) for data in left.contents]
    was_dirty = is_dirty(before[0])
    if not was_dirty:
        sound(before, "after the cut", ask_qemu=ask_qemu)
    try:
        image = left.open()
    except BlockError as error:
        raise Wrong(f"does not open: {error.message}") from error
    if was_dirty:
        _was_repaired(left, before, ask_qemu=ask_qemu)
    if mistakes := guest.mistakes(image.pread(0, image.length())):
        raise Wrong("; ".join(mistakes[:3]))
    _compare_snapshots(left, guest)
    _use(image, left.geometry, rng)
    sound(left.contents, "after it was written to", ask_qemu=ask_qemu)


def _was_repaired(repaired: Machine, before: Sequence[bytes], *, ask_qemu: bool) -> None:
    if verdict := sound(repaired.contents, "after repair", ask_qemu=ask_qemu).leaks:
        raise Wrong(f"after repair: {verdict} leaks")
    again = Machine(repaired.geometry, before)
    again.open()
    if again.contents != repaired.contents:
        raise Wrong("repair is not the same twice")


def _compare_snapshots(left: Machine, guest: Guest) -> None:
    """See that each snapshot that must be there holds what it is to hold."""
    for name, contents in guest.kept_snapshots.items():
        with Machine(left.geometry, left.contents).open(snapshot=name) as image:
            if image.pread(0, image.length()) != contents:
                raise Wrong(f"snapshot '{name}' holds something else")


def _use(image: Image, geometry: Geometry, rng: random.Random) -> None:
    """Write here and there, read that back, and close."""
    try:
        for _ in range(3):
            offset = rng.randrange(image.length() // SECTOR or 1) * SECTOR
            data = bytes([rng.randrange(1, 256)]) * min(image.length() - offset, 3 * geometry.cluster_size, 1 << 20)
            image.pwrite(offset, data)
            if image.pread(offset, len(data)) != data:
                raise Wrong(f"what was written at {offset:#x} after the cut is not there")
        image.close()
    except BlockError as error:
        raise Wrong(f"cannot be used: {error.message}") from error
