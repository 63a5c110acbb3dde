"""Zeroes and discards: clusters and subclusters whose entries change, and none of whose data is written."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import Unsupported
from pyqio.base.types import MAY_UNMAP, NO_FALLBACK
from pyqio.drivers.formats.qcow2 import space
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, SUB_ZERO, SUBCLUSTERS, ZERO
from pyqio.drivers.formats.qcow2.mapping import DATA, PACKED
from pyqio.drivers.formats.qcow2.write import reads_as_zero, release, subclusters

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.drivers.formats.qcow2.store import Store

_STORED: Final = (DATA, PACKED)


def pwrite_zeroes(store: Store, offset: int, length: int, flags: int) -> None:
    """Make a guest range read as zeroes.

    A range that is not made of whole (sub)clusters must lie in one, whose other bytes read as zeroes already.  Raises
    Unsupported where the entries cannot say it.
    """
    mask, end = store.geometry.subcluster_mask, offset + length
    start, stop = offset & ~mask, min((end + mask) & ~mask, store.size)
    if store.geometry.version < 3 and flags & NO_FALLBACK:
        raise Unsupported
    if start != offset or stop != end:
        around = reads_as_zero(store, start, offset) and reads_as_zero(store, end, stop)
        if not around or store.mapping.run(start, stop).kind in _STORED:
            raise Unsupported
    zeroize(store, start, stop, unmap=bool(flags & MAY_UNMAP))


def zeroize(store: Store, start: int, stop: int, *, unmap: bool) -> None:
    """Make whole clusters read as zeroes; ``unmap`` gives their host clusters back.

    With extended entries the range may begin and end with any subcluster.  Without zero clusters (version 2) an image
    without a backing file has its clusters discarded.  Raises Unsupported.
    """
    if store.geometry.version < 3:
        if store.backing is not None:
            raise Unsupported
        discard(store, start, stop, wanted=store.settings.discard_request)
        return

    def keep(entry: int) -> int:
        return 0 if entry & COMPRESSED or (unmap and entry & store.geometry.host_mask) else entry

    space.clear_raw(store, start, stop - start, unmap=unmap)
    mask, size = store.geometry.cluster_mask, store.geometry.cluster_size
    if start & mask:
        head = min(stop, start - (start & mask) + size)
        _zeroize_part(store, start, head)
        start = head
    if stop & mask and stop < store.size and start < stop:
        _zeroize_part(store, stop & ~mask, stop)
        stop &= ~mask
    _rewrite(store, start, stop, keep, zero=True, discard=store.settings.discard_request)


def _zeroize_part(store: Store, start: int, stop: int) -> None:
    """Make subclusters of one cluster read as zeroes.  Raises Unsupported where the cluster is compressed."""
    table, index = store.mapping.find_for_change(start)
    if table.entries[index] & COMPRESSED:
        raise Unsupported
    inside = start & store.geometry.cluster_mask
    touched = subclusters(store, inside, inside + stop - start)
    bitmap = (table.bitmaps[index] | touched << SUBCLUSTERS) & ~touched
    if bitmap != table.bitmaps[index]:
        store.mapping.change(table, index, table.entries[index : index + 1], array("Q", [bitmap]))


def pdiscard(store: Store, offset: int, length: int) -> None:
    """Discard whole clusters of a guest range.  Raises Unsupported for parts of clusters.

    What is discarded reads as zeroes, so that nothing of the backing file comes back; version 2 cannot say that.
    """
    mask, end = store.geometry.cluster_mask, offset + length
    if store.geometry.version < 3 and store.backing is not None:
        raise Unsupported
    if offset & mask or (end & mask and end != store.size):
        raise Unsupported
    discard(store, offset, end, wanted=store.settings.discard_request)


def discard(store: Store, start: int, stop: int, *, wanted: bool, full: bool = False) -> None:
    """Give the host clusters of whole guest clusters back; ``wanted`` discards them in the file too.

    ``full``: leave nothing behind, so that the backing file is seen.
    """
    blank = full or store.geometry.version < 3

    def keep(entry: int) -> int | None:
        known = blank or store.backing is not None or entry & (COMPRESSED | store.geometry.host_mask)
        return 0 if known else None

    if not blank:
        space.clear_raw(store, start, stop - start, unmap=True)
    _rewrite(store, start, stop, keep, zero=not blank, discard=wanted)


def _rewrite(
    store: Store,
    start: int,
    stop: int,
    keep: Callable[[int], int | None],
    *,
    zero: bool,
    discard: bool,
) -> None:
    """Change the entries of whole clusters to what ``keep(entry)`` makes of them, None for no change.

    ``zero``: they read as zeroes from now on.
    """
    geometry = store.geometry
    mark, bitmap_mark = (0 if geometry.extended else ZERO, SUB_ZERO) if zero else (0, 0)
    while start < stop:
        table, index = store.mapping.find_for_change(start)
        count = min(geometry.clusters(stop - start), geometry.slice_entries - index)
        former = table.entries[index : index + count]
        former_bitmaps = table.bitmaps[index : index + count]
        entries, bitmaps = former[:], former_bitmaps[:]
        dropped = []
        for at, entry in enumerate(former):
            kept = keep(entry)
            if kept is not None:
                entries[at] = kept | mark
                if geometry.extended:
                    bitmaps[at] = bitmap_mark
                if entry and not kept & geometry.host_mask:
                    dropped.append(entry)
        if entries != former or bitmaps != former_bitmaps:
            store.mapping.change(table, index, entries, bitmaps)
            release(store, dropped, discard=discard)
        start += count << geometry.cluster_bits
