"""Guest reads and writes: the mapping turned into transfers of the file and of the backing file."""

from __future__ import annotations

import errno
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.block import status
from pyqio.drivers.formats.qcow2 import space
from pyqio.drivers.formats.qcow2.layout import (
    COMPRESSED,
    COPIED,
    OFFSET_MASK,
    SUB_ALLOCATED,
    SUBCLUSTERS,
    ZERO,
    hexadecimal,
)
from pyqio.drivers.formats.qcow2.mapping import DATA, NOWHERE, PACKED, UNALLOCATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyqio.drivers.formats.qcow2.cache import Table
    from pyqio.drivers.formats.qcow2.store import Store

_JOIN_BYTES: Final = 64 * 1024
"""What surrounds the data in a new cluster goes into one transfer with it, up to this many bytes in all."""
_MAX_PARTS: Final = 8
"""Parts of one transfer; each may hold an L2 table, and all must be in the cache at once."""


def pread(store: Store, offset: int, buf: memoryview) -> None:
    """Fill ``buf`` with guest bytes from ``offset``."""
    end = offset + len(buf)
    start = offset
    while offset < end:
        run = store.mapping.run(offset, end)
        part = buf[offset - start : offset - start + run.length]
        if run.kind == DATA:
            space.load(store, run.host_offset, offset, part)
        elif run.kind == PACKED:
            inside = offset & store.geometry.cluster_mask
            part[:] = store.packer.cluster(run.entry)[inside : inside + run.length]
        elif run.kind == UNALLOCATED and store.backing is not None:
            store.backing.pread(offset, part)
        else:
            part[:] = bytes(run.length)
        offset += run.length


def reads_as_zero(store: Store, offset: int, end: int) -> bool:
    """Whether the guest range is known to be zeroes without reading it."""
    for at, run in store.mapping.runs(offset, _end(store, offset, end)):
        if run.kind in (DATA, PACKED):
            return False
        if run.kind == UNALLOCATED and store.backing and not status.reads_as_zero(store.backing, at, run.length):
            return False
    return True


class Part(NamedTuple):
    """Guest clusters of one transfer that lie in one L2 slice.

    ``linked``: the slice refers to all that is written already, and nothing in it has to change.  ``new``: they were
    allocated for this transfer.
    """

    table: Table
    first: int
    clusters: int
    host_offset: int
    linked: bool
    new: bool


def pwrite(store: Store, offset: int, buf: memoryview) -> None:
    """Store ``buf`` at guest byte ``offset``."""
    if len(buf) and _overwrite(store, offset, buf):
        return
    while len(buf):
        parts, end = _plan(store, offset, offset + len(buf))
        _transfer(store, parts, offset, buf[: end - offset])
        buf = buf[end - offset :]
        offset = end


def _overwrite(store: Store, offset: int, buf: memoryview) -> bool:
    """Write within one cluster that is this image's own; False where there is more to it."""
    mask = store.geometry.cluster_mask
    if (offset & mask) + len(buf) > mask + 1:
        return False
    table, index = store.mapping.find(offset)
    entry = table.entries[index] if table else 0
    host = entry & OFFSET_MASK
    if table is None or not _in_place(store, entry) or entry & ZERO or host & mask:
        return False
    if store.geometry.extended:
        wanted, bitmap = subclusters(store, offset & mask, (offset & mask) + len(buf)), table.bitmaps[index]
        if wanted & ~bitmap or bitmap >> SUBCLUSTERS & bitmap:
            return False
    space.save(store, host + (offset & mask), offset, buf)
    return True


def _plan(store: Store, offset: int, end: int) -> tuple[list[Part], int]:
    """Parts that stand next to one another in the file, and the guest byte at which they end."""
    geometry = store.geometry
    parts: list[Part] = []
    at, host = offset, NOWHERE
    try:
        while at < end and len(parts) < _MAX_PARTS:
            part = _next_part(store, at, end, host)
            if part is None:
                break
            parts.append(part)
            length = part.clusters << geometry.cluster_bits
            host = part.host_offset + length
            at = (at & ~geometry.cluster_mask) + length
    except BaseException:
        _abandon(store, parts)
        raise
    return parts, min(at, end)


def _next_part(store: Store, offset: int, end: int, host: int) -> Part | None:
    """The part that starts at guest byte ``offset``; None where it cannot stand at ``host``."""
    geometry = store.geometry
    bits, size = geometry.cluster_bits, geometry.cluster_size
    first = offset & ~geometry.cluster_mask
    table, index = store.mapping.find_for_change(offset)
    entries = table.entries
    limit = min((end - 1 >> bits) - (offset >> bits) + 1, geometry.slice_entries - index)
    entry = entries[index]
    if _in_place(store, entry):
        found = entry & OFFSET_MASK
        if found & geometry.cluster_mask:
            where = f"{hexadecimal(found)} unaligned (guest offset: {hexadecimal(offset)})"
            store.fail(f"{_NAMES[entry & ZERO]} cluster offset {where}")
        if host not in (NOWHERE, found):
            return None
        count = 1
        while count < limit and entries[index + count] == entry + count * size:
            count += 1
        linked = not entry & ZERO
        if geometry.extended:
            store.mapping.refuse_invalid(table, index, count, offset)
            wanted, held = touched(store, first, count, offset, end), table.bitmaps
            linked = not any(wanted[at] & ~held[index + at] for at in range(count))
        return Part(table, index, count, found, linked=linked, new=False)
    count = 1
    while count < limit and not _in_place(store, entries[index + count]):
        count += 1
    store.mapping.refuse_invalid(table, index, count, offset)
    if host == NOWHERE:
        return Part(table, index, count, space.take(store, first, count), linked=False, new=True)
    count = space.take_at(store, host, first, count)
    return Part(table, index, count, host, linked=False, new=True) if count else None


