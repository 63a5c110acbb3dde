"""Disks that lose what was not flushed.

They promise what a disk with a write cache does: what completed before a flush that completed is there after a power
cut; of the later changes any may be there and any not, each sector of a write by itself.  Two changes of one sector
keep their order, and so do changes of the file's size.
"""

from __future__ import annotations

import errno
import itertools
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.base.types import Caps, Role
from pyqio.block.driver import Driver

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

SECTOR = 512


class Change(NamedTuple):
    """``kind``: write (of ``data`` at ``offset``), zero (of ``length`` bytes) or size (which becomes ``offset``)."""

    kind: str
    offset: int
    data: bytes = b""
    length: int = 0

    def apply(self, disk: bytearray) -> None:
        """Make the change."""
        if self.kind == "size":
            disk[self.offset :] = bytes(max(0, self.offset - len(disk)))
            return
        data = self.data or bytes(self.length)
        end = self.offset + len(data)
        disk.extend(bytes(max(0, end - len(disk))))
        disk[self.offset : end] = data

    def sectors(self) -> list[Change]:
        """The change in the parts that are made whole or not at all."""
        if self.kind == "size":
            return [self]
        end = self.offset + (len(self.data) or self.length)
        borders = [self.offset, *range(self.offset - self.offset % SECTOR + SECTOR, end, SECTOR), end]
        return [self._part(start, stop) for start, stop in itertools.pairwise(borders)]

    def _part(self, start: int, stop: int) -> Change:
        data = self.data[start - self.offset : stop - self.offset]
        return Change(self.kind, start, data, 0 if data else stop - start)

    def __str__(self) -> str:
        length = f"+{len(self.data) or self.length:#x}" if self.kind != "size" else ""
        return f"{self.kind} {self.offset:#x}{length}"


class Power:
    """What all the disks of an image run on.

    ``changes`` counts those of all disks; ``on_change()`` is called after each.  ``fail()``, called before each and
    before each flush, may raise.
    """

    def __init__(self) -> None:
        self.changes = 0
        self.on_change: Callable[[], None] = lambda: None
        self.fail: Callable[[], None] = lambda: None


class Disk(Driver):
    """``data`` is what a reader sees, ``stable`` what the last flush made sure of.

    ``pending``: the changes since, each with its number among those of all disks.
    """

    name = "disk"
    role = Role.PROTOCOL

    def __init__(self, data: bytes | bytearray, power: Power) -> None:
        self.data = bytearray(data)
        self.stable = bytearray(data)
        self.pending: list[tuple[int, Change]] = []
        self._power = power

    @classmethod
    def open(cls, options, opening):
        raise NotImplementedError("a disk is put below the image as a node")

    def length(self):
        return -(-len(self.data) // SECTOR) * SECTOR

    def pread(self, offset, buf, flags):
        found = self.data[offset : offset + len(buf)]
        buf[:] = found + bytes(len(buf) - len(found))

    def pwrite(self, offset, buf, flags):
        self._change(Change("write", offset, bytes(buf)))

    def pwrite_zeroes(self, offset, length, flags):
        self._change(Change("zero", offset, length=length))

    def pdiscard(self, offset, length):
        length = min(length, self.length() - offset)
        if length > 0:
            self._change(Change("zero", offset, length=length))

    def truncate(self, length, *, prealloc="off", exact=True):
        self._change(Change("size", length))

    def flush(self):
        self._power.fail()
        for _, change in self.pending:
            change.apply(self.stable)
        self.pending = []

    def caps(self):
        return Caps(growable=True, zero_init=True, may_unmap=True)

    def reopen(self, flags, options):
        pass

    def close(self):
        pass

    def _change(self, change: Change) -> None:
        if change.offset > 1 << 32:
            raise BlockError(f"change far outside the image: {change}", errno=errno.EFBIG)
        self._power.fail()
        self._power.changes += 1
        change.apply(self.data)
        self.pending.append((self._power.changes, change))
        self._power.on_change()


class On(NamedTuple):
    """A change of disk number ``disk``."""

    disk: int
    change: Change


def cuts(disks: Sequence[Disk], rng: random.Random, number: int) -> Iterator[tuple[str, list[bytearray]]]:
    """``number`` states in which a power cut may leave the disks now, each with what it is made of."""
    numbered = [(at, On(n, change)) for n, disk in enumerate(disks) for at, change in disk.pending]
    pending = [on for _, on in sorted(numbered, key=itemgetter(0))]
    for _ in range(number):
        kind = rng.choice(list(_KINDS))
        chosen = list(_KINDS[kind](pending, rng))
        left = [bytearray(disk.stable) for disk in disks]
        for disk, change in chosen:
            change.apply(left[disk])
        if kind == "no growth":
            for data, disk in zip(left, disks, strict=True):
                del data[len(disk.stable) :]
        yield f"{kind}: {len(chosen)} of {len(pending)}", left


def _prefix(pending: list[On], rng: random.Random) -> list[On]:
    return pending[: rng.randint(0, len(pending))]


def _torn(pending: list[On], rng: random.Random) -> list[On]:
    whole = rng.randrange(len(pending) or 1)
    return pending[:whole] + _some(_sectors(pending[whole : whole + 1]), rng)


def _without_one(pending: list[On], rng: random.Random) -> list[On]:
    lost = rng.randrange(len(pending) or 1)
    return pending[:lost] + pending[lost + 1 :]


def _one(pending: list[On], rng: random.Random) -> list[On]:
    return [rng.choice(pending)] if pending else []


def _some(pending: list[On], rng: random.Random) -> list[On]:
    share = rng.choice([0.1, 0.5, 0.9])
    sizes = [on for on in pending if on.change.kind == "size"]
    kept = {id(on) for on in sizes[: rng.randint(0, len(sizes))]}
    return [on for on in pending if (id(on) in kept if on.change.kind == "size" else rng.random() < share)]


def _some_sectors(pending: list[On], rng: random.Random) -> list[On]:
    return _some(_sectors(pending), rng)


def _sectors(pending: list[On]) -> list[On]:
    return [On(disk, part) for disk, change in pending for part in change.sectors()]


_KINDS: dict[str, Callable[[list[On], random.Random], list[On]]] = {
    "prefix": _prefix,
    "torn": _torn,
    "without one": _without_one,
    "one": _one,
    "some": _some,
    "some sectors": _some_sectors,
    "no growth": _some,
}
