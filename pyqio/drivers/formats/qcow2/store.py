"""One open image: its header, its tables, and the order in which they reach stable storage.

A power cut at any moment leaves an image whose counts are never lower than its references, and whose references
never lead to bytes that were not written for them::

    counts that were raised, data  ->  L2 tables  ->  L1 table  ->  counts that were lowered, reuse of clusters

Each arrow is a flush of the file.  With lazy refcounts the first group leaves out the counts; the dirty bit says
that they are to be rebuilt.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NoReturn

from pyqio.base.errors import BlockError, CorruptError
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout, overlap, snapshots
from pyqio.drivers.formats.qcow2.allocation import Allocator
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.compressed import Packer
from pyqio.drivers.formats.qcow2.encode import encode, encode_fields, with_extensions
from pyqio.drivers.formats.qcow2.layout import OFFSET_MASK
from pyqio.drivers.formats.qcow2.mapping import Mapping
from pyqio.drivers.formats.qcow2.overlap import Overlap
from pyqio.drivers.formats.qcow2.refcounts import Refcounts

if TYPE_CHECKING:
    from array import array
    from collections import abc

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.header import Header
    from pyqio.drivers.formats.qcow2.options import Settings
    from pyqio.drivers.formats.qcow2.space import SectorCipher
    from pyqio.drivers.formats.qcow2.tracking import Tracker


class Store:
    """The parts of an open image.  ``data`` is the node that holds guest data, ``file`` holds the metadata."""

    def __init__(self, file: Node, header: Header, settings: Settings, *, writable: bool) -> None:
        self.file = self.data = file
        self.backing: Node | None = None
        self.bitmaps: Tracker | None = None
        self.cipher: SectorCipher | None = None
        self.cipher_by_guest = False
        """Whether the sectors that the cipher counts are the guest's, and not those of the file."""
        self.header = header
        self.fields = header.fields
        self.settings = settings
        self.writable = writable
        self.geometry = header.geometry(slice_bytes=settings.slice_bytes)
        self.snapshots = snapshots.read_table(file, self.fields)
        self.dead = False
        self._signalled = False
        fields = self.fields
        self.guard = Overlap(fields.cluster_bits, settings.sections, self.fail)
        self.refcounts = Refcounts(
            file,
            self.geometry,
            table=self._read_table(
                fields.refcount_table_offset, (fields.refcount_table_clusters << fields.cluster_bits) // 8
            ),
            table_offset=fields.refcount_table_offset,
            guard=self.guard,
            cache_bytes=settings.refcount_cache_bytes,
            fail=self.fail,
        )
        self.allocator = Allocator(
            file,
            self.geometry,
            self.refcounts,
            self.guard,
            barrier=self.barrier,
            move_table=self._move_refcount_table,
        )
        self.mapping = Mapping(
            file,
            self.geometry,
            l1=self._read_table(fields.l1_table_offset, fields.l1_size),
            l1_offset=fields.l1_table_offset,
            guard=self.guard,
            allocator=self.allocator,
            cache_bytes=settings.l2_cache_bytes,
            fail=self.fail,
            make_clean=self.barrier,
        )
        self.packer = Packer(file, self.geometry, header.compression_type)
        self.claim_all()

    @property
    def raw_data(self) -> bool:
        """Whether the external data file alone shows all that the guest sees."""
        return bool(self.fields.autoclear_features & layout.RAW_DATA_FILE)

    @property
    def size(self) -> int:
        """Guest bytes."""
        return self.fields.size

    @property
    def lazy(self) -> bool:
        """Whether counts may stay in memory until the image is closed."""
        return bool(self.fields.incompatible_features & layout.DIRTY)

    def renewed(self, settings: Settings, *, writable: bool, header: Header | None = None) -> Store:
        """The same image, loaded anew from its file, in which everything has been written.

        ``header``: where the file has another one by now.
        """
        store = Store(self.file, header or self.header_now(), settings, writable=writable)
        store.data, store.backing = self.data, self.backing
        store.cipher, store.cipher_by_guest = self.cipher, self.cipher_by_guest
        store.bitmaps = self.bitmaps
        return store

    def header_now(self) -> Header:
        """The header with the fields as they are now."""
        return self.header._replace(fields=self.fields)

    def update(self, **changes: int) -> None:
        """Write fields of the header."""
        fields = self.fields._replace(**changes)
        self.guard.check(0, headers.V3_LENGTH, overlap.MAIN_HEADER)
        self.file.pwrite(0, memoryview(encode_fields(fields)))
        self.fields = fields

    def update_extensions(self, extensions: abc.Mapping[int, bytes | None], **changes: int) -> None:
        """Write extensions of the header, by kind, and fields with them; None takes an extension away.

        Everything else that the header holds stays.  Raises BlockError (ENOSPC) where the first cluster is too small.
        """
        fields = self.fields._replace(**changes)
        header = with_extensions(self.header._replace(fields=fields), extensions)
        data = encode(header)
        self.guard.check(0, len(data), overlap.MAIN_HEADER)
        self.file.pwrite(0, memoryview(data))
        self.file.flush()
        self.header, self.fields = header, header.fields

    @property
    def vm_state_offset(self) -> int:
        """Where the machine state starts: the first guest byte past the L2 tables that the disk needs."""
        return self.geometry.l1_entries(self.size) * self.geometry.l2_coverage

    def barrier(self) -> None:
        """Bring every reference in memory to stable storage, then lower the counts of what was released."""
        if self.mapping.dirty:
            if not self.lazy:
                self.refcounts.write_back()
            self._sync()
            self.mapping.write_l2()
            if self.mapping.l1_dirty:
                self.file.flush()
                self.mapping.write_l1()
        if self.allocator.pending:
            self.file.flush()
            self.allocator.settle()

    def flush(self) -> None:
        """Put everything on stable storage; with lazy refcounts, everything but the counts."""
        self.barrier()
        if not self.lazy:
            self.refcounts.write_back()
        self._sync()

    def _sync(self) -> None:
        """Flush the guest's data and the file."""
        if self.data is not self.file:
            self.data.flush()
        self.file.flush()

    def mark_dirty(self) -> None:
        """With lazy refcounts, say so in the header before the first count falls behind."""
        if self.settings.lazy_refcounts and not self.lazy:
            self.update(incompatible_features=self.fields.incompatible_features | layout.DIRTY)
            self.file.flush()

    def settle(self) -> None:
        """Leave a file that needs no repair: everything written, the dirty bit cleared."""
        self.flush()
        if self.lazy:
            self.refcounts.write_back()
            self.file.flush()
            self.update(incompatible_features=self.fields.incompatible_features & ~layout.DIRTY)
            self.file.flush()

    def check_alive(self) -> None:
        """Raise the error that answers all requests after the image was found to be corrupt."""
        if self.dead:
            raise BlockError(errno=errno.ENOMEDIUM)

    def fail(self, message: str) -> NoReturn:
        """The image is corrupt: mark it as such, serve no more requests, raise CorruptError."""
        first, self._signalled = not self._signalled, True
        if self.writable:
            self.dead = True
            self.mapping.forget()
            if self.fields.version > 2 and not self.fields.incompatible_features & layout.CORRUPT:
                fields = self.fields._replace(incompatible_features=self.fields.incompatible_features | layout.CORRUPT)
                self.file.pwrite(0, memoryview(encode_fields(fields)))
                self.file.flush()
            raise CorruptError(
                f"Marking image as corrupt: {message}; further corruption events will be suppressed" if first else None
            )
        raise CorruptError(
            f"Image is corrupt: {message}; further non-fatal corruption events will be suppressed" if first else None
        )

    def claim_all(self) -> None:
        """Tell the guard where all metadata is."""
        if not self.writable:
            return
        fields, size, guard = self.fields, self.geometry.cluster_size, self.guard
        guard.claim(0, size, overlap.MAIN_HEADER)
        guard.claim(fields.l1_table_offset, fields.l1_size * 8, overlap.ACTIVE_L1)
        guard.claim_clusters(self.mapping.tables(), overlap.ACTIVE_L2)
        guard.claim(fields.refcount_table_offset, len(self.refcounts.table) * 8, overlap.REFCOUNT_TABLE)
        guard.claim_clusters((entry & ~0x1FF for entry in self.refcounts.table if entry), overlap.REFCOUNT_BLOCK)
        guard.claim(fields.snapshots_offset, snapshots.table_bytes(self.snapshots), overlap.SNAPSHOT_TABLE)
        if bitmaps := headers.bitmaps_extension(self.header_now()):
            guard.claim(bitmaps.directory_offset, bitmaps.directory_size, overlap.BITMAP_DIRECTORY)
        for snapshot in self.snapshots:
            if damage := snapshot.damage(size):
                if self.settings.sections & overlap.INACTIVE_L2:
                    guard.refuse(damage)
                continue
            guard.claim(snapshot.l1_table_offset, snapshot.l1_size * 8, overlap.INACTIVE_L1)
            if self.settings.sections & overlap.INACTIVE_L2:
                l1 = self._read_table(snapshot.l1_table_offset, snapshot.l1_size)
                guard.claim_clusters((e & OFFSET_MASK for e in l1 if e & OFFSET_MASK), overlap.INACTIVE_L2)

    def _read_table(self, offset: int, entries: int) -> array[int]:
        data = bytearray(entries * 8)
        self.file.pread(offset, memoryview(data))
        return Codec(64).decode(data)

    def _move_refcount_table(self, offset: int, clusters: int) -> None:
        self.update(refcount_table_offset=offset, refcount_table_clusters=clusters)
