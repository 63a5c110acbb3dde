"""Changing the guest size: the L1 table, the clusters that fall away, and preallocation."""

from __future__ import annotations

import errno
from array import array
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, Unsupported
from pyqio.base.types import SECTOR_SIZE
from pyqio.drivers.formats.qcow2 import space, zero
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.layout import COPIED, MAX_L1_BYTES, SUB_ALLOCATED, SUB_ZERO, ZERO
from pyqio.drivers.formats.qcow2.mapping import DATA, UNALLOCATED
from pyqio.drivers.formats.qcow2.write import pread, pwrite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.drivers.formats.qcow2.store import Store


def truncate(store: Store, size: int, *, prealloc: str) -> None:
    """Change the guest size.  Raises BlockError, Unsupported."""
    if size % SECTOR_SIZE:
        raise BlockError(f"The new size must be a multiple of {SECTOR_SIZE}", errno=errno.EINVAL)
    if store.snapshots and store.geometry.version < 3:
        raise Unsupported("Can't resize a v2 image which has snapshots")
    if store.bitmaps is not None:
        store.bitmaps.prepare_resize(store)
    if size < store.size:
        if prealloc != "off":
            raise BlockError("Preallocation can't be used for shrinking an image", errno=errno.EINVAL)
        _shrink(store, size)
    else:
        _grow(store, size, prealloc)


def _shrink(store: Store, size: int) -> None:
    geometry, former = store.geometry, store.size
    first = geometry.clusters(size) << geometry.cluster_bits
    if first < former:
        zero.discard(store, first, former, wanted=True, full=True)
    store.mapping.drop_tables(geometry.l1_entries(size))
    store.update(size=size)
    store.flush()
    if geometry.external:
        space.resize_data(store, size, "off")
    end = store.refcounts.last_used() + 1 << geometry.cluster_bits
    if end < store.file.length():
        store.file.truncate(end)


def _grow(store: Store, size: int, prealloc: str) -> None:
    former, external = store.size, store.geometry.external
    if store.raw_data and prealloc == "off":
        # Nothing may be left to the zeroes of an entry that is not there: who reads the raw file cannot see those.
        prealloc = "metadata"
    grow_l1(store, store.geometry.l1_entries(size))
    exposed = store.backing is not None and store.backing.length() > former
    with_data = prealloc in ("falloc", "full")
    try:
        if external and (prealloc == "off" or store.data.length() < size):
            space.resize_data(store, size, prealloc)
        if with_data or (prealloc == "metadata" and size > former):
            _settle_last(store, former, exposed=exposed)
        if with_data and not external:
            _preallocate_data(store, former, size, prealloc, exposed=exposed)
        elif prealloc != "off" and size > former:
            with _saying("Allocating clusters failed"):
                _preallocate_metadata(store, former, size)
        if exposed:
            last = store.geometry.clusters(former) << store.geometry.cluster_bits
            _hide_backing(store, former, min(last, size) if with_data and not external else size)
        _clear_rest(store, former, size, exposed=exposed)
        store.flush()
        store.update(size=size)
    except BaseException:
        _drop_past(store, former, size)
        raise


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """An error says first what could not be done."""
    try:
        yield
    except BlockError as error:
        raise BlockError(f"{what}: {error.message}", errno=error.errno) from error


def _drop_past(store: Store, start: int, stop: int) -> None:
    """Forget what a growth that failed has mapped past the end; what the disk does not take now leaks."""
    geometry = store.geometry
    start = geometry.clusters(start) << geometry.cluster_bits
    stop = min(stop, len(store.mapping.l1) * geometry.l2_coverage)
    if start < stop and not store.dead:
        with suppress(BlockError):
            zero.discard(store, start, stop, wanted=True, full=True)


