"""The shell: reads a line, runs it, and lives on whatever happens.

Ctrl-C clears the line or stops the command, Ctrl-D ends the shell.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from pyqio.render.figures import human
from pyqio.shell.interrupt import between_requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.session.state import Session


def run(session: Session) -> None:
    """Run lines from the terminal until one ends the session, or Ctrl-D does."""
    if session.personality.own:
        session.environment.out(f"{banner(session)}\n")
    session.stop_on_divergence = False
    read = _reader(session)
    while not session.stopping:
        try:
            line = read()
        except KeyboardInterrupt:
            session.environment.out("\n")
            continue
        except EOFError:
            session.environment.out("\n")
            return
        run_line(session, line)


def run_line(session: Session, line: str) -> None:
    """Run one line; Ctrl-C stops it."""
    try:
        with between_requests():
            session.run_line(line)
    except KeyboardInterrupt:
        session.environment.out("\n")
        session.environment.err("interrupted\n")


def banner(session: Session) -> str:
    """One line on what is open."""
    if not session.has_image:
        return "no image is open; type 'open PATH', or 'help'"
    image = session.image
    state = ", read-only" if image.read_only else ""
    return f"{image.filename}: {image.node.driver.name}, {human(image.length())}{state}; type 'help' for the commands"


def _reader(session: Session) -> Callable[[], str]:
    """What reads a line; it raises EOFError at the end of the input."""
    prompt = f"{session.personality.program}> "
    if os.environ.get("TERM", "") in ("", "dumb"):
        return lambda: _plain_line(session, prompt)
    return _editor(session, prompt)


def _plain_line(session: Session, prompt: str) -> str:
    """A line as the terminal itself edits it."""
    session.poll()
    session.environment.prompt(prompt)
    line = session.environment.read(1 << 16)
    if not line:
        raise EOFError
    return line.decode("utf-8", "surrogateescape").removesuffix("\n")


def _editor(session: Session, prompt: str) -> Callable[[], str]:
    """A line from prompt_toolkit's editor."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.application import get_app

    from pyqio.shell import history
    from pyqio.shell.completer import CommandCompleter

    editor: PromptSession[str] = PromptSession(
        prompt,
        history=history.load(),
        completer=CommandCompleter(own=session.personality.own),
        complete_while_typing=False,
        enable_history_search=True,
        enable_suspend=True,
    )

    def watch() -> None:
        get_app().create_background_task(_tell_of_requests(session))

    return lambda: editor.prompt(pre_run=watch)


async def _tell_of_requests(session: Session) -> None:
    """Tell of asynchronous requests above the prompt, as they complete."""
    from prompt_toolkit.application import run_in_terminal

    while session.pool.pending:
        if any(request.done.is_set() for request in session.pool.pending):
            await run_in_terminal(session.poll)
        await asyncio.sleep(0.05)
