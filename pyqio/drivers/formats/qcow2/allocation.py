"""Host clusters: found, taken, given back; and the growth of the refcount structures that this takes.

A cluster that is given back keeps its count until the tables that referred to it are on stable storage without the
reference.  Taking a cluster settles that first, so that nothing new is written where a power cut could still show
an old reference.
"""

from __future__ import annotations

import errno
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.layout import MAX_HOST_OFFSET, MAX_REFTABLE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.layout import Geometry
    from pyqio.drivers.formats.qcow2.overlap import Overlap
    from pyqio.drivers.formats.qcow2.refcounts import Refcounts


class Released(NamedTuple):
    """Clusters that one reference less leads to.  ``discard``: the host may have them when they are free."""

    first: int
    number: int
    discard: bool


class Allocator:
    """The host clusters of one image, handed out as QEMU does: the first free run from a moving index on.

    ``barrier()`` brings all references in memory to stable storage.  ``move_table(offset, clusters)``
    makes the header lead to another refcount table.
    """

    def __init__(
        self,
        file: Node,
        geometry: Geometry,
        refcounts: Refcounts,
        guard: Overlap,
        *,
        barrier: Callable[[], None],
        move_table: Callable[[int, int], None],
    ) -> None:
        self._file = file
        self._geometry = geometry
        self._refcounts = refcounts
        self._guard = guard
        self._barrier = barrier
        self._move_table = move_table
        self._index = 0
        self._byte_cursor = 0
        self._released: list[Released] = []
        self._frees = False

    @property
    def pending(self) -> bool:
        """Whether counts are still to be lowered."""
        return bool(self._released)

    def allocate(self, count: int) -> int:
        """Host offset of ``count`` new clusters in a row.  Raises BlockError, and has taken none then."""
        self._settle_frees()
        while True:
            first = self._find(count)
            missing = self._refcounts.missing_block(first, count)
            if missing is None:
                self._refcounts.add(first, count, 1)
                return first << self._geometry.cluster_bits
            self.add_block(missing)
            self._index = min(self._index, first)

    def allocate_table(self) -> int:
        """Host offset of a new cluster for a table, whose count is in the file at once, lazy refcounts or not."""
        offset = self.allocate(1)
        try:
            self._refcounts.write_back()
        except BaseException:
            self.abandon(offset, 1)
            raise
        return offset

    def allocate_at(self, offset: int, count: int) -> int:
        """Take as many of the ``count`` clusters from host ``offset`` on as are free in a row; returns how many."""
        self._settle_frees()
        first = offset >> self._geometry.cluster_bits
        while count := self._refcounts.free_from(first, count):
            missing = self._refcounts.missing_block(first, count)
            if missing is None:
                self._refcounts.add(first, count, 1)
                return count
            index, self._index = self._index, first + count
            self.add_block(missing)
            self._index = index
        return 0

    def allocate_bytes(self, size: int) -> int:
        """Host offset of ``size`` bytes, at most a cluster, for compressed data; neighbours share clusters."""
        self._settle_frees()
        bits, mask = self._geometry.cluster_bits, self._geometry.cluster_mask
        offset = self._byte_cursor
        if offset and self._refcounts.get(offset >> bits) == self._geometry.refcount_max:
            offset = 0
        while True:
            if not offset or -offset & mask < size:
                cluster = self._find(1) << bits
                if not offset or (offset | mask) + 1 != cluster:
                    offset = cluster
            first = offset >> bits
            count = (offset + size - 1 >> bits) - first + 1
            missing = self._refcounts.missing_block(first, count)
            if missing is None:
                self._refcounts.add(first, count, 1)
                end = offset + size
                self._byte_cursor = end if end & mask else 0
                return offset
            self.add_block(missing)
            self._index = min(self._index, first)
            offset = 0

    def abandon(self, offset: int, count: int) -> None:
        """Give back clusters that nothing has referred to yet."""
        self._lower(offset >> self._geometry.cluster_bits, count)

    def abandon_bytes(self, offset: int, size: int) -> None:
        """Give back bytes that nothing has referred to yet."""
        bits = self._geometry.cluster_bits
        first = offset >> bits
        self._lower(first, (offset + size - 1 >> bits) - first + 1)
        self._byte_cursor = 0

    def release(self, offset: int, length: int, *, discard: bool) -> None:
        """One reference to the clusters in the host range goes away with the next tables that are written."""
        bits = self._geometry.cluster_bits
        first = offset >> bits
        count = (offset + length - 1 >> bits) - first + 1
        self._released.append(Released(first, count, discard))
        self._frees = (
            self._frees
            or (offset | length) & self._geometry.cluster_mask != 0
            or self._refcounts.lowest(first, count) <= 1
        )

    def settle(self) -> None:
        """Lower the counts of what was released; the references must be gone from stable storage."""
        while self._released:
            first, number, discard = self._released[-1]
            freed = self._lower(first, number)
            self._released.pop()
            for start, length in freed if discard else ():
                with suppress(BlockError):  # advice: what stays allocated in the file does no harm
                    self._file.pdiscard(start << self._geometry.cluster_bits, length << self._geometry.cluster_bits)
        self._frees = False

    def reset(self, index: int = 0) -> None:
        """Look for free clusters from cluster ``index`` on."""
        self._index, self._byte_cursor = index, 0

    def add_refcount_area(self, start: int, additional: int) -> int:
        """Move the refcount table to host cluster ``start``, with all the blocks that what follows needs.

        ``additional``: how many clusters will follow.  Returns the first of those.
        """
        return self._write_area(start, additional, spare=False)

    def _settle_frees(self) -> None:
        if self._frees:
            self._barrier()

    def _find(self, count: int) -> int:
        first = self._refcounts.find_free(self._index, count)
        if first + count > MAX_HOST_OFFSET >> self._geometry.cluster_bits:
            raise BlockError(errno=errno.EFBIG)
        self._index = first + count
        return first

    def _lower(self, first: int, count: int) -> list[tuple[int, int]]:
        """Lower counts; returns the runs of clusters that are free now."""
        freed = self._refcounts.lower(first, count)
        if freed:
            self._index = min(self._index, freed[0][0])
            cursor = self._byte_cursor >> self._geometry.cluster_bits
            if any(start <= cursor < start + length for start, length in freed):
                self._byte_cursor = 0
        return freed

    def add_block(self, index: int) -> None:
        """Bring the image one step nearer to having refcount block ``index``; the caller looks and tries again."""
        refcounts = self._refcounts
        if (index + 1) * 8 > MAX_REFTABLE_BYTES:
            raise BlockError(errno=errno.EFBIG)
        cluster = self._find(1)
        home = cluster // self._geometry.block_entries
        if home != index and not refcounts.block_offset(home):
            self.add_block(home)
        elif index < len(refcounts.table):
            self._enter_block(index, cluster)
        else:
            former = refcounts.table
            refcounts.table = former + array("Q", bytes(8 * (index + 1 - len(former))))
            grown = refcounts.table
            try:
                self._enter_block(index, cluster)
                self._write_area((index + 1) * self._geometry.block_entries, 0, spare=True)
            except BaseException:
                if refcounts.table is grown:
                    refcounts.restore_table(former)
                    self._lower(cluster, 1)
                raise

    def _enter_block(self, index: int, cluster: int) -> None:
        refcounts, bits = self._refcounts, self._geometry.cluster_bits
        if cluster // self._geometry.block_entries == index:
            refcounts.add_block(index, cluster << bits)
            refcounts.add(cluster, 1, 1)
        else:
            refcounts.add(cluster, 1, 1)
            refcounts.add_block(index, cluster << bits)

    def _write_area(self, start: int, additional: int, *, spare: bool) -> int:
        refcounts, bits = self._refcounts, self._geometry.cluster_bits
        missing, entries = self._plan_area(start, additional, spare=spare)
        former, former_offset, former_bytes = refcounts.table, refcounts.table_offset, refcounts.table_bytes
        length = self._geometry.clusters(entries * 8) << bits
        if length > MAX_REFTABLE_BYTES:
            raise BlockError(errno=errno.EFBIG)
        area = len(missing) + (length >> bits)
        self._guard.check(start << bits, area << bits)
        offset = start + len(missing) << bits
        refcounts.table = table = former[: length // 8] + array("Q", bytes(max(0, length - len(former) * 8)))
        try:
            for at, index in enumerate(missing, start):
                refcounts.add_block(index, at << bits)
            refcounts.add(start, area, 1)
            refcounts.write_blocks()
            self._file.pwrite(offset, memoryview(Codec(64).encode(table)))
            self._file.flush()
            self._move_table(offset, length >> bits)
        except BaseException:
            refcounts.restore_table(former)
            self._lower(start, area)
            raise
        # From here on the new table counts, even if the flush fails: nobody knows which one the disk has then.
        refcounts.moved_table(offset)
        try:
            self._file.flush()
        except BaseException:
            self.release(former_offset, former_bytes, discard=False)
            raise
        self._lower(former_offset >> bits, former_bytes >> bits)
        return start + area

    def _plan_area(self, start: int, additional: int, *, spare: bool) -> tuple[list[int], int]:
        """The blocks that are missing, and the entries of the table.

        As in QEMU, there are blocks enough even if all of them and the table had to be counted anew.
        """
        per_block = self._geometry.block_entries
        structures = 0
        while True:
            blocks = -(-(start + additional + structures) // per_block)
            entries = max(blocks, self._refcounts.last_block() + 1)
            if spare:
                entries += (entries + 1) // 2
            needed = blocks + self._geometry.clusters(entries * 8)
            if needed <= structures:
                missing = [i for i in range(start // per_block, blocks) if not self._refcounts.block_offset(i)]
                return missing, entries
            structures = needed
