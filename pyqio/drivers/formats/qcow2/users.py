"""Which guest clusters lead to a host cluster: what a refcount counts, found by looking through the L2 tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, OFFSET_MASK

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from pyqio.drivers.formats.qcow2.store import Store

CHEAP: Final = 4 << 20
"""Bytes of tables that may be looked through without anybody having asked for it: some milliseconds."""

_MOST: Final = 1000
_WORDS: Final = Codec(64)
_PACKED: Final = bytes(byte >> 6 & 1 for byte in range(256))
"""By the first byte of an entry: 1 where it is a compressed cluster's."""


class User(NamedTuple):
    """A guest cluster, by its first byte, of the disk (``snapshot`` "") or of a snapshot."""

    snapshot: str
    guest_offset: int


class Users(NamedTuple):
    """``found``: the clusters that lead to the host cluster, the first thousand; ``complete``: there are no others."""

    found: list[User]
    complete: bool


def find(store: Store, host_cluster: int, *, budget: int | None) -> Users:
    """All that lead to the cluster at host offset ``host_cluster``, compressed data that reaches into it too.

    ``budget``: bytes of tables that are looked through at most, None for any number.
    """
    geometry = store.geometry
    seen: dict[int, list[int]] = {}
    found: list[User] = []
    left = float("inf") if budget is None else budget
    for snapshot, l1 in _l1_tables(store):
        left -= len(l1) * 8
        if left < 0:
            return Users(found, complete=False)
        for l1_index, entry in enumerate(l1):
            table = entry & OFFSET_MASK
            if not table or table & geometry.cluster_mask or table >= store.file.length():
                continue
            if table not in seen:
                left -= geometry.cluster_size
                if left < 0:
                    return Users(found, complete=False)
                seen[table] = list(_hits(store, table, host_cluster))
            start = l1_index * geometry.l2_coverage
            found += [User(snapshot, start + index * geometry.cluster_size) for index in seen[table]]
            if len(found) > _MOST:
                return Users(found[:_MOST], complete=False)
    return Users(found, complete=True)


def _l1_tables(store: Store) -> Iterator[tuple[str, array[int]]]:
    """The disk's L1 table, and those of the snapshots that have one."""
    yield "", store.mapping.l1
    for snapshot in store.snapshots:
        if not snapshot.damage(store.geometry.cluster_size) and snapshot.l1_table_offset != store.mapping.l1_offset:
            data = bytearray(snapshot.l1_size * 8)
            store.file.pread(snapshot.l1_table_offset, memoryview(data))
            yield snapshot.name or snapshot.identity, _WORDS.decode(data)


def _hits(store: Store, table: int, host_cluster: int) -> Iterator[int]:
    """The indices of the entries of an L2 table that lead to the host cluster."""
    geometry = store.geometry
    width = 16 if geometry.extended else 8
    for at in range(0, geometry.cluster_size, geometry.slice_bytes):
        first = at // width
        if loaded := store.mapping.loaded(table, first):
            yield from (first + index for index in _matches(store, _WORDS.encode(loaded.entries), 8, host_cluster))
        else:
            data = bytearray(geometry.slice_bytes)
            store.file.pread(table + at, memoryview(data))
            yield from (first + index for index in _matches(store, bytes(data), width, host_cluster))


def _matches(store: Store, data: bytes, width: int, host_cluster: int) -> Iterator[int]:
    """As ``_hits``, in entries of ``width`` bytes."""
    # Bits 8 to 55 are six whole bytes of an entry; bit 8 is reserved, and 0 as all bits below a cluster's size.
    wanted = host_cluster.to_bytes(8, "big")[1:7]
    at = data.find(wanted)
    while at >= 0:
        if at % width == 1 and not data[at - 1] & 0x40:
            yield at // width
        at = data.find(wanted, at + 1)
    packed = data[::width].translate(_PACKED)
    index = packed.find(1)
    while index >= 0:
        entry = int.from_bytes(data[index * width : index * width + 8], "big")
        if _reaches(store, entry, host_cluster):
            yield index
        index = packed.find(1, index + 1)


def _reaches(store: Store, entry: int, host_cluster: int) -> bool:
    assert entry & COMPRESSED
    offset, length = store.geometry.compressed_range(entry)
    return offset < host_cluster + store.geometry.cluster_size and host_cluster < offset + length
