"""Asynchronous requests are told of above the prompt, as they complete, while a line is typed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from prompt_toolkit.application import run_in_terminal

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

    from pyqio.session.state import Session

_LOOK: Final = 0.05
"""Seconds between two looks."""


async def tell_of_requests(session: Session, app: Application[str]) -> None:
    """Tell of requests until none is left; an error, or the end of the session, ends the line that is typed."""
    while session.pool.pending:
        if any(request.done.is_set() for request in session.pool.pending):
            try:
                await run_in_terminal(session.poll)
            except Exception as error:  # a task has nobody to raise it to: whoever reads the line is told
                app.exit(exception=error)
                return
            session.go_on()
            if session.stopping:
                app.exit(exception=EOFError())
                return
        await asyncio.sleep(_LOOK)
