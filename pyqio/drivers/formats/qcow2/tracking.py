"""Keeping persistent dirty bitmaps true while the disk is written to.

When an image is opened for writing the directory says on stable storage that the bitmaps are in use.  When it is closed
they are written anew, and one write of the header leads to a directory that says so no more::

    in use -> guest's data ... bits, tables, directory -> header -> former bits, tables, directory freed

A power cut in between leaves bitmaps that nobody trusts, and never one that has missed a change.
"""

from __future__ import annotations

from array import array
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import OpenError, Unsupported
from pyqio.base.records import pack
from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.header import EXT_BITMAPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyqio.drivers.formats.qcow2.bitmaps import Entry
    from pyqio.drivers.formats.qcow2.header import BitmapsExtension
    from pyqio.drivers.formats.qcow2.store import Store

_OFFSET: Final = 0x00FF_FFFF_FFFF_FE00
_ONES: Final = 1
_WORDS: Final = Codec(64)
_FLAGS_AT: Final = 12
"""Where an entry of the directory has its flags, in bytes."""


class Tracker:
    """The bitmaps of one open image; ``where`` and ``entries`` are its directory.

    The store is handed in with every call, since an image that is reopened gets another one.
    """

    def __init__(self, where: BitmapsExtension, entries: Iterable[Entry]) -> None:
        self._where = where
        self._bitmaps = [Bitmap(entry) for entry in entries]
        self._noting: list[Bitmap] | None = None
        """Those that note every change; None as long as the directory does not say that they are in use."""
        self._changed = False

    def describe(self) -> list[Mapping[str, Any]]:
        """What ``qemu-img info`` says of each."""
        return [bitmap.entry.describe() for bitmap in self._bitmaps]

    def begin(self, store: Store) -> None:
        """The image is going to be written to.  Raises OpenError where a change could not be noted, and has to be."""
        taken = [bitmap for bitmap in self._bitmaps if not bitmap.lost]
        if any(bitmap.entry.auto and not bitmap.entry.usable for bitmap in taken):
            raise OpenError("Bitmap extra data is not supported")
        taken = [bitmap for bitmap in taken if bitmap.entry.usable]
        self._write_flags(store, taken, in_use=True)
        for bitmap in taken:
            bitmap.taken = True
        self._noting = [bitmap for bitmap in taken if bitmap.entry.auto]
        self._changed = False

    def mark(self, store: Store, offset: int, length: int) -> None:
        """The guest's bytes in this range are about to change."""
        for bitmap in self._begun(store):
            bitmap.mark(store, offset, length)
            self._changed = True

    def prepare_resize(self, store: Store) -> None:
        """The guest's size is about to change.  Raises Unsupported where a bitmap cannot follow."""
        self._begun(store)
        for bitmap in self._bitmaps:
            if bitmap.lost or not bitmap.taken:
                raise Unsupported(
                    f"Bitmap '{bitmap.entry.text}' is inconsistent and cannot be used\n"
                    "Try block-dirty-bitmap-remove to delete this bitmap from disk"
                )

    def fit(self, store: Store, former: int) -> None:
        """The guest's size has changed; ``former``: what it was."""
        for bitmap in self._bitmaps if store.size != former else ():
            bitmap.resize(store, former)
            self._changed = True

    def save(self, store: Store) -> None:
        """Write what has been noted; the bitmaps are not in use any more.  Raises BlockError.

        A disk of no bytes has none: its bitmaps stay in use, since QEMU opens no image with a bitmap of no bits.
        """
        taken = [bitmap for bitmap in self._bitmaps if bitmap.taken]
        if not store.size and taken:
            store.flush()
        elif self._changed:
            self._write_anew(store, [bitmap for bitmap in taken if not bitmap.is_damaged(store)])
        else:
            store.flush()
            self._write_flags(store, taken, in_use=False)
        for bitmap in taken:
            bitmap.forget()
        self._noting = None

    def _begun(self, store: Store) -> list[Bitmap]:
        """Those that note every change.  Where an image could not be made read-only they have to begin again."""
        if self._noting is None:
            self.begin(store)
        return self._noting or []

    def _write_flags(self, store: Store, chosen: Sequence[Bitmap], *, in_use: bool) -> None:
        """Let the directory on stable storage say whether these are in use."""
        if not chosen:
            return
        at = self._where.directory_offset
        for bitmap in self._bitmaps:
            if bitmap in chosen:
                bitmap.entry = bitmap.entry.marked(in_use=in_use)
                flags = bitmap.entry.fields.flags.to_bytes(4, "big")
                store.guard.check(at + _FLAGS_AT, len(flags), overlap.BITMAP_DIRECTORY)
                store.file.pwrite(at + _FLAGS_AT, memoryview(flags))
            at += len(bitmap.entry.encode())
        store.file.flush()

    def _write_anew(self, store: Store, chosen: Sequence[Bitmap]) -> None:
        """Place these bitmaps and a new directory, in QEMU's order, and let the header lead there."""
        former, size = self._where, store.geometry.cluster_size
        placed = Placed(store)
        try:
            stored = {bitmap: bitmap.write(store, placed) for bitmap in chosen}
            directory = b"".join(stored.get(bitmap, bitmap.entry).encode() for bitmap in self._bitmaps)
            where = former._replace(directory_offset=placed.place(directory), directory_size=len(directory))
            store.refcounts.write_back()
            store.flush()
        except BaseException:
            placed.abandon()
            raise
        store.update_extensions({EXT_BITMAPS: pack(where)})
        store.guard.release(former.directory_offset, former.directory_size, overlap.BITMAP_DIRECTORY)
        store.guard.claim(where.directory_offset, where.directory_size, overlap.BITMAP_DIRECTORY)
        self._where = where
        freed = [(former.directory_offset, store.geometry.clusters(former.directory_size) * size)]
        for bitmap, entry in stored.items():
            freed += bitmap.clusters(store)
            bitmap.entry = entry
        for offset, length in freed:
            store.allocator.release(offset, length, discard=store.settings.discard_other)


