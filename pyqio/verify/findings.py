"""What is known to differ between the sides of the open pair."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.compare import GAP
from pyqio.base.types import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Unfinished(NamedTuple):
    """A comparison of the bytes ``start`` to ``until`` that was stopped at the offset ``at`` of a pair.

    ``pair``: its node's name.  ``journal_count``: operations that had been noted by then.
    """

    pair: str
    start: int
    at: int
    until: int
    journal_count: int


class Findings:
    """Runs of differing bytes, found by reads and by comparisons: ascending, apart by GAP bytes or more, in bytes.

    ``unfinished``: the comparison that may be gone on with.  ``current``: the run that was looked at last.
    """

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self.unfinished: Unfinished | None = None
        self.current: Run | None = None

    @property
    def runs(self) -> Sequence[Run]:
        """All of them; ends exclusive."""
        return self._runs

    def add(self, runs: Iterable[Run]) -> None:
        """Remember runs; what overlaps or nearly touches a known one becomes one with it."""
        for run in runs:
            first = bisect_left(self._runs, run.start - GAP + 1, key=_end)
            last = bisect_right(self._runs, run.end + GAP - 1, key=_start)
            touched = self._runs[first:last]
            start = min([run.start, *(known.start for known in touched)])
            end = max([run.end, *(known.end for known in touched)])
            self._runs[first:last] = [Run(start, end)]

    def forget(self, start: int, end: int) -> None:
        """The bytes from ``start`` to ``end`` (exclusive) are not known to differ any more."""
        first = bisect_right(self._runs, start, key=_end)
        last = bisect_left(self._runs, end, key=_start)
        touched = self._runs[first:last]
        before = [Run(run.start, start) for run in touched if run.start < start]
        after = [Run(end, run.end) for run in touched if run.end > end]
        self._runs[first:last] = before + after

    def clear(self) -> None:
        """Forget everything."""
        self._runs.clear()
        self.unfinished = self.current = None

    def after(self, offset: int) -> Run | None:
        """The first run that starts past ``offset``."""
        at = bisect_right(self._runs, offset, key=_start)
        return self._runs[at] if at < len(self._runs) else None

    def before(self, offset: int) -> Run | None:
        """The last run that starts before ``offset``."""
        at = bisect_left(self._runs, offset, key=_start)
        return self._runs[at - 1] if at else None


def _start(run: Run) -> int:
    return run.start


def _end(run: Run) -> int:
    return run.end
