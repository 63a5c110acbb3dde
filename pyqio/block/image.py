"""The handle that a user of the block layer holds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyqio.base.errors import BlockError, VerifyError
from pyqio.base.types import COMPRESSED, FUA, MAY_UNMAP, NO_FALLBACK, PERM_RESIZE, ChildRole
from pyqio.block import edge as edges
from pyqio.block import emulate, status
from pyqio.block.edge import Edge
from pyqio.block.node import Node
from pyqio.block.stream import pread_steps
from pyqio.block.vm_state import VmState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from pyqio.base.types import Cache, CheckResult, Extent, SnapshotInfo
    from pyqio.block.graph import Graph


def _say_nothing(finding: object) -> None:
    """Findings are counted, and that is enough."""


Buffer = bytes | bytearray | memoryview


class Image:
    """An open image.  Offsets and lengths are bytes, ends are exclusive; a request is done whole or raises BlockError.

    A request outside the image fails with EIO.  In cache modes writethrough and directsync every write is on stable
    storage before it returns.  A context manager; safe to use from several threads.
    """

    __slots__ = ("_closed", "_edge", "_graph", "_write_flags", "node")

    def __init__(self, graph: Graph, edge: Edge) -> None:
        self._graph = graph
        self._edge = edge
        self._closed = False
        self._adopt(edge.node)

    def _adopt(self, node: Node) -> None:
        self.node = node
        self._write_flags = 0 if node.flags.cache.writeback else FUA

    @property
    def graph(self) -> Graph:
        """The graph that the image's nodes stand in."""
        return self._graph

    @property
    def filename(self) -> str:
        """What the image was opened by."""
        return self.node.filename

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self.node.read_only

    def length(self) -> int:
        """Size in bytes."""
        return self.node.length()

    def pread(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes from ``offset``."""
        self._check(offset, length)
        data = bytearray(length)
        self.node.pread(offset, memoryview(data))
        return bytes(data)

    def pread_into(self, offset: int, buf: bytearray | memoryview) -> None:
        """Fill ``buf``, a flat writable buffer of bytes, from ``offset``."""
        self._check(offset, len(buf))
        self.node.pread(offset, buf if isinstance(buf, memoryview) else memoryview(buf))

    def preadv(self, offset: int, bufs: Sequence[bytearray | memoryview]) -> None:
        """Fill several buffers, one after the other, from ``offset``."""
        length = sum(map(len, bufs))
        self._check(offset, length)
        for _ in pread_steps(self.node.pread, offset, length, map(memoryview, bufs)):
            pass

    def stream(self, offset: int, length: int, buf: bytearray | memoryview) -> Iterator[memoryview]:
        """Read a range of any length through ``buf``: yields the part of it that was filled, again and again.

        A range that fits is read at once, so that ``buf`` keeps all of it.  Sizes of ``emulate.WINDOW`` stay in the
        processor's cache.  When a verified pair differs the rest of the range is still compared, and the
        MismatchError speaks of all of it.
        """
        self._check(offset, length)
        view = memoryview(buf)
        if length <= len(view):
            steps: Iterable[tuple[int, int]] = ((offset, length),)
        else:
            grain = self.node.limits.request_alignment
            steps = emulate.pieces(offset, offset + length, grain=grain, largest=len(view))
        yield from pread_steps(self.node.pread, offset, length, (view[:count] for _, count in steps))

    def pwrite(self, offset: int, data: Buffer, *, fua: bool = False, compressed: bool = False) -> None:
        """Write ``data`` at ``offset``.

        ``fua``: it is on stable storage when the call returns.  ``compressed``: the format stores it compressed, which
        it does for whole clusters only.
        """
        self._check(offset, len(data))
        flags = self._write_flags | (FUA if fua else 0) | (COMPRESSED if compressed else 0)
        try:
            self.node.pwrite(offset, data if isinstance(data, memoryview) else memoryview(data), flags)
        except VerifyError as error:
            error.widen(offset, len(data))
            raise

    def pwritev(self, offset: int, bufs: Sequence[Buffer], *, fua: bool = False) -> None:
        """Write several buffers, one after the other, from ``offset``."""
        self.pwrite(offset, bufs[0] if len(bufs) == 1 else b"".join(bufs), fua=fua)

    def zero(
        self, offset: int, length: int, *, unmap: bool = False, no_fallback: bool = False, fua: bool = False
    ) -> None:
        """Make a range read as zeroes.

        ``unmap``: it may become a hole.  ``no_fallback``: raise Unsupported rather than write a buffer of zeroes.
        """
        self._check(offset, length)
        flags = self._write_flags | (FUA if fua else 0)
        flags |= (MAY_UNMAP if unmap else 0) | (NO_FALLBACK if no_fallback else 0)
        try:
            self.node.pwrite_zeroes(offset, length, flags)
        except VerifyError as error:
            error.widen(offset, length)
            raise

    def discard(self, offset: int, length: int) -> None:
        """Give a range up; advice, which an image opened with discard=ignore does not take."""
        self._check(offset, length)
        self.node.pdiscard(offset, length)

    def flush(self) -> None:
        """Put everything written so far on stable storage."""
        self.node.flush()

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Change the size in bytes; ``prealloc``: off, metadata, falloc or full.

        ``exact`` False: a device that is larger is good enough.  From now on the file is locked against others that
        resize it; raises PermissionConflict where one does.
        """
        self._take_resize()
        self.node.truncate(length, prealloc=prealloc, exact=exact)

    def block_status(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """Extents that cover exactly the range (to the end by default), ascending."""
        length = self.length() - offset if length is None else length
        self._check(offset, length)
        return self.node.block_status(offset, length)

    def allocated(self, offset: int, length: int) -> tuple[bool, int]:
        """Whether the byte at ``offset`` is allocated in the top layer, and for how many bytes that holds."""
        self._check(offset, length)
        for _, run, state in status.allocation(self.node.block_status(offset, length)):
            return state, run
        return False, 0

    def vm_state(self) -> Image:
        """The machine state beside the disk, as an image of its own that needs no closing.

        Raises Unsupported where the format keeps none.
        """
        self.node.vm_state_pread(0, memoryview(bytearray()))
        node = Node(f"{self.node.name} (machine state)", VmState(self.node), self.node.flags)
        return Image(self._graph, Edge(None, "vm-state", ChildRole.FILTERED, node))

    def at(self, node: Node) -> Image:
        """A node of the same graph as an image of its own, which needs no closing."""
        return Image(self._graph, Edge(None, "child", ChildRole.FILTERED, node))

    def snapshots(self) -> Sequence[SnapshotInfo]:
        """The snapshots inside the image, in its own order.  Raises Unsupported where the format has none."""
        return self.node.snapshots()

    def snapshot_create(self, name: str, *, date_ns: int | None = None) -> None:
        """Keep the disk as it is now as a snapshot inside the image; names need not be unique.

        ``date_ns``: when, in nanoseconds since 1970 UTC; now by default.  Nothing has changed where this fails.
        """
        self.node.snapshot_create(name, date_ns=time.time_ns() if date_ns is None else date_ns)

    def snapshot_apply(self, wanted: str) -> None:
        """Go back to the snapshot with the id ``wanted``, or else of that name; the size comes back too.

        Raises BlockError: ENOENT where there is none; PermissionConflict as ``truncate`` does.
        """
        self._take_resize()
        self.node.snapshot_apply(wanted)

    def snapshot_delete(self, name: str) -> None:
        """Forget the first snapshot of this name.  Raises BlockError: ENOENT where there is none."""
        self.node.snapshot_delete(name)

    def info(self) -> Mapping[str, Any]:
        """What the format says of itself, by qemu-img info's names."""
        return self.node.driver.info()

    def check(
        self,
        *,
        fix: str = "",
        report: Callable[[str], None] = _say_nothing,
        advance: Callable[[int], None] = _say_nothing,
    ) -> CheckResult:
        """Look at all metadata for damage.  ``fix``: repair nothing (""), "leaks", or "all" that can be repaired.

        ``report`` is told of every finding as it comes, a line each; ``advance`` of guest bytes that were looked at,
        which are the whole image in the end.  Raises Unsupported where the format has no check, BlockError where it
        cannot be carried through.
        """
        return self.node.check(fix, report, advance)

    def reopen(
        self, *, read_only: bool | None = None, cache: Cache | None = None, options: Mapping[str, Any] | None = None
    ) -> None:
        """Change how the image is open; None keeps what is.  All or nothing; raises OpenError."""
        self._graph.reopen(self._edge, read_only=read_only, cache=cache, options=options or {})
        self._adopt(self.node)

    def close(self) -> None:
        """Write back what is cached and release the image.  A second close does nothing."""
        if not self._closed:
            self._closed = True
            self._graph.release(self._edge)

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_resize(self) -> None:
        if not self.read_only:
            edges.change(self._edge, self._edge.perm | PERM_RESIZE, self._edge.shared)

    def _check(self, offset: int, length: int) -> None:
        end = self.node.length()
        if offset < 0 or length < 0 or offset + length > end:
            raise BlockError(f"{length} bytes at offset {offset} are not inside the image's {end} bytes", offset=offset)
