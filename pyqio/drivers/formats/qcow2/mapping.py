"""From guest clusters to host clusters: the L1 table and the L2 tables that it leads to."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.cache import Codec, Table, TableCache
from pyqio.drivers.formats.qcow2.layout import (
    COMPRESSED,
    COPIED,
    OFFSET_MASK,
    SUB_ALLOCATED,
    SUBCLUSTERS,
    ZERO,
    hexadecimal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.allocation import Allocator
    from pyqio.drivers.formats.qcow2.layout import Geometry
    from pyqio.drivers.formats.qcow2.overlap import Overlap

UNALLOCATED: Final = 0
ZERO_PLAIN: Final = 1
ZERO_ALLOCATED: Final = 2
DATA: Final = 3
PACKED: Final = 4
"""Kinds of (sub)cluster: nothing here; zeroes; zeroes with a host cluster in reserve; data; compressed data."""


NOWHERE: Final = -1
"""The host offset of what has none; 0 is the first byte of an external data file."""


_STRIDE: Final = 1024
_EMPTY: Final = bytes(8 * _STRIDE)
"""L1 entries that are looked through at a time: most of a large disk's lead nowhere."""


class Run(NamedTuple):
    """``length`` guest bytes of one kind.

    ``host_offset``: of the first byte, NOWHERE where there is none; the others follow it.  ``entry``: the first
    cluster's L2 entry.
    """

    kind: int
    length: int
    host_offset: int
    entry: int


