"""Zeroes and discards: whole clusters whose entries change, and none of whose data is written."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import Unsupported
from pyqio.base.types import MAY_UNMAP, NO_FALLBACK
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, OFFSET_MASK, ZERO
from pyqio.drivers.formats.qcow2.mapping import DATA, PACKED
from pyqio.drivers.formats.qcow2.write import reads_as_zero, release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.drivers.formats.qcow2.store import Store

_STORED: Final = (DATA, PACKED)


def pwrite_zeroes(store: Store, offset: int, length: int, flags: int) -> None:
    """Make a guest range read as zeroes.

    A range that is not made of whole clusters must lie in one, whose other bytes read as zeroes already.  Raises
    Unsupported where the entries cannot say it.
    """
    mask, end = store.geometry.cluster_mask, offset + length
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

    Without zero clusters (version 2) an image without a backing file has its clusters discarded.  Raises Unsupported.
    """
    if store.geometry.version < 3:
        if store.backing is not None:
            raise Unsupported
        discard(store, start, stop, wanted=store.settings.discard_request)
        return

    def entry_for(entry: int) -> int:
        kept = 0 if entry & COMPRESSED or (unmap and entry & OFFSET_MASK) else entry
        return kept | ZERO

    _rewrite(store, start, stop, entry_for, discard=store.settings.discard_request)


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

    def entry_for(entry: int) -> int:
        if full or store.geometry.version < 3:
            return 0
        return ZERO if entry & (COMPRESSED | OFFSET_MASK) or store.backing is not None else entry

    _rewrite(store, start, stop, entry_for, discard=wanted)


def _rewrite(store: Store, start: int, stop: int, entry_for: Callable[[int], int], *, discard: bool) -> None:
    geometry = store.geometry
    while start < stop:
        table, index = store.mapping.find_for_change(start)
        count = min(geometry.clusters(stop - start), geometry.slice_entries - index)
        former = table.entries[index : index + count]
        entries = array("Q", map(entry_for, former))
        if entries != former:
            store.mapping.change(table, index, entries)
            release(store, _dropped(former, entries), discard=discard)
        start += count << geometry.cluster_bits


def _dropped(former: array[int], entries: array[int]) -> Iterator[int]:
    """The former entries whose host clusters the new ones do not refer to."""
    for before, after in zip(former, entries, strict=True):
        if before != after and not after & OFFSET_MASK:
            yield before