def _hide_backing(store: Store, start: int, stop: int) -> None:
    """Make whole subclusters of the new range zero, where a longer backing file would be seen."""
    grain = store.geometry.subcluster_size
    start = -(-start // grain) * grain
    if start < stop:
        try:
            zero.zeroize(store, start, stop, unmap=False)
        except Unsupported as error:
            raise Unsupported("Failed to zero out new clusters: Operation not supported") from error


def grow_l1(store: Store, entries: int) -> None:
    """Give the L1 table so many entries at least.  Raises BlockError."""
    mapping, geometry = store.mapping, store.geometry
    former, former_offset = len(mapping.l1), mapping.l1_offset
    if entries <= former:
        return
    if entries * 8 > MAX_L1_BYTES:
        raise BlockError("Failed to grow the L1 table: File too large", errno=errno.EFBIG)
    count = geometry.clusters(entries * 8)
    offset = store.allocator.allocate(count)
    table = mapping.l1 + array("Q", bytes(8 * (entries - former)))
    try:
        store.guard.check(offset, entries * 8)
        store.flush()
        store.file.pwrite(offset, memoryview(Codec(64).encode(table)))
        store.file.flush()
        store.update(l1_size=entries, l1_table_offset=offset)
    except BaseException:
        store.allocator.abandon(offset, count)
        raise
    # From here on the new table counts, even if the flush fails: nobody knows which one the disk has then.
    mapping.replace_l1(table, offset)
    if former:
        store.allocator.release(former_offset, former * 8, discard=False)
    store.file.flush()


def _preallocate_metadata(store: Store, start: int, stop: int) -> None:
    """Give every guest cluster a host cluster, and the file its length."""
    geometry, grain = store.geometry, store.geometry.subcluster_size
    end = 0
    for at, count in _slices(store, start, stop):
        table, index = store.mapping.find_for_change(at)
        while count:
            run = _unmapped(table.entries[index : index + count])
            if not run:
                index, at, count = index + 1, at + geometry.cluster_size, count - 1
                continue
            host = space.take(store, at, run)
            try:
                _clear_reused(store, host, at, run << geometry.cluster_bits)
                _map_clusters(store, at, host, run)
            except BaseException:
                space.abandon(store, host, run)
                raise
            end = host + min(run << geometry.cluster_bits, -(-stop // grain) * grain - at)
            index, at, count = index + run, at + (run << geometry.cluster_bits), count - run
    if end > store.data.length():
        store.data.truncate(end)


def _clear_reused(store: Store, host: int, guest: int, length: int) -> None:
    """Free clusters before the end of the file hold what was in them last, and are about to be shown as they are."""
    held = min(host + length, store.file.length()) - host
    if held > 0 and not store.geometry.external:
        space.save_zeroes(store, host, guest, held)


def _unmapped(entries: array[int]) -> int:
    """How many entries from the first on have no cluster."""
    return next((i for i, entry in enumerate(entries) if entry), len(entries))


def _preallocate_data(store: Store, start: int, stop: int, prealloc: str, *, exposed: bool) -> None:
    """Give the new guest clusters one run of host clusters at the end of the file, and have the file provide them."""
    geometry = store.geometry
    bits = geometry.cluster_bits
    first = start & ~geometry.cluster_mask
    if first < start and _is_described(store, first):
        first += geometry.cluster_size
    count = geometry.clusters(stop - first)
    if count <= 0:
        return
    tables = -(-count >> geometry.l2_bits)
    begin = max(geometry.clusters(store.file.length()), store.refcounts.last_used() + 1)
    begin = store.allocator.add_refcount_area(begin, count + tables)
    if store.allocator.allocate_at(begin << bits, count) != count:
        raise BlockError("Failed to allocate clusters", errno=errno.EINVAL)
    host, end = begin << bits, begin + count << bits
    try:
        with _saying("Failed to resize underlying file"):
            store.file.truncate(end, prealloc=prealloc)
        for at, number in _slices(store, first, stop):
            _map_clusters(store, at, host, number, shown=exposed)
            host += number << bits
    except BaseException:
        store.allocator.abandon(host, end - host >> bits)
        raise


def _is_described(store: Store, offset: int) -> bool:
    """Whether the guest cluster at ``offset`` has an entry that says anything."""
    table, index = store.mapping.find(offset)
    return table is not None and table.entries[index] != 0


def _map_clusters(store: Store, offset: int, host: int, count: int, *, shown: bool = False) -> None:
    """Lead guest clusters to host clusters; with extended entries nothing of those is ``shown`` unless wanted.

    Zeroes in the file are not zeroes any more where they are decrypted: there the entries say so.
    """
    size = store.geometry.cluster_size
    table, index = store.mapping.find_for_change(offset)
    zero = store.cipher is not None and store.geometry.version > 2
    entry = host | COPIED | (ZERO if zero and not store.geometry.extended else 0)
    bitmaps = array("Q", [SUB_ZERO if zero else SUB_ALLOCATED] * count) if shown else None
    store.mapping.change(table, index, array("Q", range(entry, entry + count * size, size)), bitmaps)


def _slices(store: Store, start: int, stop: int) -> list[tuple[int, int]]:
    """The guest range cut at the borders of L2 slices: (offset, clusters)."""
    geometry = store.geometry
    coverage = geometry.slice_entries << geometry.cluster_bits
    found = []
    start &= ~geometry.cluster_mask
    while start < stop:
        until = min(stop, start - start % coverage + coverage)
        found.append((start, geometry.clusters(until - start)))
        start = until
    return found


def _clear_rest(store: Store, start: int, stop: int, *, exposed: bool) -> None:
    """What the last (sub)cluster holds past the old end, cut off earlier or shown by the backing file, becomes zero.

    ``exposed``: the backing file is longer than the image was.
    """
    mask = store.geometry.subcluster_mask if exposed else store.geometry.cluster_mask
    for at, run in store.mapping.runs(start, start + min(-start & mask, stop - start)):
        rest = memoryview(bytearray(run.length))
        pread(store, at, rest)
        if exposed or any(rest):
            pwrite(store, at, memoryview(bytes(run.length)))


def _settle_last(store: Store, end: int, *, exposed: bool) -> None:
    """Give the cluster that the image ended in its data, where it stands for zeroes, compressed bytes or backing.

    Subclusters can stay what they are, but for those that a longer backing file would be seen through.
    """
    inside = end & store.geometry.cluster_mask
    if not inside or (store.geometry.extended and not exposed):
        return
    kind = store.mapping.run(end - inside, end).kind
    blank = store.backing is None and store.cipher is None
    if kind != DATA and not (blank and kind == UNALLOCATED):
        held = memoryview(bytearray(inside))
        pread(store, end - inside, held)
        pwrite(store, end - inside, held)
