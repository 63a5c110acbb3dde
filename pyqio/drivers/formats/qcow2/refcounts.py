"""Reference counts of host clusters: a table of blocks of counts.

Counts in memory are never ahead of the tables that they belong to: a count is raised before the reference is made,
and lowered when the reference is gone from stable storage (see allocation).  Blocks may therefore be written at
any time.
"""

from __future__ import annotations

import errno
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.cache import Codec, Table, TableCache
from pyqio.drivers.formats.qcow2.layout import SLICE_BYTES, hexadecimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.layout import Geometry
    from pyqio.drivers.formats.qcow2.overlap import Overlap

_NARROW_BYTES = 4096
"""Bytes of a block of counts narrower than a byte that are loaded at a time: they take up to 8 times that in memory."""


class Refcounts:
    """The counts of one image.  Clusters are host clusters, by number.

    ``table`` holds the host offset of each block, 0 where there is none.  ``fail(message)`` marks the image as
    corrupt and raises.
    """

    def __init__(
        self,
        file: Node,
        geometry: Geometry,
        *,
        table: array[int],
        table_offset: int,
        guard: Overlap,
        cache_bytes: int,
        fail: Callable[[str], None],
    ) -> None:
        self._file = file
        self._geometry = geometry
        self._guard = guard
        self._fail = fail
        self.table = table
        self.table_offset = table_offset
        self.table_bytes = len(table) * 8
        """Length of the table in the file; ``table`` is longer while it grows."""
        self._dirty_entries: set[int] = set()
        bits = geometry.refcount_bits
        self._slice_bytes = min(geometry.cluster_size, SLICE_BYTES if bits >= 8 else _NARROW_BYTES)
        self._slice_entries = self._slice_bytes * 8 // bits
        self._blocks = TableCache(
            file,
            Codec(bits),
            size=self._slice_bytes,
            capacity=cache_bytes // self._slice_bytes,
            check=lambda offset, length: guard.check(offset, length, overlap.REFCOUNT_BLOCK),
            make_clean=lambda: self._blocks.write_back(),
        )

    @property
    def dirty(self) -> bool:
        """Whether something is not written yet."""
        return self._blocks.dirty or bool(self._dirty_entries)

    def block_offset(self, index: int) -> int:
        """Host offset of block ``index``, 0 where there is none."""
        if index >= len(self.table):
            return 0
        offset = self.table[index] & ~0x1FF
        if offset & self._geometry.cluster_mask:
            self._fail(f"Refblock offset {hexadecimal(offset)} unaligned (reftable index: {hexadecimal(index)})")
        return offset

    def missing_block(self, first: int, count: int) -> int | None:
        """Index of the first block that the counts of these clusters need and that is not there."""
        per_block = self._geometry.block_entries
        blocks = range(first // per_block, (first + count - 1) // per_block + 1)
        return next((index for index in blocks if not self.block_offset(index)), None)

    def get(self, cluster: int) -> int:
        """The count of one cluster."""
        table, low, _ = next(self._pieces(cluster, 1))
        return table.entries[low] if table else 0

    def loaded(self, block_offset: int, index: int) -> int | None:
        """Count ``index`` of the block at ``block_offset`` if it is in memory."""
        table = self._blocks.loaded(block_offset + index // self._slice_entries * self._slice_bytes)
        return None if table is None else table.entries[index % self._slice_entries]

    def lowest(self, first: int, count: int) -> int:
        """The smallest count among these clusters."""
        return min(min(table.entries[low:high]) if table else 0 for table, low, high in self._pieces(first, count))

    def free_from(self, first: int, count: int) -> int:
        """How many clusters from ``first`` on are free, at most ``count``."""
        free = 0
        for table, low, high in self._pieces(first, count):
            if table is not None and any(table.entries[low:high]):
                return free + next(i for i, n in enumerate(table.entries[low:high]) if n)
            free += high - low
        return free

    def find_free(self, start: int, count: int) -> int:
        """The first cluster from ``start`` on that begins a run of ``count`` free ones."""
        while True:
            free = self.free_from(start, count)
            if free == count:
                return start
            start = self._next_free(start + free)

    def add(self, first: int, count: int, delta: int) -> None:
        """Add ``delta`` to the counts of these clusters, all of which have a block.

        Raises BlockError where a count would leave the range that its width allows; then none is changed.
        """
        pieces = list(self._pieces(first, count))
        for table, low, high in pieces:
            counts = table.entries[low:high] if table else [0]
            if min(counts) + delta < 0 or max(counts) + delta > self._geometry.refcount_max:
                raise BlockError(errno=errno.EINVAL)
        for table, low, high in pieces:
            if table is not None:
                table.entries[low:high] = array(table.entries.typecode, [n + delta for n in table.entries[low:high]])
                self._blocks.touch(table, low, high)

    def lower(self, first: int, count: int) -> list[tuple[int, int]]:
        """Take one from each of these counts; returns the runs (first, count) of clusters that this makes free.

        A count that is 0 already belongs to a damaged image and stays: the cluster is free.
        """
        freed: list[tuple[int, int]] = []
        for table, low, high in list(self._pieces(first, count)):
            if table is not None:
                counts = table.entries[low:high]
                table.entries[low:high] = array(counts.typecode, [n - 1 if n else 0 for n in counts])
                self._blocks.touch(table, low, high)
                for at in (first + i for i, n in enumerate(counts) if n == 1):
                    if freed and sum(freed[-1]) == at:
                        freed[-1] = freed[-1][0], freed[-1][1] + 1
                    else:
                        freed.append((at, 1))
            first += high - low
        return freed

    def raise_each(self, clusters: Sequence[int]) -> None:
        """Add one to the counts of scattered clusters, ascending; a cluster that is there twice gets two.

        Raises BlockError where a count would not fit its width, or is 0 though something refers to the cluster; then
        none is changed.
        """
        done = 0
        for table, base, part in self._scattered(clusters):
            for cluster in part:
                count = table.entries[cluster - base] if table else 0
                if table is None or not 0 < count < self._geometry.refcount_max:
                    self.lower_each(clusters[:done])
                    if count:
                        raise BlockError(errno=errno.EINVAL)
                    raise BlockError(f"Host cluster {cluster} is in use, but not counted: the image needs a check")
                table.entries[cluster - base] = count + 1
                done += 1
            self._touch(table, base, part)

    def lower_each(self, clusters: Sequence[int]) -> list[int]:
        """Take one from the counts of scattered clusters, ascending; returns what each has then.

        As with ``lower``, a count that is 0 already stays.
        """
        counts: list[int] = []
        for table, base, part in self._scattered(clusters):
            for cluster in part:
                count = max(0, table.entries[cluster - base] - 1) if table else 0
                counts.append(count)
                if table is not None:
                    table.entries[cluster - base] = count
            self._touch(table, base, part)
        return counts

    def alone(self, clusters: Sequence[int]) -> set[int]:
        """Those of ascending clusters whose count is 1."""
        found: set[int] = set()
        for table, base, part in self._scattered(clusters):
            if table is not None:
                found.update(cluster for cluster in part if table.entries[cluster - base] == 1)
        return found

    def set_all(self, first: int, counts: array[int]) -> None:
        """Set the counts of the clusters from ``first`` on, where there are blocks for them."""
        at = 0
        for table, low, high in self._pieces(first, len(counts)):
            if table is not None:
                wanted = array(table.entries.typecode, counts[at : at + high - low])
                if table.entries[low:high] != wanted:
                    table.entries[low:high] = wanted
                    self._blocks.touch(table, low, high)
            at += high - low

    def add_block(self, index: int, offset: int) -> None:
        """Enter a new block of zeroes at host ``offset``; the table has room for it."""
        self._guard.check(offset, self._geometry.cluster_size)
        for at in range(offset, offset + self._geometry.cluster_size, self._slice_bytes):
            self._blocks.new(at)
        self.table[index] = offset
        self._dirty_entries.add(index)
        self._guard.claim(offset, self._geometry.cluster_size, overlap.REFCOUNT_BLOCK)

    def last_block(self) -> int:
        """Index of the last block that is there, -1 where there is none."""
        return next((i for i in range(len(self.table) - 1, -1, -1) if self.table[i]), -1)

    def last_used(self) -> int:
        """The last cluster with a count above 0."""
        per_block, step = self._geometry.block_entries, self._slice_entries
        for block in range(self.last_block(), -1, -1):
            if not self.block_offset(block):
                continue
            for first in range((block + 1) * per_block - step, block * per_block - 1, -step):
                table, _, _ = next(self._pieces(first, 1))
                if table is not None and any(table.entries):
                    return first + next(i for i in range(step - 1, -1, -1) if table.entries[i])
        return 0

    def moved_table(self, offset: int) -> None:
        """The table as it is in memory stands at host ``offset`` now."""
        length = self._geometry.clusters(len(self.table) * 8) << self._geometry.cluster_bits
        self._guard.release(self.table_offset, self.table_bytes, overlap.REFCOUNT_TABLE)
        self.table_offset, self.table_bytes = offset, length
        self._dirty_entries.clear()
        self._guard.claim(offset, length, overlap.REFCOUNT_TABLE)

    def restore_table(self, table: array[int]) -> None:
        """Go back to ``table``, which has fewer blocks, since the new one could not be written."""
        for index, offset in enumerate(self.table):
            if offset and (index >= len(table) or not table[index]):
                self.forget(offset, self._geometry.cluster_size)
                self._guard.release(offset, self._geometry.cluster_size, overlap.REFCOUNT_BLOCK)
        self.table = table
        self._dirty_entries = {index for index in self._dirty_entries if index < len(table) and table[index]}

    def forget(self, offset: int, length: int) -> None:
        """Drop cached blocks in a host range that is free now."""
        self._blocks.forget(offset, length)

    def write_blocks(self) -> None:
        """Hand the blocks to the file."""
        self._blocks.write_back()

    def write_back(self) -> None:
        """Hand everything to the file, blocks before the table that leads to them."""
        self.write_blocks()
        if self._dirty_entries:
            self._file.flush()
            for index in sorted(self._dirty_entries):
                at = self.table_offset + index * 8
                self._guard.check(at, 8, overlap.REFCOUNT_TABLE)
                self._file.pwrite(at, memoryview(self.table[index].to_bytes(8, "big")))
                self._dirty_entries.discard(index)

    def _next_free(self, start: int) -> int:
        while True:
            table, low, high = next(self._pieces(start, self._slice_entries))
            if table is None:
                return start
            try:
                return start + table.entries.index(0, low) - low
            except ValueError:
                start += high - low

    def _scattered(self, clusters: Sequence[int]) -> Iterator[tuple[Table | None, int, Sequence[int]]]:
        """The slices that hold the counts of ascending clusters, each with its first cluster and those it counts."""
        step, start = self._slice_entries, 0
        while start < len(clusters):
            base = clusters[start] // step * step
            end = bisect_left(clusters, base + step, start)
            table, _, _ = next(self._pieces(base, 1))
            yield table, base, clusters[start:end]
            start = end

    def _touch(self, table: Table | None, base: int, part: Sequence[int]) -> None:
        if table is not None:
            self._blocks.touch(table, part[0] - base, part[-1] - base + 1)

    def _pieces(self, first: int, count: int) -> Iterator[tuple[Table | None, int, int]]:
        """The slices that hold these counts, with the indices from and to; None where there is no block."""
        step, per_block, width = self._slice_entries, self._geometry.block_entries, self._slice_bytes
        end = first + count
        while first < end:
            block = self.block_offset(first // per_block)
            inside = first % per_block
            low = inside % step
            high = min(low + end - first, step)
            yield (self._blocks.get(block + inside // step * width) if block else None), low, high
            first += high - low
