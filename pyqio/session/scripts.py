"""Commands from elsewhere than the line that is typed, and output to elsewhere than the terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.session.state import Session
    from pyqio.session.tee import Tee

_DEEPEST: Final = 16
"""Scripts and aliases that run one another."""


class Scripts:
    """Scripts, aliases, copies of the output, and commands that are watched, in one session.

    Implements commands.context.Scripts.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._depth = 0
        self._watching = False
        self._tee: Tee | None = None

    def alias(self, name: str, words: Sequence[str]) -> None:
        """Let ``name`` stand for a line: one word that is all of it, or its words.  Raises Rejected."""
        from pyqio.session.macros import define

        define(self._session, name, words)

    def source(self, name: str, *, stop: bool) -> None:
        """Run the commands of a file; ``stop``: none after a line that failed.  Raises Rejected."""
        from pyqio.session.source import run_file

        run_file(self._session, name, stop=stop)

    def copy_output(self, name: str | None, *, append: bool = False) -> None:
        """Let all that is printed go to a file as well, or (None) no longer.  Raises Rejected."""
        from pyqio.session.tee import Tee

        environment = self._session.environment
        environment.flush()
        tee = Tee(environment, name, append=append) if name is not None else None
        if self._tee:
            self._tee.close()
        self._tee = tee
        environment.copy = tee.write if tee else None

    def watch(self, words: Sequence[str], *, every: float, count: int | None) -> None:
        """Run a command again and again, ``count`` times or until Ctrl-C; ``every``: seconds in between.

        Raises Rejected where that is being done already.
        """
        from pyqio.session.watch import watch

        if self._watching:
            raise Rejected("watch does not run within watch", prefixed=True)
        self._watching = True
        try:
            watch(self._session, words, every=every, count=count)
        finally:
            self._watching = False

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Run commands from within a command.  Raises Rejected where that goes on and on."""
        if self._depth >= _DEEPEST:
            raise Rejected(f"more than {_DEEPEST} scripts and aliases within one another", prefixed=True)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
