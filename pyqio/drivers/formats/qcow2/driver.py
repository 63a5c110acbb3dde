"""The qcow2 driver: requests come in here and go to the modules that do the work."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, NestingError, OpenError
from pyqio.base.types import COMPRESSED as COMPRESS
from pyqio.base.types import Caps, ChildRole, Extent, Limits, Location
from pyqio.drivers.formats.qcow2 import Qcow2, layout, snapshots, write
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2.mapping import DATA, NOWHERE, PACKED, UNALLOCATED, ZERO_ALLOCATED, ZERO_PLAIN
from pyqio.drivers.formats.qcow2.naming import backing_child, data_child
from pyqio.drivers.formats.qcow2.options import Qcow2Options, change, settle
from pyqio.drivers.formats.qcow2.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pyqio.base.structure import Explanation
    from pyqio.base.types import CheckResult, OpenFlags, SnapshotInfo
    from pyqio.block.driver import Opening
    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.mapping import Run
    from pyqio.drivers.formats.qcow2.tracking import Tracker

_KINDS = {
    UNALLOCATED: "unallocated",
    ZERO_PLAIN: "zero",
    ZERO_ALLOCATED: "zero",
    DATA: "data",
    PACKED: "compressed",
}


_NOT_READ_ONLY: Final = "Failed to load snapshot: Device is not readonly"


class Qcow2Image(Qcow2):
    """An open image."""

    def __init__(self, store: Store, options: Qcow2Options) -> None:
        self._store = store
        self._options = options

    @classmethod
    def open(cls, options: Qcow2Options, opening: Opening) -> Qcow2Image:
        """Open the file and the backing file; repair the counts of an image that was not closed."""
        file = opening.child("file", ChildRole.IMAGE)
        writable = not opening.flags.read_only
        header = headers.parse_file(file, writable=writable)
        if writable and header.fields.incompatible_features & layout.DIRTY:
            header = _repair(file, header, opening.report)
        data = _open_data(opening, file, header)
        if _chooses_snapshot(options):
            if writable:
                raise OpenError(_NOT_READ_ONLY)
            header = snapshots.seen_from(file, header, wanted_id=options.snapshot__id, name=options.snapshot__name)
        settings = settle(options, header, unmap=opening.flags.discard == "unmap")
        store = Store(file, header, settings, writable=writable)
        store.data = data
        if header.fields.crypt_method:
            from pyqio.drivers.formats.qcow2 import encryption

            encryption.unlock(store, options, opening.secret)
        store.backing = _open_backing(opening, file, header)
        if not _chooses_snapshot(options):
            store.bitmaps = _load_bitmaps(store)
        if writable:
            _prepare(store)
        return cls(store, options)

    def length(self) -> int:
        """The guest size."""
        return self._store.size

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Read what the clusters, or the backing file, hold."""
        store = self._store
        if store.dead:
            store.check_alive()
        write.pread(store, offset, buf)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Write into clusters of this image's own, allocated as needed."""
        store = self._store
        if store.dead:
            store.check_alive()
        if store.bitmaps is not None:
            store.bitmaps.mark(store, offset, len(buf))
        if flags & COMPRESS:
            write.pwrite_compressed(store, offset, buf)
        else:
            write.pwrite(store, offset, buf)

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """Mark whole clusters as zero."""
        from pyqio.drivers.formats.qcow2 import zero

        store = self._store
        store.check_alive()
        if store.bitmaps is not None:
            store.bitmaps.mark(store, offset, length)
        zero.pwrite_zeroes(store, offset, length, flags)

    def pdiscard(self, offset: int, length: int) -> None:
        """Free whole clusters."""
        from pyqio.drivers.formats.qcow2 import zero

        store = self._store
        store.check_alive()
        if store.bitmaps is not None:
            store.bitmaps.mark(store, offset, length)
        zero.pdiscard(store, offset, length)

    def vm_state_pread(self, offset: int, buf: memoryview) -> None:
        """The state is mapped like the guest's bytes, behind them; what the L1 table does not reach is zero."""
        store = self._store
        store.check_alive()
        start = store.vm_state_offset + offset
        mapped = max(0, min(len(buf), len(store.mapping.l1) * store.geometry.l2_coverage - start))
        buf[mapped:] = bytes(len(buf) - mapped)
        write.pread(store, start, buf[:mapped])

    def vm_state_pwrite(self, offset: int, buf: memoryview) -> None:
        """The L1 table grows as far as the state reaches."""
        from pyqio.drivers.formats.qcow2 import resize

        store = self._store
        store.check_alive()
        start = store.vm_state_offset + offset
        resize.grow_l1(store, store.geometry.l1_entries(start + len(buf)))
        write.pwrite(store, start, buf)

    def flush(self) -> None:
        """Write the cached tables in order, and flush the file."""
        if self._store.dead:
            self._store.check_alive()
        self._store.flush()

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Change the guest size; must be a multiple of 512."""
        from pyqio.drivers.formats.qcow2 import resize

        store, former = self._store, self._store.size
        store.check_alive()
        try:
            resize.truncate(store, length, prealloc=prealloc)
        finally:
            if store.bitmaps is not None:
                store.bitmaps.fit(store, former)

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """The runs of the mapping."""
        self._store.check_alive()
        for at, run in self._store.mapping.runs(offset, offset + length):
            data = run.kind in (DATA, PACKED)
            allocated = run.kind != UNALLOCATED
            zero = not data and (allocated or self._store.backing is None)
            host = self._plain_offset(run)
            yield Extent(at, run.length, data=data, zero=zero, allocated=allocated, host_offset=host)

    def locate(self, offset: int) -> Location:
        """The L1 and L2 entries that lead to a guest byte."""
        mapping, backing = self._store.mapping, self._store.backing
        run = mapping.run(offset, offset + 1)
        host = self._plain_offset(run)
        data = "data-file" if self._store.geometry.external else "file"
        child = data if host is not None or run.kind == DATA else "file" if run.kind == PACKED else None
        if run.kind == UNALLOCATED and backing is not None and offset < backing.length():
            return Location(kind="backing", child="backing", host_offset=offset, detail=mapping.place(offset))
        return Location(kind=_KINDS[run.kind], child=child, host_offset=host, detail=mapping.place(offset))

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """Every entry on the way (see trace)."""
        from pyqio.drivers.formats.qcow2.trace import explain

        return explain(self._store, offset, thorough=thorough)

    def _plain_offset(self, run: Run) -> int | None:
        """Where the bytes of a run are stored as they are."""
        return None if run.host_offset == NOWHERE or self._store.cipher is not None else run.host_offset

    def snapshots(self) -> Sequence[SnapshotInfo]:
        """The snapshot table."""
        return [snapshot.info(self._store.size) for snapshot in self._store.snapshots]

    def snapshot_create(self, name: str, *, date_ns: int) -> None:
        """One more L1 table; everything that it leads to is shared."""
        from pyqio.drivers.formats.qcow2 import snapshotting

        self._store.check_alive()
        snapshotting.create(self._store, name, date_ns=date_ns)
        self._store = self._store.renewed(self._store.settings, writable=True)

    def snapshot_apply(self, wanted: str) -> None:
        """The snapshot's L1 table becomes the disk's."""
        from pyqio.drivers.formats.qcow2 import snapshotting

        self._store.check_alive()
        if self._store.bitmaps is not None:
            raise BlockError("Device has active dirty bitmaps", errno=errno.EBUSY)
        snapshotting.apply(self._store, wanted)
        self._store = self._store.renewed(self._store.settings, writable=True)

    def snapshot_delete(self, name: str) -> None:
        """Give back what only the snapshot leads to."""
        from pyqio.drivers.formats.qcow2 import snapshotting

        self._store.check_alive()
        snapshotting.delete(self._store, name)
        self._store = self._store.renewed(self._store.settings, writable=True)

    def limits(self) -> Limits:
        """Any byte, but whole sectors where they are encrypted; zeroes work on subclusters, discards on clusters."""
        geometry = self._store.geometry
        return Limits(
            request_alignment=512 if self._store.cipher else 1,
            pwrite_zeroes_alignment=geometry.subcluster_size,
            pdiscard_alignment=geometry.cluster_size,
        )

    def caps(self) -> Caps:
        """Zero clusters, and compressed clusters where the image holds the data itself."""
        store = self._store
        return Caps(may_unmap=True, zero_init=store.backing is None, compressed=not store.geometry.external)

    def info(self) -> Mapping[str, Any]:
        """What ``qemu-img info`` says (see info)."""
        from pyqio.drivers.formats.qcow2.info import describe

        return describe(self._store)

    def check(self, fix: str, report: Callable[[str], None], advance: Callable[[int], None]) -> CheckResult:
        """Write everything back, counts that are lazy too, and look at the file; what a repair changes is read anew."""
        from pyqio.drivers.formats.qcow2.checking.check import check

        store = self._store
        store.check_alive()
        if store.writable:
            store.flush()
            store.refcounts.write_back()
        try:
            header = headers.parse_file(store.file, writable=False)
            return check(store.file, header, fix=fix, report=report, advance=advance)
        finally:
            if fix:
                header = headers.parse_file(store.file, writable=False)
                self._store = store.renewed(store.settings, writable=store.writable, header=header)

    def remarks(self) -> Iterable[str]:
        """Bitmaps that somebody has left behind."""
        header = self._store.header
        if header.extension(headers.EXT_BITMAPS) is not None and headers.bitmaps_extension(header) is None:
            yield "a program lacking bitmap support modified this file, so all bitmaps are now considered inconsistent"

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Change access, lazy refcounts, checks, caches and discards; the backing file stays."""
        changed = change(self._options, options)
        store = self._store
        settings = settle(changed, store.header, unmap=flags.discard == "unmap")
        writable = not flags.read_only
        if writable and _chooses_snapshot(changed):
            raise OpenError(_NOT_READ_ONLY)
        if writable and not store.writable and store.fields.incompatible_features & layout.CORRUPT:
            raise OpenError("qcow2: Image is corrupt; cannot be opened read/write")
        if store.writable and not store.dead:
            if store.bitmaps is not None and not writable:
                store.bitmaps.save(store)
            store.settle()
        if not store.dead:
            header, upgraded = store.header_now(), writable and not store.writable
            if upgraded and store.lazy:
                header = _repair(store.file, header, lambda finding: None)
            store = store.renewed(settings, writable=writable, header=header)
            if upgraded:
                _prepare(store)
            self._store = store
        self._options = changed

    def close(self) -> None:
        """Write everything back and leave an image that needs no repair."""
        store = self._store
        if not store.writable or store.dead:
            return
        try:
            _save_bitmaps(store)
        finally:
            _settle(store)


