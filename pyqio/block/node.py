"""The one funnel through which every request goes, on every hop.

A node owns what is the same for all drivers: name, children, permissions, read-only, length, alignment, the lock of
a SERIAL driver, and the context of errors.  A request that the driver takes as it is goes straight down; any other
is taken apart in block/emulate.
"""

from __future__ import annotations

import errno
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, final

from pyqio.base.errors import BlockError, ReadOnly
from pyqio.base.types import COMPRESSED, FUA, Extent, Role, Scheduling
from pyqio.block import emulate
from pyqio.block.overlap import Overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyqio.base.structure import Explanation
    from pyqio.base.types import CheckResult, Location, OpenFlags, SnapshotInfo
    from pyqio.block.driver import Driver
    from pyqio.block.edge import Edge


@final
class Node:
    """A driver in its place in the graph.  Offsets and lengths are bytes; ends are exclusive.

    All requests raise BlockError with ``node`` and ``offset`` set.  A read past the end gives zeroes, since the
    formats above see their file as endless; an Image does not let its user do that.
    """

    __slots__ = (
        "_detecting",
        "_flushed",
        "_length",
        "_lock",
        "_mask",
        "_native",
        "_written",
        "caps",
        "children",
        "copy_on_read",
        "driver",
        "filename",
        "flags",
        "limits",
        "name",
        "overlap",
        "parents",
    )

    def __init__(self, name: str, driver: Driver, flags: OpenFlags, *, filename: str = "") -> None:
        self.name = name
        self.driver = driver
        self.filename = filename
        self.children: dict[str, Edge] = {}
        self.parents: list[Edge] = []
        self.copy_on_read = False
        self.overlap = Overlap()
        self._lock = threading.RLock() if driver.scheduling is Scheduling.SERIAL else None
        self._written: object = None
        self._flushed: object = None
        self.refresh(flags)

    def refresh(self, flags: OpenFlags) -> None:
        """Take over new flags and ask the driver for everything that is kept here."""
        self.flags = flags
        self.limits = self.driver.limits()
        self.caps = self.driver.caps()
        self._mask = self.limits.request_alignment - 1
        self._detecting = flags.detect_zeroes != "off"
        self._native = (FUA if self.caps.fua else 0) | (COMPRESSED if self.caps.compressed else 0)
        self._length = self.driver.length()

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self.flags.read_only

    def length(self) -> int:
        """Size in bytes."""
        return self._length

    def pread(self, offset: int, buf: memoryview, flags: int = 0) -> None:
        """Fill ``buf`` with the bytes from ``offset``; what lies past the end is zero."""
        end = offset + len(buf)
        if end > self._length or (offset | end) & self._mask or self.limits.max_transfer or self.copy_on_read:
            emulate.pread(self, offset, buf, flags)
        else:
            self.pread_native(offset, buf, flags)

    def pwrite(self, offset: int, buf: memoryview, flags: int = 0) -> None:
        """Store ``buf`` at ``offset``; flags FUA, COMPRESSED."""
        end = offset + len(buf)
        self._check_writable(offset, end)
        if self._mask or self.limits.max_transfer or self.copy_on_read or self._detecting or flags & ~self._native:
            emulate.pwrite(self, offset, buf, flags)
        else:
            self.pwrite_native(offset, buf, flags)

    def pwrite_zeroes(self, offset: int, length: int, flags: int = 0) -> None:
        """Make the range read as zeroes; flags FUA, MAY_UNMAP, NO_FALLBACK."""
        self._check_writable(offset, offset + length)
        emulate.pwrite_zeroes(self, offset, length, flags)

    def pdiscard(self, offset: int, length: int) -> None:
        """Give the range up, where the node was opened with discard=unmap and the driver can; else nothing."""
        self._check_writable(offset, offset + length)
        if self.flags.discard == "unmap":
            emulate.pdiscard(self, offset, length)

    def flush(self) -> None:
        """Put everything written so far on stable storage (cache mode unsafe: only hand it to the host)."""
        written = self._written
        if written is self._flushed or (self.flags.cache.no_flush and self.driver.role is Role.PROTOCOL):
            return
        with self._serving(0):
            self.driver.flush()
        self._flushed = written

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Change the size in bytes; new bytes read as zeroes."""
        if self.flags.read_only:
            raise self._context(ReadOnly("Image is read-only", errno=errno.EACCES), length)
        try:
            with self._changing(length):
                self.driver.truncate(length, prealloc=prealloc, exact=exact)
        finally:
            self._length = self.driver.length()  # which may have changed before something failed

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """Extents that cover exactly the range, ascending; past the end is one hole that is not allocated."""
        return emulate.block_status(self, offset, length)

    def locate(self, offset: int) -> Location:
        """Where the driver keeps the guest byte at ``offset``, one step down."""
        with self._serving(offset):
            return self.driver.locate(offset)

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """All that the driver knows of the way to the guest byte at ``offset`` (see Driver.explain)."""
        with self._serving(offset):
            return self.driver.explain(offset, thorough=thorough)

    def check(self, fix: str, report: Callable[[str], None], advance: Callable[[int], None]) -> CheckResult:
        """Look at all metadata of the driver, and repair it (see Driver.check).  Raises Unsupported, BlockError."""
        if fix and self.flags.read_only:
            raise self._context(ReadOnly(), 0)
        with self._changing(0):
            return self.driver.check(fix, report, advance)

    def vm_state_pread(self, offset: int, buf: memoryview) -> None:
        """Fill ``buf`` from the machine state that is kept beside the disk.  Raises Unsupported where none is."""
        with self._serving(offset):
            self.driver.vm_state_pread(offset, buf)

    def vm_state_pwrite(self, offset: int, buf: memoryview) -> None:
        """Store ``buf`` in the machine state.  Raises Unsupported where none is kept."""
        self._check_writable(offset, 0)
        with self._changing(offset):
            self.driver.vm_state_pwrite(offset, buf)

    def snapshots(self) -> Sequence[SnapshotInfo]:
        """The snapshots inside the image.  Raises Unsupported where the format has none."""
        with self._serving(0):
            return self.driver.snapshots()

    def snapshot_create(self, name: str, *, date_ns: int) -> None:
        """Take a snapshot of the disk; ``date_ns``: the time, since 1970 UTC."""
        self._check_writable(0, 0)
        with self._changing(0):
            self.driver.snapshot_create(name, date_ns=date_ns)

    def snapshot_apply(self, wanted: str) -> None:
        """Go back to a snapshot, by id or else by name; the length may change."""
        self._check_writable(0, 0)
        with self._changing(0):
            self.driver.snapshot_apply(wanted)
        self._length = self.driver.length()

    def snapshot_delete(self, name: str) -> None:
        """Forget the first snapshot of this name."""
        self._check_writable(0, 0)
        with self._changing(0):
            self.driver.snapshot_delete(name)

    def pread_native(self, offset: int, buf: memoryview, flags: int) -> None:
        """A read that the driver takes as it is."""
        lock = self._lock
        try:
            if lock is None:
                self.driver.pread(offset, buf, flags)
            else:
                with lock:
                    self.driver.pread(offset, buf, flags)
        except (BlockError, OSError) as error:
            raise self._context(error, offset) from error.__cause__

    def pwrite_native(self, offset: int, buf: memoryview, flags: int) -> None:
        """A write that the driver takes as it is."""
        lock = self._lock
        try:
            if lock is None:
                self.driver.pwrite(offset, buf, flags)
            else:
                with lock:
                    self.driver.pwrite(offset, buf, flags)
        except (BlockError, OSError) as error:
            raise self._context(error, offset) from error.__cause__
        finally:
            self._written = object()
        if offset + len(buf) > self._length:
            self._length = self.driver.length()

    def zeroes_native(self, offset: int, length: int, flags: int) -> None:
        """A write of zeroes that the driver takes as it is; raises Unsupported where it does not."""
        with self._changing(offset):
            self.driver.pwrite_zeroes(offset, length, flags)
        if offset + length > self._length:
            self._length = self.driver.length()

    def discard_native(self, offset: int, length: int) -> None:
        """A discard that the driver takes as it is; raises Unsupported where it does not."""
        with self._changing(offset):
            self.driver.pdiscard(offset, length)

    def status_native(self, offset: int, length: int) -> list[Extent]:
        """The driver's own extents, at least one; collected under the lock, since the tables may change."""
        with self._serving(offset):
            return list(self.driver.block_status(offset, length))

    @contextmanager
    def _changing(self, offset: int) -> Iterator[None]:
        """A change counts when it is over: a flush in another thread may have begun before it and end after it."""
        try:
            with self._serving(offset):
                yield
        finally:
            self._written = object()

    @contextmanager
    def _serving(self, offset: int) -> Iterator[None]:
        with self._lock or nullcontext():
            try:
                yield
            except (BlockError, OSError) as error:
                raise self._context(error, offset) from error.__cause__

    def _check_writable(self, offset: int, end: int) -> None:
        if self.flags.read_only:
            raise self._context(ReadOnly(), offset)
        if end > self._length and not self.caps.growable:
            raise self._context(BlockError(f"write past the end of {self._length} bytes"), offset)

    def _context(self, error: BlockError | OSError, offset: int) -> BlockError:
        if not isinstance(error, BlockError):
            error = BlockError(error.strerror, errno=error.errno or errno.EIO).with_traceback(error.__traceback__)
        if error.node is None:
            error.node = self.name
            error.offset = offset if error.offset is None else error.offset
        return error
