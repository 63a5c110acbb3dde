"""What a driver cannot do by itself, done with what it can.

Reads past the end, requests that are not aligned (read-modify-write), requests larger than a driver takes, zeroes
and discards in a driver's own grain, forced unit access as a write and a flush, copy-on-read.  The only place that
catches Unsupported.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from pyqio.base.errors import Unsupported
from pyqio.base.types import COMPRESSED, FUA, MAY_UNMAP, NO_FALLBACK, Extent, Role
from pyqio.block.stream import pread_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node

WINDOW = 256 * 1024
"""Bytes in the buffer that a long transfer streams through: it stays in the processor's cache."""

ZEROES = memoryview(bytes(WINDOW))


def pieces(offset: int, end: int, *, grain: int, largest: int) -> Iterator[tuple[int, int]]:
    """Cut ``offset`` to ``end`` so that only the first and the last piece are not aligned to ``grain``.

    ``largest``: no piece is longer, rounded down to ``grain``; 0 is no limit.  Yields (offset, length).
    """
    largest = max(largest // grain * grain, grain) if largest else end - offset + grain
    while offset < end:
        past = offset % grain
        stop = min(end, offset - past + grain if past else offset + largest)
        if not past and stop % grain and stop - offset > grain:
            stop -= stop % grain
        yield offset, stop - offset
        offset = stop


def pread(node: Node, offset: int, buf: memoryview, flags: int) -> None:
    """A read that is unaligned, too long, past the end or copies on read."""
    if node.copy_on_read and not node.read_only:
        _copy_on_read(node, offset, len(buf))
    inside = max(0, min(len(buf), node.length() - offset))
    if inside < len(buf):
        buf[inside:] = bytes(len(buf) - inside)
    grain = node.limits.request_alignment
    steps = pieces(offset, offset + inside, grain=grain, largest=node.limits.max_transfer)
    parts = (buf[at - offset : at - offset + length] for at, length in steps)
    for _ in pread_steps(partial(_pread_step, node, flags), offset, len(buf), parts):
        pass


def _pread_step(node: Node, flags: int, offset: int, part: memoryview) -> None:
    if (offset | len(part)) % node.limits.request_alignment:
        start, bounce = _aligned_read(node, offset, len(part))
        part[:] = bounce[offset - start : offset - start + len(part)]
    else:
        node.pread_native(offset, part, flags)


def pwrite(node: Node, offset: int, buf: memoryview, flags: int) -> None:
    """A write that is unaligned, too long, carries a flag that the driver does not know, or may be one of zeroes."""
    if node.flags.detect_zeroes != "off" and _is_zero(buf) and _edges_are_zero(node, offset, len(buf)):
        pwrite_zeroes(node, offset, len(buf), flags & FUA | _may_unmap(node))
    elif flags & COMPRESSED and not node.caps.compressed:
        raise Unsupported(offset=offset)
    else:
        _pwrite(node, offset, buf, flags)


def _pwrite(node: Node, offset: int, buf: memoryview, flags: int) -> None:
    native = flags & (COMPRESSED | (FUA if node.caps.fua else 0))
    grain = node.limits.request_alignment
    for at, length in pieces(offset, offset + len(buf), grain=grain, largest=node.limits.max_transfer):
        part = buf[at - offset : at - offset + length]
        with _alone(node, at, length):
            if at % grain or length % grain:
                start, bounce = _aligned_read(node, at, length)
                bounce[at - start : at - start + length] = part
                _pwrite_bounce(node, start, bounce, native | flags & MAY_UNMAP)
            else:
                node.pwrite_native(at, part, native)
    if flags & FUA & ~native:
        node.flush()


def _pwrite_bounce(node: Node, offset: int, bounce: memoryview, flags: int) -> None:
    if node.flags.detect_zeroes != "off" and _is_zero(bounce):
        unmap = (flags & MAY_UNMAP | _may_unmap(node)) if node.caps.may_unmap else 0
        with suppress(Unsupported):
            node.zeroes_native(offset, len(bounce), flags & FUA | unmap)
            return
    node.pwrite_native(offset, bounce, flags & ~MAY_UNMAP)


def _has_own_grain(node: Node) -> bool:
    """Whether the alignment is that of the node itself, and not that of a child to which it hands requests on."""
    return node.flags.probed or (node.driver.role is not Role.FILTER and node.driver.name != "raw")


def _may_unmap(node: Node) -> int:
    return MAY_UNMAP if node.flags.detect_zeroes == "unmap" else 0


def _edges_are_zero(node: Node, offset: int, length: int) -> bool:
    """Whether what shares a grain with the ends of a write is zero too; the write itself looks again."""
    grain = node.limits.request_alignment
    end = offset + length
    head = _aligned_read(node, offset, 1)[1][: offset % grain] if length and offset % grain else b""
    tail = _aligned_read(node, end, 1)[1][end % grain :] if length and end % grain else b""
    return not any(head) and not any(tail)


def pwrite_zeroes(node: Node, offset: int, length: int, flags: int) -> None:
    """Zeroes in the driver's own grain, as a buffer of them where the driver has no such operation."""
    limits = node.limits
    if flags & NO_FALLBACK and (offset | length) & (limits.request_alignment - 1) and (length or _has_own_grain(node)):
        raise Unsupported(offset=offset)  # even for a request of no bytes, as in QEMU
    native = flags & (NO_FALLBACK | (MAY_UNMAP if node.caps.may_unmap else 0) | (FUA if node.caps.fua else 0))
    grain = max(limits.pwrite_zeroes_alignment, limits.request_alignment)
    for at, count in pieces(offset, offset + length, grain=grain, largest=limits.max_pwrite_zeroes):
        try:
            if (at | count) & (limits.request_alignment - 1):
                raise Unsupported
            with _alone(node, at, count):
                node.zeroes_native(at, count, native)
        except Unsupported:
            if flags & NO_FALLBACK:
                raise
            for start, part in pieces(at, at + count, grain=1, largest=WINDOW):
                _pwrite(node, start, ZEROES[:part], flags & MAY_UNMAP)
    if flags & FUA and not node.caps.fua:
        node.flush()


def _is_zero(buf: memoryview) -> bool:
    return all(buf[at : at + WINDOW] == ZEROES[: len(buf) - at] for at in range(0, len(buf), WINDOW))


def pdiscard(node: Node, offset: int, length: int) -> None:
    """Discard what the driver can; a discard is advice, so what it cannot is left as it is.

    The unaligned ends are offered too, each by itself: a file can punch them out.
    """
    limits = node.limits
    grain = max(limits.pdiscard_alignment, limits.request_alignment)
    for at, count in pieces(offset, offset + length, grain=grain, largest=limits.max_pdiscard):
        try:
            with _alone(node, at, count):
                node.discard_native(at, count)
        except Unsupported:
            continue


def block_status(node: Node, offset: int, length: int) -> Iterator[Extent]:
    """The driver's extents, asked for in its own alignment and cut to the range."""
    grain = node.limits.request_alignment
    at, end = offset, offset + length
    inside = min(end, node.length())
    while at < inside:
        start = at - at % grain
        for extent in node.status_native(start, -(-inside // grain) * grain - start):
            stop = min(extent.offset + extent.length, inside)
            if stop > at:
                host = None if extent.host_offset is None else extent.host_offset + at - extent.offset
                yield extent._replace(offset=at, length=stop - at, host_offset=host)
                at = stop
    if at < end:
        yield Extent(at, end - at, data=False, zero=True, allocated=False)


def _aligned_read(node: Node, offset: int, length: int) -> tuple[int, memoryview]:
    """The aligned range around the request, and a buffer of its bytes; zeroes past the end."""
    grain = node.limits.request_alignment
    start, end = offset - offset % grain, -(-(offset + length) // grain) * grain
    bounce = memoryview(bytearray(end - start))
    inside = min(end, -(-node.length() // grain) * grain) - start
    if inside > 0:
        node.pread_native(start, bounce[:inside], 0)
    return start, bounce


def _copy_on_read(node: Node, offset: int, length: int) -> None:
    """Copy what the range shows of the backing file into this layer, whole grains at a time."""
    start, end = _around(node, offset, length)
    for at, count in pieces(start, end, grain=_copy_grain(node), largest=WINDOW):
        with _alone(node, at, count):
            for extent in block_status(node, at, min(count, node.length() - at)):
                if not extent.allocated:
                    _copy_up(node, extent.offset, extent.length)


def _copy_up(node: Node, offset: int, length: int) -> None:
    bounce = bytearray(length)
    node.pread_native(offset, memoryview(bounce), 0)
    if bounce == bytes(length):
        with suppress(Unsupported):
            node.zeroes_native(offset, length, 0)
            return
    node.pwrite_native(offset, memoryview(bounce), 0)


@contextmanager
def _alone(node: Node, offset: int, length: int) -> Iterator[None]:
    """No other write to the grains that the range touches, where one could be undone by a copy made before it."""
    if _copy_grain(node) == 1:
        yield
        return
    start, end = _around(node, offset, length)
    claim = node.overlap.enter(start, end - start, writing=True)
    try:
        yield
    finally:
        node.overlap.leave(claim)


def _around(node: Node, offset: int, length: int) -> tuple[int, int]:
    grain = _copy_grain(node)
    return offset - offset % grain, -(-(offset + length) // grain) * grain


def _copy_grain(node: Node) -> int:
    """What is read and written back as one: a sector of the driver's, or a cluster that is copied on read."""
    return max(node.limits.request_alignment, node.limits.pwrite_zeroes_alignment if node.copy_on_read else 1)