def _save_bitmaps(store: Store) -> None:
    if store.bitmaps is not None:
        try:
            store.bitmaps.save(store)
        except BlockError as error:
            raise BlockError(f"Lost persistent bitmaps: {error.message}", errno=error.errno) from error


def _settle(store: Store) -> None:
    try:
        store.settle()
    except BlockError as error:
        behind = "refcount block" if store.refcounts.dirty else "L2 table"
        raise BlockError(f"Failed to flush the {behind} cache: {error.strerror}", errno=error.errno) from error


def _chooses_snapshot(options: Qcow2Options) -> bool:
    return options.snapshot__id is not None or options.snapshot__name is not None


def _repair(file: Node, header: headers.Header, report: Callable[[str], None]) -> headers.Header:
    """The header of an image that was not closed, when its counts are right again."""
    from pyqio.drivers.formats.qcow2.checking.check import repair_dirty

    return repair_dirty(file, header, report)


def _prepare(store: Store) -> None:
    """What a writable image needs before its first request."""
    if store.bitmaps is not None:
        store.bitmaps.begin(store)
    kept = layout.RAW_DATA_FILE | (layout.BITMAPS if store.bitmaps is not None else 0)
    if store.fields.autoclear_features & ~kept:
        store.update(autoclear_features=store.fields.autoclear_features & kept)
        store.file.flush()


