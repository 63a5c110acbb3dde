"""The counts of an image whose dirty bit is set, made anew from everything that its tables refer to."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from pyqio.base.errors import CorruptError, FormatError
from pyqio.base.records import codec, unpack
from pyqio.drivers.formats.qcow2 import snapshots
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.header import EXT_BITMAPS, BitmapFields, BitmapsExtension
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, COPIED, OFFSET_MASK

if TYPE_CHECKING:
    from pyqio.drivers.formats.qcow2.store import Store

_MAX_BITMAP_TABLE = 0x8000000
_MAX_DIRECTORY = 64 << 20
_MAX_CLUSTERS = 1 << 27


def repair(store: Store) -> None:
    """Make every count what the tables say, and every COPIED flag what the counts say; clear the dirty bit.

    Raises FormatError where the tables refer to what cannot be.
    """
    try:
        expected = References(store).count_all()
        _add_missing_blocks(store, expected)
        _set_counts(store, expected)
        _set_copied(store, expected)
        store.allocator.reset()
        store.settle()
    except CorruptError as error:
        raise FormatError("Could not repair dirty image: Input/output error") from error


class References:
    """How often each host cluster is referred to.

    A reference to a cluster far outside the file is damage: no count could be kept for it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._geometry = store.geometry
        room = store.geometry.clusters(store.file.length()) + store.geometry.block_entries
        if room > _MAX_CLUSTERS:
            raise FormatError("Could not repair dirty image: the file is too large")
        self._counts = array("I", bytes(array("I").itemsize * room))

    def count_all(self) -> array[int]:
        """The references to each cluster, by number."""
        store, fields, size = self._store, self._store.fields, self._geometry.cluster_size
        self._add(0, size)
        self._add(fields.refcount_table_offset, fields.refcount_table_clusters * size)
        for index in range(len(store.refcounts.table)):
            if offset := store.refcounts.block_offset(index):
                self._add(offset, size)
        self._add_l1(fields.l1_table_offset, fields.l1_size)
        self._add(fields.snapshots_offset, snapshots.table_bytes(store.snapshots))
        for snapshot in store.snapshots:
            if snapshot.damage(size):
                raise FormatError("Could not repair dirty image: a snapshot's L1 table is damaged")
            self._add_l1(snapshot.l1_table_offset, snapshot.l1_size)
        self._add_bitmaps()
        return self._counts

    def _add(self, offset: int, length: int) -> None:
        if not length:
            return
        bits = self._geometry.cluster_bits
        first, last = offset >> bits, offset + length - 1 >> bits
        if last >= len(self._counts):
            raise FormatError(
                f"Could not repair dirty image: reference to host offset {offset:#x}, far outside the file"
            )
        for cluster in range(first, last + 1):
            self._counts[cluster] += 1

    def _read(self, offset: int, entries: int) -> array[int]:
        data = bytearray(entries * 8)
        self._store.file.pread(offset, memoryview(data))
        return Codec(64).decode(data)

    def _add_l1(self, offset: int, entries: int) -> None:
        self._add(offset, entries * 8)
        size = self._geometry.cluster_size
        seen = set()
        for entry in self._read(offset, entries):
            if table := entry & OFFSET_MASK:
                if table in seen:
                    raise FormatError(f"Could not repair dirty image: L2 table {table:#x} is in the L1 table twice")
                seen.add(table)
                self._add(table, size)
                self._add_l2(self._read(table, size // 8))

    def _add_l2(self, entries: array[int]) -> None:
        size = self._geometry.cluster_size
        for entry in entries:
            if entry & COMPRESSED:
                self._add(*self._geometry.compressed_range(entry))
            elif entry & OFFSET_MASK:
                self._add(entry & OFFSET_MASK, size)

    def _add_bitmaps(self) -> None:
        data = self._store.header.extension(EXT_BITMAPS)
        if data is None or len(data) < codec(BitmapsExtension).size:
            return
        bitmaps = unpack(BitmapsExtension, data)
        if bitmaps.directory_size > _MAX_DIRECTORY:
            raise FormatError("Could not repair dirty image: bitmap directory too large")
        self._add(bitmaps.directory_offset, bitmaps.directory_size)
        at, end = bitmaps.directory_offset, bitmaps.directory_offset + bitmaps.directory_size
        size = codec(BitmapFields).size
        for _ in range(bitmaps.nb_bitmaps):
            if at + size > end:
                raise FormatError("Could not repair dirty image: bitmap directory too short")
            head = bytearray(size)
            self._store.file.pread(at, memoryview(head))
            fields = unpack(BitmapFields, memoryview(head))
            self._add_bitmap_table(fields)
            at += -(-(size + fields.extra_data_size + fields.name_size) // 8) * 8

    def _add_bitmap_table(self, fields: BitmapFields) -> None:
        if fields.table_size > _MAX_BITMAP_TABLE:
            raise FormatError("Could not repair dirty image: bitmap table too large")
        self._add(fields.table_offset, fields.table_size * 8)
        for entry in self._read(fields.table_offset, fields.table_size):
            if entry & OFFSET_MASK:
                self._add(entry & OFFSET_MASK, self._geometry.cluster_size)


def _add_missing_blocks(store: Store, expected: array[int]) -> None:
    """Blocks for all that is referred to; they go behind it, since what is there is not counted yet."""
    per_block = store.geometry.block_entries
    used = 1 + next((i for i in range(len(expected) - 1, -1, -1) if expected[i]), 0)
    store.allocator.reset(used)
    for index in range(-(-used // per_block)):
        while not store.refcounts.block_offset(index):
            store.allocator.add_block(index)


def _set_counts(store: Store, expected: array[int]) -> None:
    if max(expected) > store.geometry.refcount_max:
        raise FormatError("Could not repair dirty image: more references than a count can hold")
    per_block = store.geometry.block_entries
    room = (store.refcounts.last_block() + 1) * per_block
    if room > _MAX_CLUSTERS:
        raise FormatError("Could not repair dirty image: the refcount table is too large")
    expected.frombytes(bytes(max(0, room - len(expected)) * expected.itemsize))
    for offset in filter(None, store.refcounts.table):
        cluster = offset >> store.geometry.cluster_bits
        expected[cluster] = max(expected[cluster], 1)
    for first in range(0, room, per_block):
        store.refcounts.set_all(first, expected[first : first + per_block])


def _set_copied(store: Store, expected: array[int]) -> None:
    """COPIED stands exactly where the count is 1, in the active tables."""
    bits = store.geometry.cluster_bits

    def entry_for(entry: int) -> int:
        if entry & COMPRESSED:
            return entry & ~COPIED
        alone = entry & OFFSET_MASK and expected[(entry & OFFSET_MASK) >> bits] == 1
        return entry | COPIED if alone else entry & ~COPIED

    store.mapping.edit_all(entry_for)