_NAMES: Final = {0: "Data", ZERO: "Preallocated zero"}


def _in_place(store: Store, entry: int) -> bool:
    """Whether the guest cluster has a host cluster that nobody else refers to."""
    return entry & (COPIED | COMPRESSED) == COPIED and entry & store.geometry.host_mask != 0


def subclusters(store: Store, start: int, stop: int) -> int:
    """The allocation bits of the subclusters that bytes ``start`` to ``stop`` of a cluster touch."""
    bits = store.geometry.subcluster_bits
    return (1 << (stop - 1 >> bits) + 1) - (1 << (start >> bits))


def touched(store: Store, guest: int, count: int, start: int, stop: int) -> list[int]:
    """The allocation bits that guest bytes ``start`` to ``stop`` touch in ``count`` clusters from ``guest`` on."""
    size = store.geometry.cluster_size
    first = subclusters(store, max(start - guest, 0), min(stop - guest, size))
    if count == 1:
        return [first]
    last = subclusters(store, 0, min(stop - guest - (count - 1) * size, size))
    return [first, *[SUB_ALLOCATED] * (count - 2), last]


def _transfer(store: Store, parts: list[Part], offset: int, buf: memoryview) -> None:
    """Write the data, with what surrounds it in (sub)clusters that are not linked yet, and then link those."""
    mask, end = store.geometry.cluster_mask, offset + len(buf)
    start = offset - _before(store, parts[0], offset & mask)
    stop = end + _after(store, parts[-1], (end - 1 & mask) + 1)
    host = parts[0].host_offset + (offset & mask)
    try:
        if (start, stop) != (offset, end):
            _write_around(store, parts, host, offset, buf, offset - start, stop - end)
        else:
            space.save(store, host, offset, buf)
        if any(not part.linked for part in parts):
            store.mark_dirty()
    except BaseException:
        _abandon(store, parts)
        raise
    guest = offset & ~mask
    for part in parts:
        if not part.linked:
            _link(store, part, guest, start, stop)
        guest += part.clusters << store.geometry.cluster_bits


def _before(store: Store, part: Part, inside: int) -> int:
    """Bytes that go along before byte ``inside`` of the part's first cluster.

    A new cluster takes over all the data of the former one; a cluster that stays, the rest of the first subcluster.
    """
    if part.linked or not store.geometry.extended:
        return 0 if part.linked else inside
    bits, index = store.geometry.subcluster_bits, part.first
    held = _held(store, part, index)
    if not part.new and held >> (inside >> bits) & 1:
        return 0
    start = inside >> bits << bits
    if part.new and held:
        start = min(start, (held & -held).bit_length() - 1 << bits)
    return inside - start


def _after(store: Store, part: Part, inside: int) -> int:
    """As ``_before``, bytes from byte ``inside`` of the part's last cluster on."""
    size = store.geometry.cluster_size
    if part.linked or not store.geometry.extended:
        return 0 if part.linked else size - inside
    bits, index = store.geometry.subcluster_bits, part.first + part.clusters - 1
    held = _held(store, part, index)
    if not part.new and held >> (inside - 1 >> bits) & 1:
        return 0
    stop = (inside - 1 >> bits) + 1 << bits
    if part.new and held:
        stop = max(stop, held.bit_length() << bits)
    return stop - inside


def _held(store: Store, part: Part, index: int) -> int:
    """The allocation bits of the subclusters that hold data before the transfer."""
    entry = part.table.entries[index]
    if entry & COMPRESSED:
        return SUB_ALLOCATED
    return part.table.bitmaps[index] & SUB_ALLOCATED


def _write_around(
    store: Store, parts: list[Part], host: int, offset: int, buf: memoryview, head: int, tail: int
) -> None:
    """Write ``buf`` at host offset ``host`` with ``head`` guest bytes before and ``tail`` after it."""
    end = offset + len(buf)
    first, last = parts[0], parts[-1]
    before = head and not _is_blank(store, first.table, first.first)
    after = tail and not _is_blank(store, last.table, last.first + last.clusters - 1)
    if head + len(buf) + tail <= _JOIN_BYTES:
        whole = memoryview(bytearray(head + len(buf) + tail))
        if before:
            _read_around(store, offset - head, whole[:head])
        whole[head : head + len(buf)] = buf
        if after:
            _read_around(store, end, whole[head + len(buf) :])
        space.save(store, host - head, offset - head, whole)
        return
    for guest, at, length, shown in (
        (offset - head, host - head, head, before),
        (end, host + len(buf), tail, after),
    ):
        if shown and not reads_as_zero(store, guest, guest + length):
            around = memoryview(bytearray(length))
            _read_around(store, guest, around)
            space.save(store, at, guest, around)
        elif length:
            space.save_zeroes(store, at, guest, length)
    space.save(store, host, offset, buf)