class Bitmap:
    """One bitmap, and the clusters of its bits that were needed: its pages.

    ``taken``: it is in use on disk because of what is done here.  ``lost``: it was in use before, or its table is
    damaged; it stays in use, so that nobody trusts it.
    """

    __slots__ = ("_pages", "_table", "entry", "lost", "taken")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.lost = entry.in_use
        self.forget()

    def forget(self) -> None:
        """All is written, and the directory leads to it; or nothing will be."""
        self.taken = False
        self._table: array[int] | None = None
        self._pages: dict[int, bytearray] = {}

    def mark(self, store: Store, offset: int, length: int) -> None:
        """Set the bits of a guest range."""
        table = self._load_table(store)
        if not length or self.lost:
            return
        bits, per_page = self.entry.fields.granularity_bits, store.geometry.cluster_size * 8
        first, end = offset >> bits, (offset + length - 1 >> bits) + 1
        while first < end:
            index, low = divmod(first, per_page)
            high = min(low + end - first, per_page)
            if high - low == per_page:
                table[index] = _ONES
                self._pages.pop(index, None)
            elif table[index] != _ONES or index in self._pages:
                set_bits(self._page(store, table, index), low, high)
            first += high - low

    def resize(self, store: Store, former: int) -> None:
        """The disk has its new size: the table becomes as long as that takes; past the smaller end no bit is set."""
        table = self._load_table(store)
        if self.lost:
            return
        last, rest = self._position(store, store.size)
        count = max(1, last + (rest > 0))
        index, low = self._position(store, min(store.size, former))
        if index < min(count, len(table)):
            clear_bits(self._page(store, table, index), low)
        for dropped in range(count, len(table)):
            self._pages.pop(dropped, None)
        self._table = table[:count] + array("Q", bytes(8 * max(0, count - len(table))))

    def write(self, store: Store, placed: Placed) -> Entry:
        """Write the bits and the table to new places; returns the entry that leads there, not in use any more."""
        former, table = self._load_table(store), array("Q")
        last, rest = self._position(store, store.size)
        for index in range(len(former)):
            page = self._pages.get(index)
            if page is None and (former[index] & _OFFSET or index == last):
                page = _read_page(store, former[index])
            if index == last and page is not None:
                clear_bits(page, rest)
            table.append(former[index] if page is None else placed.place(page) if any(page) else 0)
        offset = placed.place(_WORDS.encode(table))
        return self.entry.marked(in_use=False).with_fields(table_offset=offset, table_size=len(table))

    def clusters(self, store: Store) -> Iterator[tuple[int, int]]:
        """Host offset and length of what the bitmap takes in the file."""
        size, fields = store.geometry.cluster_size, self.entry.fields
        yield fields.table_offset, store.geometry.clusters(fields.table_size * 8) * size
        for entry in self._read_table(store):
            if entry & _OFFSET:
                yield entry & _OFFSET, size

    def is_damaged(self, store: Store) -> bool:
        """Whether the table says what cannot be."""
        self._load_table(store)
        return self.lost

    def _position(self, store: Store, size: int) -> tuple[int, int]:
        """The page, and the bit in it, that come after the last of a disk of this size."""
        return divmod(-(-size >> self.entry.fields.granularity_bits), store.geometry.cluster_size * 8)

    def _load_table(self, store: Store) -> array[int]:
        """The table, with the changes that are not written."""
        if self._table is None:
            self._table = self._read_table(store)
            odd = store.geometry.cluster_mask | ~_OFFSET
            damaged = any(entry & odd for entry in self._table if entry != _ONES)
            self.lost = self.lost or damaged or any(starmap(store.guard.holds, self.clusters(store)))
        return self._table

    def _read_table(self, store: Store) -> array[int]:
        data = bytearray(self.entry.fields.table_size * 8)
        store.file.pread(self.entry.fields.table_offset, memoryview(data))
        return _WORDS.decode(data)

    def _page(self, store: Store, table: array[int], index: int) -> bytearray:
        """The bits of one cluster."""
        page = self._pages.get(index)
        if page is None:
            page = self._pages[index] = _read_page(store, table[index])
        return page


