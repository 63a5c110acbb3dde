"""Both sides of a pair compared from end to end, whatever was read before.

What both sides know to be zero is not read, and of the rest not the side that knows it.  Everything else goes through
two windows that stay in the processor's cache.  A side that cannot be read is part of what is found, and does not end
the comparison.  The shorter side reads as zeroes up to the end of the longer one, as in ``qemu-img compare``.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.compare import Differences, differences
from pyqio.base.errors import BlockError
from pyqio.base.types import Run
from pyqio.block.companion import Companion, outcome
from pyqio.block.emulate import WINDOW, ZEROES, pieces
from pyqio.block.status import known_zeroes
from pyqio.drivers.filters.blkverify import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.companion import Outcome
    from pyqio.block.node import Node
    from pyqio.verify.pair import Pair

KEPT: Final = 100_000
"""Runs that are remembered one by one; all are counted."""
KEPT_UNREADABLE: Final = 1024

_FINE: Final = WINDOW // 4
"""Bytes of known zeroes below which reading them costs less than stopping for them."""
_SMALL: Final = 4096
"""Bytes in which a window is read again when it cannot be read at once."""


class Unreadable(NamedTuple):
    """Bytes that one side (raw or test) does not read, and why: an errno, and the words for the first of them."""

    side: str
    run: Run
    errno: int
    message: str


class Span(NamedTuple):
    """``length`` bytes from ``offset``, and which sides know them to be zero."""

    offset: int
    length: int
    raw_zero: bool
    test_zero: bool


class Comparison:
    """The comparison of ``run`` (bytes) of a pair, as far as it has come.

    ``at``: everything before this offset is compared.  ``found`` remembers the first KEPT runs.  ``unreadable`` and
    ``unreadable_count``: what could not be compared; ``read``: bytes that were read on one side or both.
    """

    def __init__(self, pair: Pair, run: Run) -> None:
        self.pair = pair
        self.run = run
        self.at = run.start
        self.read = 0
        self.found = Differences(kept=KEPT)
        self.unreadable: list[Unreadable] = []
        self.unreadable_count = 0
        self._last_unreadable: dict[str, Unreadable] = {}
        self._raw, self._test = bytearray(WINDOW), bytearray(WINDOW)
        self._companion = Companion()
        self._durations = {"raw": 0.0, "test": 0.0}

    def steps(self) -> Iterator[int]:
        """Go on from ``at`` to the end; yields the number of bytes after each step, and may be left there."""
        self._companion = Companion()
        try:
            for span in _joined(_spans(self.pair, self.at, self.run.end)):
                yield from self._span(span)
        finally:
            self._companion.close()

    def _span(self, span: Span) -> Iterator[int]:
        end = span.offset + span.length
        if span.raw_zero and span.test_zero:
            self.at = end
            yield span.length
            return
        for at, count in pieces(span.offset, end, grain=WINDOW, largest=WINDOW):
            self._window(span._replace(offset=at, length=count))
            self.read += count
            self.at = at + count
            yield count

    def _window(self, span: Span) -> None:
        """Compare a window; where it cannot be read, its small parts one by one."""
        errors = self._load(span)
        if errors == (None, None):
            self._compare(span)
        elif span.length <= _SMALL:
            for key, error in zip(("raw", "test"), errors, strict=True):
                if error is not None:
                    self._note(key, span, error)
        else:
            for at, count in pieces(span.offset, span.offset + span.length, grain=_SMALL, largest=_SMALL):
                self._window(span._replace(offset=at, length=count))

    def _load(self, span: Span) -> tuple[BlockError | None, BlockError | None]:
        """Read the sides that are not known, both at once where the quicker one makes the caller wait, too."""
        raw = partial(self._read, "raw", span, self._raw)
        test = partial(self._read, "test", span, self._test)
        if span.raw_zero:
            return None, _failure(outcome(test))
        if span.test_zero:
            return _failure(outcome(raw)), None
        at_once = min(self._durations.values()) > PATIENCE
        ended = self._companion.both(raw, test) if at_once else (outcome(raw), outcome(test))
        return _failure(ended[0]), _failure(ended[1])

    def _read(self, key: str, span: Span, window: bytearray) -> None:
        started = perf_counter()
        self.pair.side(key).pread(span.offset, memoryview(window)[: span.length])
        self._durations[key] = perf_counter() - started

    def _compare(self, span: Span) -> None:
        raw = ZEROES if span.raw_zero else memoryview(self._raw)
        test = ZEROES if span.test_zero else memoryview(self._test)
        ours, theirs = raw[: span.length], test[: span.length]
        # A bytearray's startswith is one memcmp with any buffer; comparing memoryviews is not.
        equal = self._test.startswith(ours) if span.raw_zero else self._raw.startswith(theirs)
        if not equal:
            self.found.merge(differences(span.offset, ours, theirs, kept=KEPT))

    def _note(self, key: str, span: Span, error: BlockError) -> None:
        run = Run(span.offset, span.offset + span.length)
        last = self._last_unreadable.get(key)
        noted = Unreadable(key, run, error.errno, error.message)
        if last is not None and last.run.end == run.start and last.errno == error.errno:
            noted = last._replace(run=Run(last.run.start, run.end))
            self.unreadable = [noted if known == last else known for known in self.unreadable]
        else:
            self.unreadable_count += 1
            if len(self.unreadable) < KEPT_UNREADABLE:
                self.unreadable.append(noted)
        self._last_unreadable[key] = noted


def _failure(ended: Outcome) -> BlockError | None:
    """The error of a read; what is none of the block layer's, an interrupt say, is raised."""
    if ended is None or isinstance(ended, BlockError):
        return ended
    raise ended


def _spans(pair: Pair, start: int, end: int) -> Iterator[Span]:
    """The range in spans that both sides know the same of throughout."""
    raw, test = _known(pair.raw, start, end), _known(pair.test, start, end)
    raw_end, raw_zero = start, False
    test_end, test_zero = start, False
    while start < end:
        if raw_end == start:
            raw_end, raw_zero = next(raw)
        if test_end == start:
            test_end, test_zero = next(test)
        stop = min(raw_end, test_end)
        yield Span(start, stop - start, raw_zero, test_zero)
        start = stop


def _known(node: Node, start: int, end: int) -> Iterator[tuple[int, bool]]:
    """Where the node's own knowledge changes: (end of a part, whether it is zero); what fails is not known."""
    while start < end:
        try:
            for offset, length, zero in known_zeroes(node, start, end - start):
                start = offset + length
                yield start, zero
        except BlockError:
            start = min(end, start - start % WINDOW + WINDOW)
            yield start, False


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Small spans joined to a neighbour that knows no more than they do."""
    last: Span | None = None
    for span in spans:
        if last is None:
            last = span
            continue
        both = (last.raw_zero and span.raw_zero, last.test_zero and span.test_zero)
        keeps_last = both == last[2:] and span.length < _FINE
        keeps_span = both == span[2:] and last.length < _FINE
        if both == last[2:] == span[2:] or keeps_last or keeps_span:
            last = Span(last.offset, last.length + span.length, *both)
        else:
            yield last
            last = span
    if last is not None:
        yield last