def _is_blank(store: Store, table: Table, index: int) -> bool:
    """Whether a guest cluster is plainly empty, so that nothing has to be read to know what surrounds a write."""
    return not table.entries[index] and store.backing is None


def _read_around(store: Store, offset: int, buf: memoryview) -> None:
    """Guest bytes before they are changed; what lies past the end of the image is zero."""
    pread(store, offset, buf[: max(0, _end(store, offset, offset + len(buf)) - offset)])


def _end(store: Store, offset: int, end: int) -> int:
    """``end``, but not past the end of the disk for a range that starts in it; the machine state has no end."""
    return min(end, store.size) if offset < store.vm_state_offset else end


def _link(store: Store, part: Part, guest: int, start: int, stop: int) -> None:
    """Let the table lead to the part's clusters, the first of which is guest cluster ``guest``.

    Guest bytes from ``start`` to ``stop`` have been written.
    """
    table, span = part.table, slice(part.first, part.first + part.clusters)
    entry, size = part.host_offset | COPIED, store.geometry.cluster_size
    former = table.entries[span]
    entries = array("Q", range(entry, entry + part.clusters * size, size))
    bitmaps = None
    if store.geometry.extended:
        written = touched(store, guest, part.clusters, start, stop)
        kept = [0 if old & COMPRESSED else bits for old, bits in zip(former, table.bitmaps[span], strict=True)]
        bitmaps = array("Q", [(old | new) & ~(new << SUBCLUSTERS) for old, new in zip(kept, written, strict=True)])
    store.mapping.change(table, part.first, entries, bitmaps)
    if part.new:
        release(store, former, discard=store.settings.discard_other)


def release(store: Store, entries: Iterable[int], *, discard: bool) -> None:
    """Give back what former L2 entries refer to, neighbours in one go."""
    size = store.geometry.cluster_size
    start = end = 0
    for entry in entries:
        offset, length = entry & OFFSET_MASK, size
        if entry & COMPRESSED:
            offset, length = store.geometry.compressed_range(entry)
            store.packer.forget()
        elif not entry & store.geometry.host_mask:
            continue
        elif offset & store.geometry.cluster_mask:
            store.fail(f"Cannot free unaligned cluster {hexadecimal(offset)}")
        if offset != end or length != size or end % size:
            if end:
                space.give_back(store, start, end - start, discard=discard)
            start = offset
        end = offset + length
    if end:
        space.give_back(store, start, end - start, discard=discard)


def _abandon(store: Store, parts: list[Part]) -> None:
    for part in parts:
        if part.new:
            space.abandon(store, part.host_offset, part.clusters)


def pwrite_compressed(store: Store, offset: int, buf: memoryview) -> None:
    """Store whole clusters compressed; the last may be cut short by the end of the image.

    Raises BlockError: EINVAL where the range is not made of whole clusters, EIO where something is stored there.
    """
    size = store.geometry.cluster_size
    if not buf:
        return
    if store.geometry.external:
        raise BlockError(errno=errno.ENOTSUP)
    if offset & store.geometry.cluster_mask or (len(buf) % size and offset + len(buf) != store.size):
        raise BlockError(errno=errno.EINVAL)
    done = [_write_packed(store, offset + at, buf[at : at + size]) for at in range(0, len(buf), size)]
    if not all(done):
        raise BlockError(errno=errno.EIO)


def _write_packed(store: Store, offset: int, buf: memoryview) -> bool:
    """Store one cluster; False where something is stored there already, which compressed data cannot replace."""
    size = store.geometry.cluster_size
    packed = store.packer.pack(buf if len(buf) == size else bytes(buf).ljust(size, b"\0"))
    if packed is None:
        pwrite(store, offset, buf)
        return True
    table, index = store.mapping.find_for_change(offset)
    former = table.entries[index]
    if former & (COMPRESSED | OFFSET_MASK):
        return False
    host = store.allocator.allocate_bytes(len(packed))
    store.packer.forget()
    try:
        store.guard.check(host, len(packed))
        store.file.pwrite(host, memoryview(packed))
        store.mark_dirty()
    except BaseException:
        store.allocator.abandon_bytes(host, len(packed))
        raise
    sectors = (host + len(packed) - 1 >> 9) - (host >> 9)
    entry = host | COMPRESSED | sectors << store.geometry.compressed_shift
    store.mapping.change(table, index, array("Q", [entry]), array("Q", [0]))
    return True