def _load_bitmaps(store: Store) -> Tracker | None:
    """The bitmaps that the image keeps; None where there are none, or none that count."""
    where = headers.bitmaps_extension(store.header)
    if where is None:
        return None
    from pyqio.drivers.formats.qcow2.bitmaps import read_directory
    from pyqio.drivers.formats.qcow2.tracking import Tracker

    return Tracker(where, read_directory(store, where))


def _open_data(opening: Opening, file: Node, header: headers.Header) -> Node:
    """The node of the guest's data: the file, or the data file that the user or the header names."""
    external = bool(header.fields.incompatible_features & layout.DATA_FILE)
    if opening.has_child("data-file") and not opening.declines_child("data-file"):
        data = opening.child("data-file", ChildRole.DATA)
        if not external:
            raise OpenError("'data-file' can only be set for images with an external data file")
        return data
    if not external:
        return file
    if header.extension(headers.EXT_DATA_FILE) is None:
        raise OpenError("'data-file' is required for this image")
    spec, found = data_child(header.data_file, file.filename)
    return opening.child("data-file", ChildRole.DATA, default=spec, found=found)


def _open_backing(opening: Opening, file: Node, header: headers.Header) -> Node | None:
    """The backing file that the user or the header names; relative names start where the image is."""
    if opening.declines_child("backing"):
        return None
    spec: dict[str, Any] | None = None
    found = None
    if header.backing_file:
        spec, found = backing_child(header.backing_file, file.filename)
        if backing_format := header.extension(headers.EXT_BACKING_FORMAT):
            spec["driver"] = backing_format.decode(errors="backslashreplace")
    elif not opening.has_child("backing"):
        return None
    try:
        return opening.child("backing", ChildRole.BACKING, default=spec, probe=True, found=found)
    except NestingError:
        raise
    except OpenError as error:
        raise OpenError(f"Could not open backing file: {error.message}", errno=error.errno, hint=error.hint) from error