class Mapping:
    """The active L1 table, held in memory, and a cache of L2 tables.

    ``l1`` has the entries as they are on disk.  ``fail(message)`` marks the image as corrupt and raises.
    ``make_clean()`` writes everything back, in order.
    """

    def __init__(
        self,
        file: Node,
        geometry: Geometry,
        *,
        l1: array[int],
        l1_offset: int,
        guard: Overlap,
        allocator: Allocator,
        cache_bytes: int,
        fail: Callable[[str], None],
        make_clean: Callable[[], None],
    ) -> None:
        self._file = file
        self._geometry = geometry
        self._guard = guard
        self._allocator = allocator
        self._fail = fail
        self.l1 = l1
        self.l1_offset = l1_offset
        self._l1_dirty: set[int] = set()
        self._slice_mask = geometry.slice_entries - 1
        self._slice_bits = geometry.slice_entries.bit_length() - 1
        self._l2 = TableCache(
            file,
            Codec(64),
            size=geometry.slice_bytes,
            capacity=cache_bytes // geometry.slice_bytes,
            check=lambda offset, length: guard.check(offset, length, overlap.ACTIVE_L2),
            make_clean=make_clean,
            extended=geometry.extended,
        )

    @property
    def dirty(self) -> bool:
        """Whether a table is not written yet."""
        return self._l2.dirty or bool(self._l1_dirty)

    def find(self, offset: int) -> tuple[Table | None, int]:
        """The L2 slice that describes the guest cluster at ``offset`` (None: there is none), and the index in it."""
        cluster = offset >> self._geometry.cluster_bits
        l1_index = cluster >> self._geometry.l2_bits
        l2_offset = self.l1[l1_index] & OFFSET_MASK
        index = cluster & self._slice_mask
        if not l2_offset:
            return None, index
        if l2_offset & self._geometry.cluster_mask:
            self._fail(f"L2 table offset {hexadecimal(l2_offset)} unaligned (L1 index: {hexadecimal(l1_index)})")
        piece = (cluster >> self._slice_bits) & ((1 << self._geometry.l2_bits - self._slice_bits) - 1)
        return self._l2.get(l2_offset + piece * self._geometry.slice_bytes), index

    def find_for_change(self, offset: int) -> tuple[Table, int]:
        """As ``find``, of a table that may be changed: a new one, or a copy of one that a snapshot shares."""
        l1_index = offset // self._geometry.l2_coverage
        if not self.l1[l1_index] & COPIED:
            self._own_table(l1_index)
        table, index = self.find(offset)
        if table is None:
            self._own_table(l1_index)
            table, index = self.find(offset)
        assert table is not None
        return table, index

    def change(self, table: Table, index: int, entries: array[int], bitmaps: array[int] | None = None) -> None:
        """Store ``entries`` in ``table`` from ``index`` on, and their bitmaps where these change and there are any."""
        table.entries[index : index + len(entries)] = entries
        if bitmaps is not None and self._geometry.extended:
            table.bitmaps[index : index + len(entries)] = bitmaps
        self._l2.touch(table, index, index + len(entries))

    def run(self, offset: int, end: int) -> Run:
        """The run that starts at guest byte ``offset`` and ends before ``end``, as long as one slice shows it.

        Raises CorruptError.
        """
        geometry = self._geometry
        table, index = self.find(offset)
        inside = offset & geometry.cluster_mask
        count = min((inside + end - offset - 1 >> geometry.cluster_bits) + 1, geometry.slice_entries - index)
        if table is None:
            return Run(UNALLOCATED, min(end, self._next_table(offset, end)) - offset, NOWHERE, 0)
        entry = table.entries[index]
        if entry & COMPRESSED:
            return Run(PACKED, min(end - offset, geometry.cluster_size - inside), NOWHERE, entry)
        if entry & ZERO and geometry.version < 3:
            self._fail(f"Zero cluster entry found in pre-v3 image {self._l2_place(offset)}")
        host = entry & OFFSET_MASK
        if host & geometry.cluster_mask:
            self._fail(f"Cluster allocation offset {hexadecimal(host)} unaligned {self._l2_place(offset)}")
        if geometry.extended:
            return self._sub_run(table, index, offset, min(end - offset, (count << geometry.cluster_bits) - inside))
        placed = entry & geometry.host_mask
        kind = (ZERO_ALLOCATED if placed else ZERO_PLAIN) if entry & ZERO else (DATA if placed else UNALLOCATED)
        if count > 1:
            count = alike(table.entries, index, count, step=geometry.cluster_size if placed else 0)
        length = min(end - offset, (count << geometry.cluster_bits) - inside)
        return Run(kind, length, host + inside if placed else NOWHERE, entry)

    def runs(self, offset: int, end: int) -> Iterator[tuple[int, Run]]:
        """All runs of a guest range, each with its guest offset."""
        while offset < end:
            run = self.run(offset, end)
            yield offset, run
            offset += run.length

    def refuse_invalid(self, table: Table, index: int, count: int, offset: int) -> None:
        """Find the image corrupt where one of ``count`` extended entries from ``index`` on says what cannot be.

        ``offset``: a guest byte of the first.
        """
        if not self._geometry.extended:
            return
        for at in range(index, index + count):
            entry = table.entries[at]
            if not entry & COMPRESSED and _is_invalid(table.bitmaps[at], entry & self._geometry.host_mask):
                place = self._l2_place(offset + (at - index << self._geometry.cluster_bits))
                self._fail(f"Invalid cluster entry found {place}")

    def edit_all(self, entry_for: Callable[[int], int]) -> None:
        """Put every entry of the L1 table and of the L2 tables through ``entry_for``, in place."""
        geometry = self._geometry
        for l1_index, entry in enumerate(self.l1):
            if not entry & OFFSET_MASK:
                continue
            if (edited := entry_for(entry)) != entry:
                self.l1[l1_index] = edited
                self._l1_dirty.add(l1_index)
            for at in range(0, geometry.cluster_size, geometry.slice_bytes):
                table = self._l2.get((entry & OFFSET_MASK) + at)
                entries = array("Q", map(entry_for, table.entries))
                if entries != table.entries:
                    self.change(table, 0, entries)

    def place(self, offset: int) -> str:
        """The way to the guest byte at ``offset``, for a person to read."""
        l1_index = offset // self._geometry.l2_coverage
        text = f"L1[{l1_index}] = {self.l1[l1_index]:#x}"
        table, index = self.find(offset)
        if table is None:
            return text
        text = f"{text}, L2[{self._l2_index(offset)}] = {table.entries[index]:#x}"
        return f"{text}, subclusters {table.bitmaps[index]:#018x}" if table.bitmaps else text

    def loaded(self, l2_offset: int, index: int) -> Table | None:
        """The slice with entry ``index`` of the L2 table at ``l2_offset`` if it is in memory."""
        return self._l2.loaded(l2_offset + index // self._geometry.slice_entries * self._geometry.slice_bytes)

    def tables(self) -> Iterator[int]:
        """Host offsets of all active L2 tables."""
        return (entry & OFFSET_MASK for entry in self.l1 if entry & OFFSET_MASK)

    def drop_tables(self, first: int) -> None:
        """Empty the L1 table from entry ``first`` on and give the L2 tables back."""
        for l1_index in range(first, len(self.l1)):
            self._drop_table(l1_index)

    def replace_l1(self, l1: array[int], offset: int) -> None:
        """``l1`` stands at host ``offset``, and the header leads to it."""
        self._guard.release(self.l1_offset, len(self.l1) * 8, overlap.ACTIVE_L1)
        self.l1, self.l1_offset = l1, offset
        self._guard.claim(offset, len(l1) * 8, overlap.ACTIVE_L1)

    def write_l2(self) -> None:
        """Hand the L2 tables to the file."""
        self._l2.write_back()

    def write_l1(self) -> None:
        """Hand the L1 table to the file, a sector at a time."""
        for sector in sorted({index // 64 for index in self._l1_dirty}):
            entries = self.l1[sector * 64 : sector * 64 + 64]
            at = self.l1_offset + sector * 512
            self._guard.check(at, len(entries) * 8, overlap.ACTIVE_L1)
            self._file.pwrite(at, memoryview(Codec(64).encode(entries)))
        self._l1_dirty.clear()

    @property
    def l1_dirty(self) -> bool:
        """Whether the L1 table is not written yet."""
        return bool(self._l1_dirty)

    def forget(self) -> None:
        """Forget all cached L2 tables."""
        self._l2.clear()

    def _next_table(self, offset: int, end: int) -> int:
        """The guest byte before ``end`` where the first L2 table after the one for ``offset`` begins; else ``end``."""
        coverage = self._geometry.l2_coverage
        at, stop = offset // coverage + 1, -(-end // coverage)
        while at < stop:
            entries = self.l1[at : min(stop, at + _STRIDE)]
            if entries.tobytes() != _EMPTY[: 8 * len(entries)]:
                return (at + next(i for i, entry in enumerate(entries) if entry)) * coverage
            at += _STRIDE
        return end

    def _own_table(self, l1_index: int) -> None:
        geometry = self._geometry
        former = self.l1[l1_index] & OFFSET_MASK
        if former & geometry.cluster_mask:
            self._fail(f"L2 table offset {hexadecimal(former)} unaligned (L1 index: {hexadecimal(l1_index)})")
        offset = self._allocator.allocate_table()
        if not offset:
            self._fail("Preventing invalid allocation of L2 table at offset 0")
        try:
            self._guard.check(offset, geometry.cluster_size)
            for at in range(0, geometry.cluster_size, geometry.slice_bytes):
                copied = self._l2.get(former + at) if former else None
                table = self._l2.new(offset + at)
                if copied is not None:
                    table.entries, table.bitmaps = copied.entries[:], copied.bitmaps[:]
        except BaseException:
            self._l2.forget(offset, geometry.cluster_size)
            self._allocator.abandon(offset, 1)
            raise
        self._guard.claim(offset, geometry.cluster_size, overlap.ACTIVE_L2)
        self._drop_table(l1_index)
        self.l1[l1_index] = offset | COPIED
        self._l1_dirty.add(l1_index)

    def _drop_table(self, l1_index: int) -> None:
        former = self.l1[l1_index] & OFFSET_MASK
        if former:
            size = self._geometry.cluster_size
            self._l2.forget(former, size)
            self._guard.release(former, size, overlap.ACTIVE_L2)
            self._allocator.release(former, size, discard=False)
            self.l1[l1_index] = 0
            self._l1_dirty.add(l1_index)

    def _sub_run(self, table: Table, index: int, offset: int, limit: int) -> Run:
        """The run of subclusters of one kind that starts at guest byte ``offset``; at most ``limit`` bytes."""
        geometry = self._geometry
        entry, inside = table.entries[index], offset & geometry.cluster_mask
        sub = inside >> geometry.subcluster_bits
        kind = self._sub_kind(table, index, sub, offset)
        placed = kind in (DATA, ZERO_ALLOCATED)
        host = entry & OFFSET_MASK
        length = -(offset & geometry.subcluster_mask)
        while True:
            alike_here = _trailing_ones(_marks(kind, table.bitmaps[index]) >> sub)
            length += alike_here << geometry.subcluster_bits
            if length >= limit or sub + alike_here < SUBCLUSTERS:
                break
            index, sub, host = index + 1, 0, host + geometry.cluster_size
            following = table.entries[index]
            if following & COMPRESSED or (placed and following & OFFSET_MASK != host):
                break
            if self._sub_kind(table, index, 0, offset + length) != kind:
                break
        return Run(kind, min(length, limit), (entry & OFFSET_MASK) + inside if placed else NOWHERE, entry)

    def _sub_kind(self, table: Table, index: int, sub: int, offset: int) -> int:
        bitmap, placed = table.bitmaps[index], table.entries[index] & self._geometry.host_mask
        if _is_invalid(bitmap, placed):
            # Two blanks, as QEMU has when it reads, and only then.
            self._fail(f"Invalid cluster entry found  {self._l2_place(offset)}")
        if bitmap >> SUBCLUSTERS >> sub & 1:
            return ZERO_ALLOCATED if placed else ZERO_PLAIN
        return DATA if bitmap >> sub & 1 else UNALLOCATED

    def _l2_place(self, offset: int) -> str:
        l2_offset = self.l1[offset // self._geometry.l2_coverage] & OFFSET_MASK
        return f"(L2 offset: {hexadecimal(l2_offset)}, L2 index: {hexadecimal(self._l2_index(offset))})"

    def _l2_index(self, offset: int) -> int:
        return (offset >> self._geometry.cluster_bits) & ((1 << self._geometry.l2_bits) - 1)


def _is_invalid(bitmap: int, placed: int) -> bool:
    """Whether a subcluster is data and zero at once, or data without a cluster to be in."""
    allocated = bitmap & SUB_ALLOCATED
    return bool(allocated and (bitmap >> SUBCLUSTERS & allocated or not placed))


def _marks(kind: int, bitmap: int) -> int:
    """Bit x is set where subcluster x is of this kind."""
    if kind == DATA:
        return bitmap & SUB_ALLOCATED
    marked = bitmap >> SUBCLUSTERS
    return marked if kind in (ZERO_PLAIN, ZERO_ALLOCATED) else ~(bitmap | marked) & SUB_ALLOCATED


def _trailing_ones(bits: int) -> int:
    return (~bits & bits + 1).bit_length() - 1


def alike(entries: array[int], index: int, count: int, *, step: int) -> int:
    """How many of ``count`` entries from ``index`` on follow the first one in steps of ``step``; at least one."""
    first = entries[index]
    if not first and not step:
        data = memoryview(entries)[index : index + count].tobytes()
        return (len(data) - len(data.lstrip(b"\0"))) // entries.itemsize
    done, size = 1, 8
    while done < count:
        # Twice as many each time: runs are mostly short, or as long as the slice.
        size = min(2 * size, count - done)
        start = first + done * step
        expected = array("Q", range(start, start + size * step, step)) if step else array("Q", [first]) * size
        found = entries[index + done : index + done + size]
        if found != expected:
            return done + next(i for i in range(size) if found[i] != expected[i])
        done += size
    return count
