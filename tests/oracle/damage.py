"""qcow2 images with known damage, made by qemu-img and a few bytes."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OFFSET = 0x00FF_FFFF_FFFF_FE00
COPIED = 1 << 63
COMPRESSED = 1 << 62
FAR = 1 << 40
BITMAPS = 0x23852875


class Bytes:
    """The bytes of an image, and where its tables are."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)

    def get(self, at: int, width: int = 8) -> int:
        return int.from_bytes(self.data[at : at + width], "big")

    def put(self, at: int, number: int, width: int = 8) -> None:
        self.data[at : at + width] = number.to_bytes(width, "big")

    @property
    def end(self) -> int:
        return len(self.data)

    @property
    def cluster(self) -> int:
        return 1 << self.get(20, 4)

    @property
    def l1(self) -> int:
        return self.get(40)

    @property
    def reftable(self) -> int:
        return self.get(48)

    @property
    def snapshots(self) -> int:
        return self.get(64)

    @property
    def block(self) -> int:
        return self.get(self.reftable) & OFFSET

    @property
    def l2(self) -> int:
        return self.get(self.l1) & OFFSET

    def entry(self, index: int) -> int:
        """Where entry ``index`` of the first L2 table stands."""
        return self.l2 + index * (16 if self.get(72) & 16 else 8)

    def extension(self, kind: int) -> int:
        """Where the data of an extension stands."""
        at = self.get(100, 4)
        while self.get(at, 4) != kind:
            at += 8 + -(-self.get(at + 4, 4) // 8) * 8
        return at + 8

    def count(self, cluster: int, number: int) -> None:
        """Set a count of 16 bits."""
        self.put(self.block + cluster * 2, number, 2)

    def flip(self, at: int, bits: int) -> None:
        self.put(at, self.get(at) ^ bits)

    def cut(self, end: int) -> None:
        del self.data[end:]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An image of ``size`` with ``options`` after ``commands`` of qemu-io and ``steps`` of qemu-img, and its damage."""

    name: str
    damage: Callable[[Bytes], object]
    options: str = "cluster_size=4k"
    size: str = "1M"
    commands: tuple[str, ...] = ("write -P 1 0 64k",)
    steps: tuple[str, ...] = ()

    def make(self, path: Path) -> None:
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", self.options, path.name, self.size]
        subprocess.run(create, check=True, cwd=path.parent)
        commands = [word for command in self.commands for word in ("-c", command)]
        subprocess.run(["qemu-io", *commands, path.name], check=True, cwd=path.parent, stdout=subprocess.DEVNULL)
        for step in self.steps:
            subprocess.run(["qemu-img", *step.split(), path.name], check=True, cwd=path.parent)
        image = Bytes(path.read_bytes())
        self.damage(image)
        path.write_bytes(image.data)


def nothing(image: Bytes) -> None:
    """No damage."""


SNAPSHOTS = ("snapshot -c one", "snapshot -c two")
EXTENDED = "cluster_size=16k,extended_l2=on"
NARROW = "cluster_size=4k,refcount_bits=1"
EXTERNAL = "cluster_size=4k,data_file=data.raw"
PACKED = ("write -c -P 1 0 64k", "write -P 2 128k 4k", "write -P 3 120k 4k")
SCATTERED = tuple(f"write -P {i + 1} {i * 37 % 64 * 4}k 4k" for i in range(24))

CASES = (
    Case(name="clean", damage=nothing),
    Case(name="clean-empty", damage=nothing, commands=()),
    Case(name="clean-no-size", damage=nothing, size="0", commands=()),
    Case(name="clean-512", damage=nothing, options="cluster_size=512"),
    Case(name="clean-2M", damage=nothing, options="cluster_size=2M", size="16M"),
    Case(name="clean-version-2", damage=nothing, options="compat=0.10"),
    Case(name="clean-snapshots", damage=nothing, steps=SNAPSHOTS),
    Case(name="clean-compressed", damage=nothing, commands=PACKED),
    Case(name="clean-scattered", damage=nothing, commands=SCATTERED),
    Case(name="clean-extended", damage=nothing, options=EXTENDED, commands=("write 0 2k", "write -z 64k 40k")),
    Case(name="clean-external", damage=nothing, options=EXTERNAL),
    Case(name="clean-external-raw", damage=nothing, options=f"{EXTERNAL},data_file_raw=on"),
    *(
        Case(name=f"clean-{bits}-bits", damage=nothing, options=f"cluster_size=4k,refcount_bits={bits}")
        for bits in (1, 2, 4, 8, 32, 64)
    ),
    Case(name="leak", damage=lambda i: i.put(i.entry(2), 0)),
    Case(name="leaks", damage=lambda i: i.put(i.l1, 0)),
    Case(name="leak-1-bit", damage=lambda i: i.put(i.entry(2), 0), options=NARROW),
    Case(name="count-high", damage=lambda i: i.count(5, 3)),
    Case(name="count-very-high", damage=lambda i: i.count(5, 0xFFFF)),
    Case(name="count-255", damage=lambda i: i.count(5, 255)),
    Case(name="count-256", damage=lambda i: i.count(5, 256)),
    Case(name="count-past-end", damage=lambda i: i.count(40, 1)),
    Case(name="count-zero", damage=lambda i: i.count(5, 0)),
    Case(name="count-zero-of-header", damage=lambda i: i.count(0, 0)),
    Case(name="count-zero-of-block", damage=lambda i: i.count(2, 0)),
    Case(name="count-high-of-block", damage=lambda i: i.count(2, 2)),
    Case(name="count-low-of-shared", damage=lambda i: i.count(5, 1), steps=SNAPSHOTS),
    Case(name="count-high-of-shared", damage=lambda i: i.count(5, 9), steps=SNAPSHOTS),
    Case(name="counts-zero", damage=lambda i: i.put(i.block, 0, 64)),
    Case(name="data-unaligned", damage=lambda i: i.flip(i.entry(2), 512)),
    Case(name="data-far", damage=lambda i: i.put(i.entry(2), COPIED | FAR)),
    Case(name="data-past-end", damage=lambda i: i.put(i.entry(2), COPIED | i.end)),
    Case(name="data-far-not-copied", damage=lambda i: i.put(i.entry(2), FAR)),
    Case(name="data-twice", damage=lambda i: i.put(i.entry(2), i.get(i.entry(3)))),
    Case(name="data-twice-1-bit", damage=lambda i: i.put(i.entry(2), i.get(i.entry(3))), options=NARROW),
    Case(name="data-is-l1", damage=lambda i: i.put(i.entry(0), COPIED | i.l1)),
    Case(name="data-is-header", damage=lambda i: i.put(i.entry(0), COPIED | 1)),
    Case(name="data-is-block", damage=lambda i: i.put(i.entry(0), COPIED | i.block)),
    Case(name="data-is-reftable", damage=lambda i: i.put(i.entry(0), COPIED | i.reftable)),
    Case(name="data-is-l2", damage=lambda i: i.put(i.entry(0), COPIED | i.l2)),
    Case(name="l2-reserved-low", damage=lambda i: i.flip(i.entry(2), 2)),
    Case(name="l2-reserved-high", damage=lambda i: i.flip(i.entry(2), 1 << 57)),
    Case(name="l2-reserved-in-zero", damage=lambda i: i.put(i.entry(2), 3)),
    Case(name="l2-garbage", damage=lambda i: i.put(i.entry(2), 0x0123_4567_89AB_CDEF)),
    Case(name="l2-garbage-far", damage=lambda i: i.put(i.entry(90), 0x8EDC_BA98_7654_3210)),
    Case(name="l2-not-copied", damage=lambda i: i.flip(i.entry(0), COPIED)),
    Case(name="l2-zero-of-version-2", damage=lambda i: i.flip(i.entry(2), 1), options="compat=0.10,cluster_size=4k"),
    Case(name="l2-zero-unaligned", damage=lambda i: i.flip(i.entry(2), 513)),
    Case(name="l2-copied-of-shared", damage=lambda i: i.flip(i.entry(0), COPIED), steps=SNAPSHOTS),
    Case(name="l1-reserved", damage=lambda i: i.flip(i.l1, 1 << 57)),
    Case(name="l1-reserved-only", damage=lambda i: i.put(i.l1 + 8, 2), size="4M"),
    Case(name="l1-unaligned", damage=lambda i: i.flip(i.l1, 512)),
    Case(name="l1-far", damage=lambda i: i.put(i.l1, COPIED | FAR)),
    Case(name="l1-not-copied", damage=lambda i: i.flip(i.l1, COPIED)),
    Case(name="l1-copied-of-shared", damage=lambda i: i.flip(i.l1, COPIED), steps=SNAPSHOTS),
    Case(name="l1-twice", damage=lambda i: i.put(i.l1 + 8, i.get(i.l1)), size="4M"),
    Case(name="l1-is-block", damage=lambda i: i.put(i.l1, COPIED | i.block), size="4M"),
    Case(name="l1-is-l1", damage=lambda i: i.put(i.l1, COPIED | i.l1), size="4M"),
    Case(name="l1-is-header", damage=lambda i: i.put(i.l1, COPIED | i.cluster), size="4M"),
    Case(name="l1-is-data", damage=lambda i: i.put(i.l1 + 8, COPIED | i.get(i.entry(0)) & OFFSET), size="4M"),
    Case(name="compressed-copied", damage=lambda i: i.flip(i.entry(0), COPIED), commands=PACKED),
    Case(name="compressed-far", damage=lambda i: i.put(i.entry(0), COMPRESSED | FAR), commands=PACKED),
    Case(name="compressed-past-end", damage=lambda i: i.put(i.entry(0), COMPRESSED | i.end - 9), commands=PACKED),
    Case(name="compressed-long", damage=lambda i: i.flip(i.entry(0), 15 << 58), commands=PACKED),
    Case(name="compressed-cleared", damage=lambda i: i.put(i.entry(0), 0), commands=PACKED),
    Case(name="reftable-reserved", damage=lambda i: i.flip(i.reftable, 1)),
    Case(name="reftable-unaligned", damage=lambda i: i.flip(i.reftable, 512)),
    Case(name="reftable-unaligned-other", damage=lambda i: i.put(i.reftable + 8, 512)),
    Case(name="reftable-far", damage=lambda i: i.put(i.reftable + 8, FAR)),
    Case(name="reftable-past-end", damage=lambda i: i.put(i.reftable + 8, i.end)),
    Case(name="reftable-empty", damage=lambda i: i.put(i.reftable, 0)),
    Case(name="reftable-twice", damage=lambda i: i.put(i.reftable + 8, i.get(i.reftable))),
    Case(name="reftable-to-data", damage=lambda i: i.put(i.reftable, i.get(i.entry(0)) & OFFSET)),
    Case(name="reftable-to-itself", damage=lambda i: i.put(i.reftable + 8, i.reftable)),
    Case(name="reftable-moved-far", damage=lambda i: i.put(48, FAR)),
    Case(name="dirty", damage=lambda i: i.put(72, 1)),
    Case(name="dirty-and-wrong", damage=lambda i: (i.put(72, 1), i.count(6, 0), i.count(9, 4))),
    Case(name="corrupt", damage=lambda i: i.put(72, 2)),
    Case(name="corrupt-and-wrong", damage=lambda i: (i.put(72, 2), i.count(6, 0))),
    Case(name="corrupt-for-good", damage=lambda i: (i.put(72, 2), i.flip(i.entry(2), 2))),
    Case(name="cut", damage=lambda i: i.cut(15 * 4096)),
    Case(name="cut-inside", damage=lambda i: i.cut(15 * 4096 + 700)),
    Case(name="cut-and-leak", damage=lambda i: (i.cut(15 * 4096), i.put(i.entry(0), 0))),
    Case(name="cut-and-count-zero", damage=lambda i: (i.cut(15 * 4096), i.count(6, 0))),
    Case(name="tail", damage=lambda i: i.data.extend(b"x" * 700)),
    Case(name="snapshot-unaligned", damage=lambda i: i.flip(i.snapshots, 512), steps=SNAPSHOTS),
    Case(name="snapshot-too-large", damage=lambda i: i.put(i.snapshots + 8, 0x7FFF_FFFF, 4), steps=SNAPSHOTS),
    Case(name="snapshot-far", damage=lambda i: i.put(i.snapshots, FAR), steps=SNAPSHOTS),
    Case(name="snapshots-missing", damage=lambda i: i.put(60, 5, 4), steps=SNAPSHOTS),
    Case(name="snapshots-forgotten", damage=lambda i: i.put(60, 1, 4), steps=SNAPSHOTS),
    Case(name="snapshots-far", damage=lambda i: i.put(64, FAR), steps=SNAPSHOTS),
    Case(name="snapshots-unaligned", damage=lambda i: i.put(64, i.snapshots + 8), steps=SNAPSHOTS),
    Case(name="snapshots-too-many", damage=lambda i: i.put(60, 70000, 4), steps=SNAPSHOTS),
    Case(name="snapshot-extra-too-much", damage=lambda i: i.put(i.snapshots + 36, 2000, 4), steps=SNAPSHOTS),
    Case(name="snapshot-extra-none", damage=lambda i: i.put(i.snapshots + 36, 0, 4), steps=SNAPSHOTS[:1]),
    Case(name="snapshot-long-id", damage=lambda i: i.put(i.snapshots + 12, 0xFFFF, 2), steps=SNAPSHOTS),
    Case(name="extended-both", damage=lambda i: i.put(i.entry(1) + 8, 1 << 32 | 1), options=EXTENDED),
    Case(name="extended-unallocated", damage=lambda i: i.put(i.entry(1), 0), options=EXTENDED),
    Case(name="extended-no-bitmap", damage=lambda i: i.put(i.entry(1) + 8, 0), options=EXTENDED),
    Case(name="extended-zero-bit", damage=lambda i: i.flip(i.entry(1), 1), options=EXTENDED),
    Case(name="extended-unaligned", damage=lambda i: i.flip(i.entry(1), 512), options=EXTENDED),
    Case(
        name="extended-unaligned-zero",
        damage=lambda i: (i.flip(i.entry(1), 512), i.put(i.entry(1) + 8, 0xFF << 32)),
        options=EXTENDED,
    ),
    Case(
        name="extended-compressed-bitmap",
        damage=lambda i: i.put(i.entry(0) + 8, 1),
        options=EXTENDED,
        commands=("write -c 0 16k",),
    ),
    Case(name="external-compressed", damage=lambda i: i.put(i.entry(0), COMPRESSED | 0x5000), options=EXTERNAL),
    Case(name="external-not-copied", damage=lambda i: i.flip(i.entry(1), COPIED), options=EXTERNAL),
    Case(name="external-unaligned", damage=lambda i: i.flip(i.entry(1), 512), options=EXTERNAL),
    Case(name="external-elsewhere", damage=lambda i: i.put(i.entry(1), COPIED | FAR), options=EXTERNAL),
    Case(name="external-leak", damage=lambda i: i.put(i.l1, 0), options=EXTERNAL),
)
