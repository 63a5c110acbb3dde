"""Internal snapshots: taken, applied and deleted.

A snapshot is an L1 table of its own; the L2 tables and clusters below are shared with the disk, and whichever of the
two is written to makes a copy, since their counts are above 1 and their COPIED flags cleared.  Each change becomes
valid with one write of the header, and the image at worst leaks before and after it::

    take    counts raised, L1 copied, COPIED cleared, new table    -> header ->  former table freed
    apply   counts raised, the snapshot's L1 copied                -> header ->  counts of the former disk lowered
    delete  new table                                              -> header ->  counts lowered, COPIED set

Counts and COPIED flags cannot change at the same moment, though.  While they differ the dirty bit stands, so that
the next to open the image puts them right; in version 2, which has no such bit, a flag may stay cleared, which costs a
copy and nothing else.

All this works on the file, where everything has been written; the caller loads the image anew afterwards.
"""

from __future__ import annotations

import errno
from array import array
from functools import partial
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError, Unsupported
from pyqio.drivers.formats.qcow2 import layout, overlap, snapshots
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, COPIED, OFFSET_MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from pyqio.drivers.formats.qcow2.snapshots import Snapshot
    from pyqio.drivers.formats.qcow2.store import Store

_WORDS: Final = Codec(64)


def create(store: Store, name: str, *, date_ns: int) -> None:
    """Take a snapshot of the disk; ``date_ns``: since 1970 UTC.  Names need not be unique.

    Raises BlockError, Unsupported; nothing has changed then.
    """
    _refuse_data_file(store)
    if len(store.snapshots) >= layout.MAX_SNAPSHOTS:
        raise BlockError(errno=errno.EFBIG)
    with _Change(store) as change:
        l1 = store.mapping.l1
        change.set_dirty()
        change.hold(l1)
        snapshot = snapshots.new_snapshot(
            store.snapshots,
            name=name,
            date_ns=date_ns,
            disk_size=store.size,
            l1_table_offset=change.place_l1(l1),
            l1_size=len(l1),
        )
        table = change.place_table([*store.snapshots, snapshot])
        change.clear_flags()
        change.commit(snapshots_offset=table, nb_snapshots=len(store.snapshots) + 1)
        change.free_table()


def apply(store: Store, wanted: str) -> None:
    """Make the disk what the snapshot with this id, or else of this name, holds, and of the size it had.

    Raises BlockError, Unsupported; nothing has changed then.
    """
    _refuse_data_file(store)
    snapshot = _existing(
        snapshots.find_by_id(store.snapshots, wanted) or snapshots.find_by_name(store.snapshots, wanted)
    )
    size = snapshot.disk_size(store.size)
    entries = max(snapshot.l1_size, store.geometry.l1_entries(size))
    if size > layout.INT64_MAX or entries * 8 > layout.MAX_L1_BYTES:
        raise BlockError(errno=errno.EFBIG)
    with _Change(store) as change:
        l1 = _read_l1(store, snapshot)
        former, former_offset = store.mapping.l1, store.fields.l1_table_offset
        change.verify(former)
        change.hold(l1)
        _edit_tables(store, l1, _without_flags)
        l1.frombytes(bytes((entries - len(l1)) * 8))
        change.commit(l1_table_offset=change.place_l1(l1), l1_size=entries, size=size)
        change.let_go(former)
        change.free(former_offset, len(former) * 8)


def delete(store: Store, name: str) -> None:
    """Forget the first snapshot of this name.  Raises BlockError."""
    snapshot = _existing(snapshots.find_by_name(store.snapshots, name))
    with _Change(store) as change:
        l1 = _read_l1(store, snapshot)
        change.verify(l1)
        change.verify(store.mapping.l1)
        others = [other for other in store.snapshots if other is not snapshot]
        change.commit(snapshots_offset=change.place_table(others), nb_snapshots=len(others), dirty=True)
        change.free_table()
        change.let_go(l1)
        change.free(snapshot.l1_table_offset, len(l1) * 8)
        change.set_flags()


def _existing(snapshot: Snapshot | None) -> Snapshot:
    if snapshot is None:
        raise BlockError(errno=errno.ENOENT)
    return snapshot


def _refuse_data_file(store: Store) -> None:
    """An external data file holds one disk, so that there can be no snapshots.  Raises Unsupported."""
    if store.geometry.external:
        raise Unsupported


