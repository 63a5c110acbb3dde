"""How the commands of a session end, told to its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import OutcomeMismatch
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Diverged, Failed, PatternMismatch, Refused
from pyqio.verify.journal import Outcome
from pyqio.verify.pair import pair_below

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyqio.base.errors import BlockError
    from pyqio.block.image import Image
    from pyqio.commands.pool import Pool, Request
    from pyqio.commands.results import Result
    from pyqio.verify.journal import Acting, Journal

_OK: Final = Outcome()
_OK_BOTH: Final = Outcome("ok", "ok", "ok")


class Log:
    """Notes commands that were run; what asynchronous requests came to is noted when they are told of.

    ``failures``: results so far that were failures.
    """

    def __init__(self, journal: Journal, pool: Pool) -> None:
        self.failures = 0
        self._journal = journal
        self._pool = pool
        self._failure: Result | None = None
        self._success = _OK
        self._started: dict[Request, Callable[[Outcome], None]] = {}

    @property
    def is_on_pair(self) -> bool:
        """Whether a verified pair is open."""
        return self._success is _OK_BOTH

    def opened(self, image: Image) -> None:
        """Commands run on ``image`` from now on."""
        self._success = _OK_BOTH if pair_below(image.node) else _OK

    def begin(self) -> None:
        """A command is run now."""
        self._failure = None

    def fail(self, result: Result) -> None:
        """A result of what is being run is a failure."""
        self._failure = self._failure or result
        self.failures += 1

    def interrupt(self) -> None:
        """What is being run was stopped by its user."""
        self._failure = Refused(reason=Rejected("interrupted"))

    def note(self, words: Sequence[str], command: Acting, when: float, elapsed: float) -> None:
        """Note a command that was run."""
        request = self._pool.pending[-1] if self._pool.pending else None
        if request is not None and request not in self._started:
            self._started[request] = self._journal.note_started(words, command, when)
        else:
            self._journal.note(words, command, when, elapsed, self._outcome() if self._failure else self._success)

    def receive(self, request: Request) -> Sequence[Result]:
        """What an asynchronous request came to.  Raises what it raised."""
        results = request.results()
        self._failure = next((r for r in results if isinstance(r, Failed | PatternMismatch | Diverged)), None)
        if end := self._started.pop(request, None):
            end(self._outcome())
        return results

    def _outcome(self) -> Outcome:
        """How what is being run has ended."""
        match self._failure:
            case None:
                return self._success
            case Diverged(error=OutcomeMismatch() as error):
                raw, test = (_said(side) for side in (error.raw_error, error.test_error))
                return Outcome("mismatch", raw, test)
            case Diverged():
                return Outcome("mismatch", "ok", "ok")
            case PatternMismatch():
                return self._on_each_side("pattern verification failed", "ok")
            case Failed(error=error):
                return self._on_each_side(error.strerror, error.strerror)
            case Refused(reason=reason):
                return Outcome(str(reason) or "not carried out")
            case _:
                return Outcome("failed")

    def _on_each_side(self, text: str, side: str) -> Outcome:
        return Outcome(text, side, side) if self.is_on_pair else Outcome(text)


def _said(error: BlockError | None) -> str:
    return "ok" if error is None else error.strerror
