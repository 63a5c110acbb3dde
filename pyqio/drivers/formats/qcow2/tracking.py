"""Keeping persistent dirty bitmaps true while the disk is written to.

Before the first change that a bitmap has to note, the directory says on stable storage that the bitmap is in use; when
the image is closed the bits are written, and then it says so no more::

    in use -> guest's data ... bits -> table, directory -> not in use

A power cut in between leaves a bitmap that nobody trusts, and never one that has missed a change.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import OpenError, Unsupported
from pyqio.base.records import pack
from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.bitmaps import IN_USE
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
        """Those that note every change; None as long as there was no change."""

    def describe(self, *, written: bool) -> list[Mapping[str, Any]]:
        """What ``qemu-img info`` says of each; ``written``: the image is open for writing."""
        return [bitmap.entry.describe(written=written) for bitmap in self._bitmaps]

    def check_usable(self) -> None:
        """Raise OpenError where changes would have to be noted, and cannot be."""
        if any(entry.auto and not entry.in_use and not entry.usable for entry in self._entries()):
            raise OpenError("Bitmap extra data is not supported")

    def mark(self, store: Store, offset: int, length: int) -> None:
        """The guest's bytes in this range are about to change."""
        if self._noting is None:
            noting = [bitmap for bitmap in self._bitmaps if bitmap.entry.auto and not bitmap.lost]
            self._take(store, noting)
            self._noting = noting
        for bitmap in self._noting:
            bitmap.mark(store, offset, length)

    def prepare_resize(self, store: Store) -> None:
        """The guest's size is about to change.  Raises Unsupported where a bitmap cannot follow."""
        for bitmap in self._bitmaps:
            if bitmap.lost or not bitmap.entry.usable:
                raise Unsupported(
                    f"Bitmap '{bitmap.entry.text}' is inconsistent and cannot be used\n"
                    "Try block-dirty-bitmap-remove to delete this bitmap from disk"
                )
        self._take(store, self._bitmaps)

    def fit(self, store: Store, former: int) -> None:
        """The guest's size has changed; ``former``: what it was."""
        for bitmap in self._bitmaps:
            if bitmap.taken and store.size != former:
                bitmap.resize(store, former)

    def save(self, store: Store) -> None:
        """Write what has been noted; the bitmaps are not in use any more.  Raises BlockError."""
        taken = [bitmap for bitmap in self._bitmaps if bitmap.taken and not bitmap.lost]
        self._noting = None
        former = [bitmap.entry for bitmap in taken]
        for bitmap in taken:
            bitmap.write(store)
        if former != [bitmap.entry for bitmap in taken]:
            self._move_directory(store)
        self._write_flags(store, taken, in_use=False)
        for bitmap in taken:
            bitmap.settle(store)

    def _entries(self) -> Iterator[Entry]:
        return (bitmap.entry for bitmap in self._bitmaps)

    def _take(self, store: Store, wanted: Sequence[Bitmap]) -> None:
        fresh = [bitmap for bitmap in wanted if not bitmap.taken]
        self._write_flags(store, fresh, in_use=True)
        for bitmap in fresh:
            bitmap.taken = True

    def _write_flags(self, store: Store, chosen: Sequence[Bitmap], *, in_use: bool) -> None:
        """Let the directory on stable storage say whether these are in use, after all that was written before."""
        if not chosen:
            return
        store.flush()
        at = self._where.directory_offset
        for bitmap in self._bitmaps:
            if bitmap in chosen:
                flags = bitmap.entry.fields.flags & ~IN_USE | (IN_USE if in_use else 0)
                store.guard.check(at + _FLAGS_AT, 4, overlap.BITMAP_DIRECTORY)
                store.file.pwrite(at + _FLAGS_AT, memoryview(flags.to_bytes(4, "big")))
                bitmap.entry = bitmap.entry.with_fields(flags=flags)
            at += len(bitmap.entry.encode())
        store.file.flush()

    def _move_directory(self, store: Store) -> None:
        """Tables have moved: a new directory, to which one write of the header leads."""
        former, size = self._where, store.geometry.cluster_size
        data = b"".join(entry.encode() for entry in self._entries())
        offset = place(store, data)
        store.flush()
        where = former._replace(directory_offset=offset, directory_size=len(data))
        store.update_extensions({EXT_BITMAPS: pack(where)})
        store.guard.release(former.directory_offset, former.directory_size, overlap.BITMAP_DIRECTORY)
        store.guard.claim(offset, len(data), overlap.BITMAP_DIRECTORY)
        self._where = where
        store.allocator.release(
            former.directory_offset, -(-former.directory_size // size) * size, discard=store.settings.discard_other
        )


class Bitmap:
    """One bitmap, and the clusters of its bits that were needed: its pages.

    ``taken``: it is in use on disk because of what is done here.  ``lost``: it was in use before, or its table is
    damaged; it stays in use, so that nobody trusts it.
    """

    __slots__ = ("_changed", "_dropped", "_pages", "_table", "entry", "lost", "taken")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.taken = False
        self.lost = entry.in_use
        self._table: array[int] = array("Q")
        self._pages: dict[int, bytearray] = {}
        self._changed: set[int] = set()
        self._dropped: list[tuple[int, int]] = []

    def mark(self, store: Store, offset: int, length: int) -> None:
        """Set the bits of a guest range."""
        if not length or self.lost:
            return
        bits, per_page = self.entry.fields.granularity_bits, store.geometry.cluster_size * 8
        first, end = offset >> bits, (offset + length - 1 >> bits) + 1
        while first < end:
            index, low = divmod(first, per_page)
            high = min(low + end - first, per_page)
            page = self._page(store, index)
            if page is not None and set_bits(page, low, high):
                self._changed.add(index)
            first += high - low

    def resize(self, store: Store, former: int) -> None:
        """The disk has its new size: the table becomes as long as it takes; what lies past the smaller end is clear."""
        bits, per_page = self.entry.fields.granularity_bits, store.geometry.cluster_size * 8
        table = self._load_table(store)
        granules = -(-store.size >> bits)
        count = max(1, -(-granules // per_page))
        index, low = divmod(-(-min(store.size, former) >> bits), per_page)
        if index < min(count, len(table)) and (page := self._page(store, index)) is not None:
            before = bytes(page)
            clear_bits(page, low)
            if page != before:
                self._changed.add(index)
        for dropped in range(count, len(table)):
            self._drop(table[dropped] & _OFFSET, store.geometry.cluster_size)
            self._pages.pop(dropped, None)
            self._changed.discard(dropped)
        self._table = table[:count] + array("Q", bytes(8 * max(0, count - len(table))))

    def write(self, store: Store) -> None:
        """Bring the bits, and the table, to stable storage; ``entry`` says where the table is then."""
        fields, size = self.entry.fields, store.geometry.cluster_size
        former = self._table[:]
        for index in sorted(self._changed):
            offset = self._table[index] & _OFFSET
            if offset:
                store.guard.check(offset, size)
                store.file.pwrite(offset, memoryview(self._pages[index]))
            else:
                self._table[index] = place(store, self._pages[index])
        store.flush()
        if not former:
            return
        data = _WORDS.encode(self._table)
        if len(self._table) != fields.table_size:
            self._drop(fields.table_offset, -(-fields.table_size * 8 // size) * size)
            self.entry = self.entry.with_fields(table_offset=place(store, data), table_size=len(self._table))
        elif self._table != former:
            store.guard.check(fields.table_offset, len(data))
            store.file.pwrite(fields.table_offset, memoryview(data))

    def settle(self, store: Store) -> None:
        """All is written, and the directory leads to it."""
        for offset, length in self._dropped:
            store.allocator.release(offset, length, discard=store.settings.discard_other)
        self._dropped.clear()
        self._pages.clear()
        self._changed.clear()
        self._table = array("Q")
        self.taken = False

    def _drop(self, offset: int, length: int) -> None:
        if offset:
            self._dropped.append((offset, length))

    def _load_table(self, store: Store) -> array[int]:
        if not self._table:
            data = bytearray(self.entry.fields.table_size * 8)
            store.file.pread(self.entry.fields.table_offset, memoryview(data))
            self._table = _WORDS.decode(data)
            damage = store.geometry.cluster_mask | ~_OFFSET
            self.lost = self.lost or any(entry & damage for entry in self._table if entry != _ONES)
        return self._table

    def _page(self, store: Store, index: int) -> bytearray | None:
        """The bits of one cluster; None for a bitmap whose table is damaged."""
        page = self._pages.get(index)
        if page is None:
            table, size = self._load_table(store), store.geometry.cluster_size
            if self.lost or index >= len(table):
                self.lost = True
                return None
            page = bytearray((b"\xff" if table[index] == _ONES else b"\0") * size)
            if offset := table[index] & _OFFSET:
                store.file.pread(offset, memoryview(page))
            self._pages[index] = page
        return page


def place(store: Store, data: bytes | bytearray) -> int:
    """Write ``data`` to new clusters, filled up with zeroes, and their counts; returns their host offset."""
    geometry = store.geometry
    count = geometry.clusters(len(data))
    offset = store.allocator.allocate(count)
    try:
        store.guard.check(offset, count << geometry.cluster_bits)
        store.file.pwrite(offset, memoryview(data.ljust(count << geometry.cluster_bits, b"\0")))
        store.refcounts.write_back()
    except BaseException:
        store.allocator.abandon(offset, count)
        raise
    return offset


def set_bits(page: bytearray, low: int, high: int) -> bool:
    """Set bits ``low`` to ``high``, the end exclusive; returns whether any was clear."""
    first, last = low >> 3, high - 1 >> 3
    head, tail = 0xFF << (low & 7) & 0xFF, 0xFF >> (-high & 7)
    if first == last:
        changed = page[first] & head & tail != head & tail
        page[first] |= head & tail
        return changed
    wanted = bytes([page[first] | head]) + b"\xff" * (last - first - 1) + bytes([page[last] | tail])
    changed = page[first : last + 1] != wanted
    page[first : last + 1] = wanted
    return changed


def clear_bits(page: bytearray, low: int) -> None:
    """Clear all bits from ``low`` on."""
    first = low >> 3
    page[first] &= 0xFF >> (8 - (low & 7)) if low & 7 else 0
    page[first + 1 :] = bytes(len(page) - first - 1)