def _read_l1(store: Store, snapshot: Snapshot) -> array[int]:
    """The L1 table of a snapshot.  Raises BlockError where there can be none at such a place."""
    if damage := snapshot.damage(store.geometry.cluster_size):
        raise BlockError(errno=damage)
    return _read_words(store, snapshot.l1_table_offset, snapshot.l1_size)


def _tables(store: Store, l1: Iterable[int]) -> Iterator[int]:
    """Host offsets of the L2 tables that an L1 table leads to.

    Raises BlockError for one that is there twice, or lies where none can be: there are never more than fit in the file.
    """
    seen: set[int] = set()
    end = store.file.length()
    for offset in filter(None, (entry & OFFSET_MASK for entry in l1)):
        if offset & store.geometry.cluster_mask or offset >= end or offset in seen:
            raise BlockError(f"There can be no L2 table at host offset {offset:#x}: the image needs a check")
        seen.add(offset)
        yield offset


def _edit_tables(store: Store, l1: Iterable[int], edit: Callable[[array[int]], array[int]]) -> None:
    """Put the entries of the L2 tables below an L1 table through ``edit``, in the file."""
    size, step = store.geometry.cluster_size, _step(store)
    for offset in _tables(store, l1):
        words = _read_words(store, offset, size // 8)
        entries = words[::step]
        edited = edit(entries)
        if edited != entries:
            words[::step] = edited
            store.guard.check(offset, size, overlap.ACTIVE_L2 | overlap.INACTIVE_L2)
            store.file.pwrite(offset, memoryview(_WORDS.encode(words)))


class _Change:
    """What happens to the file on the way from one valid state to another.

    A failure before ``commit`` is undone.  After it there is no way back: then the image serves no more requests, and
    what is left to do is left to the next who opens it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._former_table = store.fields.snapshots_offset, snapshots.table_bytes(store.snapshots)
        self._undo: list[Callable[[], object]] = []
        self._committed = False

    def __enter__(self) -> _Change:
        self._store.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        store = self._store
        beyond_repair = error is not None and (self._committed or store.dead)
        store.dead = True  # unless all that follows succeeds
        if beyond_repair:
            return
        for step in reversed(() if self._committed else self._undo):
            step()
        store.settle()
        store.dead = False

    def set_dirty(self) -> None:
        """From now on flags and counts may differ."""
        if self._store.fields.version > 2:
            self._store.update(incompatible_features=self._features(dirty=True))
            self._store.file.flush()

    def verify(self, l1: Iterable[int]) -> None:
        """Find damage in the tables below an L1 table before anything has changed.  Raises BlockError."""
        for offset in _tables(self._store, l1):
            _clusters(self._store, offset)

    def hold(self, l1: Iterable[int]) -> None:
        """One more reference to everything that an L1 table leads to."""
        for offset in _tables(self._store, l1):
            self._store.refcounts.raise_each(_clusters(self._store, offset))
            self._undo.append(partial(self._let_go_table, offset))

    def let_go(self, l1: Iterable[int]) -> None:
        """One reference less to everything that an L1 table leads to."""
        for offset in _tables(self._store, l1):
            self._let_go_table(offset)

    def free(self, offset: int, length: int) -> None:
        """A table in so many bytes is not referred to any more."""
        if length:
            geometry = self._store.geometry
            runs = self._store.refcounts.lower(offset >> geometry.cluster_bits, geometry.clusters(length))
            self._discard(cluster for first, count in runs for cluster in range(first, first + count))

    def free_table(self) -> None:
        """The snapshot table that was there before is not referred to any more."""
        self.free(*self._former_table)

    def place_l1(self, l1: Iterable[int]) -> int:
        """Write an L1 table to a new place, COPIED cleared; returns its host offset."""
        return self._place(_WORDS.encode(_without_flags(l1)))

    def place_table(self, table: Sequence[Snapshot]) -> int:
        """Write a snapshot table to a new place; returns its host offset."""
        if snapshots.table_bytes(table) > snapshots.MAX_TABLE_BYTES:
            raise BlockError(errno=errno.EFBIG)
        return self._place(b"".join(snapshot.encode() for snapshot in table))

    def clear_flags(self) -> None:
        """Everything that the active L1 table leads to is shared from now on."""
        self._undo.insert(0, self.set_flags)
        self._edit_active(_without_flags)

    def set_flags(self) -> None:
        """What the active L1 table leads to is its own again where the count is 1."""
        self._store.refcounts.write_back()
        self._store.file.flush()
        self._edit_active(self._with_flags)

    def commit(self, *, dirty: bool = False, **fields: int) -> None:
        """Let the header lead to what has been placed; ``dirty``: flags and counts are going to differ."""
        store = self._store
        store.refcounts.write_back()
        store.file.flush()
        store.update(**fields, incompatible_features=self._features(dirty=dirty and store.fields.version > 2))
        self._committed = True
        store.file.flush()

    def _let_go_table(self, offset: int) -> None:
        clusters = _clusters(self._store, offset)
        counts = self._store.refcounts.lower_each(clusters)
        self._discard(cluster for cluster, count in zip(clusters, counts, strict=True) if not count)

    def _features(self, *, dirty: bool) -> int:
        others = self._store.fields.incompatible_features & ~layout.DIRTY
        return others | layout.DIRTY if dirty else others

    def _edit_active(self, edit: Callable[[array[int]], array[int]]) -> None:
        store, l1 = self._store, self._store.mapping.l1
        _edit_tables(store, l1, edit)
        offset, data = store.fields.l1_table_offset, _WORDS.encode(edit(l1))
        store.guard.check(offset, len(data), overlap.ACTIVE_L1)
        store.file.pwrite(offset, memoryview(data))

    def _with_flags(self, entries: array[int]) -> array[int]:
        bits = self._store.geometry.cluster_bits
        clusters = {(entry & OFFSET_MASK) >> bits for entry in entries if not entry & COMPRESSED}
        alone = self._store.refcounts.alone(sorted(clusters - {0}))
        return array(
            "Q",
            (
                entry | COPIED if (entry & OFFSET_MASK) >> bits in alone and not entry & COMPRESSED else entry
                for entry in entries
            ),
        )

    def _place(self, data: bytes) -> int:
        store = self._store
        count = store.geometry.clusters(len(data))
        if not count:
            return 0
        offset = store.allocator.allocate(count)
        self._undo.append(lambda: store.allocator.abandon(offset, count))
        store.guard.check(offset, len(data))
        store.file.pwrite(offset, memoryview(data))
        return offset

    def _discard(self, clusters: Iterable[int]) -> None:
        """Clusters that are free now, ascending."""
        self._store.allocator.reset()
        if self._store.settings.discard_snapshot:
            bits = self._store.geometry.cluster_bits
            for first, count in _runs(clusters):
                self._store.file.pdiscard(first << bits, count << bits)


def _without_flags(entries: Iterable[int]) -> array[int]:
    """Entries of an L1 or L2 table with COPIED cleared."""
    return array("Q", [entry & ~COPIED for entry in entries])


def _clusters(store: Store, table: int) -> Sequence[int]:
    """The L2 table at a host offset and every cluster that it refers to, ascending; each as often as it does so.

    Raises BlockError for a reference that can be none.
    """
    geometry = store.geometry
    bits = geometry.cluster_bits
    entries = _read_words(store, table, geometry.cluster_size // 8)[:: _step(store)]
    found = [entry & OFFSET_MASK for entry in entries if entry & OFFSET_MASK and not entry & COMPRESSED]
    if any(offset & geometry.cluster_mask for offset in found):
        raise BlockError(f"The L2 table at host offset {table:#x} is damaged: the image needs a check")
    clusters = [offset >> bits for offset in found]
    clusters.append(table >> bits)
    for entry in entries:
        if entry & COMPRESSED:
            offset, length = geometry.compressed_range(entry)
            clusters += range(offset >> bits, (offset + length - 1 >> bits) + 1)
    clusters.sort()
    return array("Q", clusters)


def _step(store: Store) -> int:
    """Words of an L2 entry; the first is like a plain entry."""
    return 2 if store.geometry.extended else 1


def _read_words(store: Store, offset: int, count: int) -> array[int]:
    data = bytearray(count * 8)
    store.file.pread(offset, memoryview(data))
    return _WORDS.decode(data)


def _runs(clusters: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Neighbours joined: (first, count)."""
    first = count = 0
    for cluster in clusters:
        if count and cluster == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = cluster, 1
    if count:
        yield first, count
