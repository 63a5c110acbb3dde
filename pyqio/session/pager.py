"""Output that is taller than the screen goes through a pager: $PAGER, else less.

Output of one command is held back until it is known to be too long, or to be all.  A pager that was left takes no
more, and neither that nor Ctrl-C in it is a failure.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping

    from pyqio.session.state import Session

_DEFAULT: Final = "less"
_LESS: Final = "SRXF"
"""What less is told where $LESS says nothing: cut long lines, take colours, leave the text on the screen."""


@contextmanager
def paged(session: Session) -> Iterator[None]:
    """Let what is printed go through a pager, if the user wants one and sits at a terminal that can have it."""
    environment = session.environment
    command = pager(os.environ)
    if not (command and session.settings["pager"] == "auto" and environment.interactive):
        yield
        return
    environment.pager = Pager(command, environment.rows, environment.show)
    try:
        yield
    finally:
        environment.leave_pager()


def pager(environ: Mapping[str, str]) -> str:
    """The pager's command line, "" where there shall be none."""
    return "" if environ.get("TERM", "dumb") == "dumb" else environ.get("PAGER", _DEFAULT).strip()


class Pager:
    """Takes what is printed: more than ``rows`` lines of one command go to ``command``, else all to ``show``."""

    def __init__(self, command: str, rows: int, show: Callable[[bytes], None]) -> None:
        self._command = command
        self._rows = rows
        self._show = show
        self._held = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._missing = False
        self.is_left = False
        """Whether the pager was left, so that nobody sees what is still printed."""

    @property
    def is_open(self) -> bool:
        """Whether the pager has the screen."""
        return self._process is not None

    def write(self, data: bytes | memoryview) -> None:
        """Print something."""
        if self._process:
            self._feed(data)
            return
        self._held += data
        if self._held.count(b"\n") >= self._rows and not self._missing:
            self._start()

    def settle(self) -> None:
        """Show what is held back: a new command begins, or something is printed elsewhere."""
        held, self._held = bytes(self._held), bytearray()
        if held:
            self._show(held)

    def finish(self) -> None:
        """Wait until the pager is left, or show what needed none."""
        self.settle()
        if self._process:
            from pyqio.session.redirect import uninterrupted

            with uninterrupted():
                with suppress(OSError):
                    self._pipe.close()
                self._process.wait()
            self._process = None

    def _start(self) -> None:
        import shlex
        import subprocess

        environment = {"LESS": _LESS, **os.environ}
        try:
            words = shlex.split(self._command)
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment, bufsize=0)
        except (OSError, ValueError):  # the output is worth more than the way to look at it
            self._missing = True
            self.settle()
            return
        assert self._process.stdin is not None
        self._pipe = self._process.stdin
        held, self._held = bytes(self._held), bytearray()
        self._feed(held)

    def _feed(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest and not self.is_left:
                rest = rest[self._pipe.write(rest) or 0 :]
        except OSError:
            self.is_left = True
