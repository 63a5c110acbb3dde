"""The shell: reads a line, runs it, and lives on whatever happens.

Ctrl-C clears the line or stops the command, Ctrl-D ends the shell.  Enter on an empty line goes on with the last
command, where that shows something piece by piece.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from pyqio.render.names import columns, visible
from pyqio.session.pager import paged
from pyqio.shell import status
from pyqio.shell.interrupt import Terminated, between_requests, forget_early, in_order
from pyqio.shell.opening import is_capable, typed_ahead

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.session.state import Session

_LONGEST: Final = 1 << 16
"""Bytes of a line that a terminal gives at once, and more."""


def run(session: Session) -> None:
    """Run lines from the terminal until one ends the session, or Ctrl-D does, or a signal."""
    session.stop_on_divergence = False
    if session.personality.own and session.settings["banner"]:
        session.environment.out(f"{status.banner(session, session.environment.columns)}\n")
    try:
        with in_order():
            _run(session, _reader(session))
    except Terminated as reason:
        session.stopping = True
        session.status = int(str(reason.code))


def _run(session: Session, read: Callable[[], str]) -> None:
    while True:
        forget_early()
        try:
            line = read()
        except KeyboardInterrupt:
            session.environment.out("\n")
            continue
        except EOFError:
            session.environment.out("\n")
            return
        except OSError:  # the terminal is gone, and nobody has told
            return
        run_line(session, line)
        session.go_on()
        if session.stopping:
            return


def run_line(session: Session, line: str) -> None:
    """Run one line, or what follows the last command; Ctrl-C stops it."""
    if not line and session.personality.own and session.settings["repeat"] and session.last is not None:
        line = session.last.following() or ""
    if line and not line[0].isspace():
        session.remember(line)
    try:
        with between_requests(partial(_end_echo, session)), paged(session):
            session.run_line(line)
    except KeyboardInterrupt:
        session.environment.err("interrupted\n")


def _end_echo(session: Session) -> None:
    """Leave the line in which the terminal has echoed Ctrl-C; past all that is kept for printing.

    A line of progress goes away, and the echo with it.
    """
    if not session.environment.has_bottom:
        with suppress(OSError):
            os.write(session.environment.stdout, b"\n")


def _reader(session: Session) -> Callable[[], str]:
    """What reads a line; it raises EOFError at the end of the input."""
    if not is_capable():
        return partial(_plain_line, session)
    with ExitStack() as stack:
        if session.personality.own:
            stack.enter_context(typed_ahead(session.environment.stdin))
            session.environment.out("".join(status.prompt(session)) + "\r")
        from pyqio.shell.editor import Editor

        editor = Editor(session)
        until_the_first_line = stack.pop_all()

    def read() -> str:
        with until_the_first_line, typed_ahead(session.environment.stdin):
            line = editor.read()
        _copy(session, "".join(status.prompt(session)) + line)
        return line

    return read


def _plain_line(session: Session) -> str:
    """A line as the terminal itself edits it; one that cannot be run is asked for again."""
    own = session.personality.own
    while True:
        session.poll()
        session.go_on()
        if session.stopping:
            raise EOFError
        prompt = "".join(status.prompt(session)) if own else f"{session.personality.program}> "
        session.environment.prompt(prompt)
        with between_requests():
            data = session.environment.read(_LONGEST)
        if not data:
            raise EOFError
        line = data.decode("utf-8", "surrogateescape").removesuffix("\n")
        _copy(session, line)
        if not own or not _complain(session, line, columns(prompt)):
            return line


def _copy(session: Session, typed: str) -> None:
    """What stands on the screen goes into the file that has all that is shown."""
    if session.environment.copy:
        session.environment.copy(f"{typed}\n".encode("utf-8", "surrogateescape"))


def _complain(session: Session, line: str, indent: int) -> bool:
    """Point at what is wrong with a line that stands ``indent`` columns from the left; False where nothing is."""
    from pyqio.shell.judge import judge

    mistake = judge(line, session)
    if mistake is not None:
        caret = " " * (indent + columns(line[: mistake.start])) + "^"
        session.environment.err(f"{caret}\n{visible(mistake.message)}\n")
    return mistake is not None