class Placed:
    """New clusters, to which nothing leads yet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: list[tuple[int, int]] = []

    def place(self, data: bytes | bytearray) -> int:
        """Write ``data``, filled up with zeroes; returns its host offset."""
        geometry = self._store.geometry
        count = geometry.clusters(len(data))
        offset = self._store.allocator.allocate(count)
        self._taken.append((offset, count))
        self._store.guard.check(offset, count << geometry.cluster_bits)
        self._store.file.pwrite(offset, memoryview(data.ljust(count << geometry.cluster_bits, b"\0")))
        return offset

    def abandon(self) -> None:
        """Give them back."""
        for offset, count in self._taken:
            self._store.allocator.abandon(offset, count)


def _read_page(store: Store, entry: int) -> bytearray:
    """The bits that an entry of a bitmap table stands for."""
    page = bytearray((b"\xff" if entry == _ONES else b"\0") * store.geometry.cluster_size)
    if offset := entry & _OFFSET:
        store.file.pread(offset, memoryview(page))
    return page


def set_bits(page: bytearray, low: int, high: int) -> None:
    """Set bits ``low`` to ``high``, the end exclusive."""
    first, last = low >> 3, high - 1 >> 3
    head, tail = 0xFF << (low & 7) & 0xFF, 0xFF >> (-high & 7)
    if first == last:
        page[first] |= head & tail
        return
    page[first] |= head
    page[first + 1 : last] = b"\xff" * (last - first - 1)
    page[last] |= tail


def clear_bits(page: bytearray, low: int) -> None:
    """Clear all bits from ``low`` on."""
    first = low >> 3
    page[first] &= 0xFF >> (8 - (low & 7)) if low & 7 else 0
    page[first + 1 :] = bytes(len(page) - first - 1)
