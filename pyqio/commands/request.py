"""Requests that stream: the bytes of one command go through one window that stays in the processor's cache."""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from pyqio.base.errors import BlockError, VerifyError
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE
from pyqio.block.emulate import WINDOW, pieces
from pyqio.commands.kinds import MAX_REQUEST
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Diverged, Dump, Failed, PatternMismatch, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

    Advance = Callable[[int], None]
    """Told of the bytes of each step."""

LONG: Final = 16 << 20
"""Bytes of a request whose progress is worth to be shown."""

WHOLE = 4 << 20
"""Bytes of the longest dump that is read whole before its first line is shown."""


class Range(Protocol):
    """A command on ``length`` bytes from ``offset``."""

    @property
    def offset(self) -> int:
        """First byte."""
        ...

    @property
    def length(self) -> int:
        """Number of bytes."""
        ...


class Reporting(Range, Protocol):
    """A command that reports what it did, and in which form."""

    @property
    def machine(self) -> bool:
        """Report for machines."""
        ...

    @property
    def quiet(self) -> bool:
        """Report nothing."""
        ...


class Reading(Reporting, Protocol):
    """A command that reads."""

    @property
    def verbose(self) -> bool:
        """Show the bytes."""
        ...


class Expected(Record):
    """``length`` bytes from ``offset``, within a request, that should all be ``pattern``."""

    pattern: int
    offset: int
    length: int


@lru_cache(maxsize=4)
def filled(pattern: int) -> bytes:
    """A window full of one byte."""
    return bytes((pattern,)) * WINDOW


def ignore(count: int) -> None:
    """Nobody asks how far a request has come."""


_UNSEEN: Final = nullcontext(ignore)


def following(context: Context, label: str, length: int) -> AbstractContextManager[Advance]:
    """Show how far a request of ``length`` bytes has come, if it is long."""
    return context.progress(label, length) if length >= LONG else _UNSEEN


def total(lengths: Sequence[int]) -> int:
    """Bytes in all buffers of one request.  Raises Rejected for more than one request may have."""
    count = sum(lengths)
    if count > MAX_REQUEST:
        raise Rejected(f"The total number of bytes exceed the maximum size {MAX_REQUEST}")
    return count


def require_sectors(request: Range) -> None:
    """Refuse what is not made of whole sectors.  Raises Rejected."""
    for name, value in (("offset", request.offset), ("count", request.length)):
        if value % SECTOR_SIZE:
            raise Rejected(f"{value} is not a sector-aligned value for '{name}'")


def diverged(image: Image, error: VerifyError) -> Diverged:
    """What is told of a verified pair in ``image`` that does not agree."""
    return Diverged(error=error, alignment=image.node.limits.request_alignment, nodes=image.graph.nodes)


def past_end(image: Image, request: Range) -> BlockError | None:
    """The error of a request that reaches past the end, which none of it may be done of."""
    end = image.length()
    if request.offset + request.length <= end:
        return None
    what = f"{request.length} bytes at offset {request.offset} are not inside the image's {end} bytes"
    return BlockError(what, offset=request.offset)


def spans(image: Image, request: Range, *, compressed: bool = False) -> Iterator[tuple[int, int]]:
    """Cut a write into windows: yields (offset, length).  Compressed data is cut at whole clusters only.

    Raises BlockError, before the first, for a request that reaches past the end.
    """
    if refusal := past_end(image, request):
        raise refusal
    grain = max(WINDOW, image.node.limits.pdiscard_alignment) if compressed else WINDOW
    if request.length <= grain:
        return iter(((request.offset, request.length),))
    return pieces(request.offset, request.offset + request.length, grain=grain, largest=grain)


def fetch(
    image: Image,
    request: Reading,
    clock: Callable[[], float],
    *,
    verb: str,
    expected: Expected | None,
    window: bytearray | None = None,
    advance: Advance = ignore,
) -> list[Result]:
    """Read what ``request`` asks for; compare it with ``expected``, and show it.

    ``window``: a buffer to stream through; without one everything is kept in memory until it is shown.
    A failure is called ``verb`` failed.  ``advance`` is told of each step.
    """
    show = request.verbose and not request.quiet and request.length > 0
    whole = window is None or request.length <= WHOLE
    if window is None or (show and whole):
        buffer = bytearray(request.length if show else min(request.length, WINDOW))
    else:
        buffer = window
    mismatch = None
    at = request.offset
    started = clock()
    try:
        for part in image.stream(at, request.length, buffer):
            if expected and not mismatch:
                mismatch = _compare(expected, at, len(part), buffer)
            at += len(part)
            advance(len(part))
    except VerifyError as error:
        return [diverged(image, error)]
    except BlockError as error:
        return [Failed(verb=verb, error=error, delayed=window is None)]
    elapsed = clock() - started
    results: list[Result] = [mismatch.replace(delayed=window is None)] if mismatch else []
    if show:
        shown = iter((buffer,)) if whole else image.stream(request.offset, request.length, buffer)
        results.append(Dump(offset=request.offset, length=request.length, windows=shown))
    if not request.quiet:
        results.append(
            Transfer(
                verb="read", offset=request.offset, length=request.length, elapsed=elapsed, machine=request.machine
            )
        )
    return results


def _compare(expected: Expected, at: int, length: int, buffer: bytearray) -> PatternMismatch | None:
    """Compare the bytes at the start of ``buffer``, which came from ``at``, where they fall into ``expected``."""
    start = max(at, expected.offset)
    end = min(at + length, expected.offset + expected.length)
    for offset in range(start, end, WINDOW):
        count = min(WINDOW, end - offset)
        if not buffer.startswith(memoryview(filled(expected.pattern))[:count], offset - at):
            rest = buffer[offset - at : end - at].lstrip(bytes((expected.pattern,)))
            return PatternMismatch(
                offset=expected.offset,
                length=expected.length,
                pattern=expected.pattern,
                first=end - len(rest),
                found=rest[0],
            )
    return None
