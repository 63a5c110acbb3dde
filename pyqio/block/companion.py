"""Two things done at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = BaseException | None
"""How an action ended: what it raised, None if it did not."""


def outcome(action: Callable[[], None]) -> Outcome:
    """Do it, to its end or to its error."""
    try:
        action()
    except BaseException as error:
        return error
    return None


class Companion:
    """A thread that does one thing while its caller does another; for one caller at a time."""

    __slots__ = ("_action", "_done", "_go", "_outcome", "_thread", "busy")

    def __init__(self) -> None:
        self._go = threading.Lock()
        self._done = threading.Lock()
        self._go.acquire()
        self._done.acquire()
        self._action: Callable[[], None] | None = None
        self._outcome: Outcome = None
        self._thread: threading.Thread | None = None
        self.busy = False
        """Whether the thread is still at work although its caller was interrupted."""

    def both(self, other: Callable[[], None], own: Callable[[], None]) -> tuple[Outcome, Outcome]:
        """Do ``other`` in the thread and ``own`` here, and return how each ended when both have.

        An interrupt does not end the wait, since the thread is working on the caller's buffer; a second one does.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="pyqio-companion", daemon=True)
            self._thread.start()
        self._action, self.busy = other, True
        self._go.release()
        own_outcome = outcome(own)
        try:
            self._done.acquire()
        except BaseException as error:
            self._done.acquire()
            own_outcome = error
        self._action, self.busy = None, False
        return self._outcome, own_outcome

    def close(self) -> None:
        """End the thread, unless it is stuck."""
        if self._thread is not None and not self.busy:
            self._go.release()
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._go.acquire()
            if self._action is None:
                return
            self._outcome = outcome(self._action)
            self._done.release()
