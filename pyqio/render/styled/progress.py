"""A line on standard error that says how far something has come; it is gone when that is done.

    read  [#########...........]  45%  1.2 GiB/s  0:12 left

It appears after a second.  A thread draws it, so that it moves also while one request takes long.
"""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from pyqio.render.figures import human
from pyqio.render.styled.glyphs import EMPTY, FULL, are_unicode
from pyqio.render.styled.theme import chosen

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from pyqio.commands.settings import Settings
    from pyqio.render.styled.theme import Theme

    class Screen(Protocol):
        """Standard error, with a line at its bottom that is not part of what is printed."""

        clock: Callable[[], float]

        @property
        def err_is_terminal(self) -> bool:
            """Whether standard error is a terminal."""
            ...

        @property
        def err_columns(self) -> int:
            """Its width."""
            ...

        def draw(self, line: str) -> None:
            """Let this be the bottom line, "" for none, until something is printed."""
            ...


_DELAY: Final = 1.0
_PERIOD: Final = 0.2
_ECHO: Final = 3
"""Columns at the end of the line for what the terminal shows of Ctrl-C, so that it does not go on in the next one."""
_MOST_BAR: Final = 40
_LEAST_BAR: Final = 5


def progress(
    screen: Screen, settings: Settings, label: str, total: int
) -> AbstractContextManager[Callable[[int], None]]:
    """Show how far ``label`` has come, of ``total`` bytes (0: nobody knows), where there is a terminal for it."""
    if not (settings["progress"] and screen.err_is_terminal and os.environ.get("TERM", "dumb") != "dumb"):
        return nullcontext(_ignore)
    return Progress(screen, chosen(settings, os.environ, terminal=True), label, total, unicode=are_unicode())


def _ignore(count: int) -> None:
    """Nobody looks."""


class Progress:
    """Gives a function that is told of each step's bytes."""

    def __init__(self, screen: Screen, theme: Theme, label: str, total: int, *, unicode: bool) -> None:
        self._screen = screen
        self._theme = theme
        self._label = label
        self._total = total
        self._unicode = unicode
        self._done = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="progress", daemon=True)

    def __enter__(self) -> Callable[[int], None]:
        self._started = self._screen.clock()
        self._thread.start()
        return self._advance

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._screen.draw("")

    def _advance(self, count: int) -> None:
        self._done += count

    def _draw(self) -> None:
        wait = _DELAY
        while not self._ended.wait(wait):
            wait = _PERIOD
            elapsed = self._screen.clock() - self._started
            width = self._screen.err_columns - _ECHO
            self._screen.draw(
                line(self._label, self._done, self._total, elapsed, width, theme=self._theme, unicode=self._unicode)
            )


def line(label: str, done: int, total: int, elapsed: float, width: int, *, theme: Theme, unicode: bool) -> str:
    """The line, in at most ``width`` columns: what is worth least gives way first."""
    parts = [label]
    if total:
        done = min(done, total)
        parts.append(f"{100 * done // total:3}%")
        if done and elapsed:
            parts.append(f"{human(done / elapsed)}/s")
            parts.append(f"{_duration((total - done) * elapsed / done)} left")
    else:
        parts.append(_duration(elapsed))
    while len(parts) > 2 and len("  ".join(parts)) > width:
        parts.pop()
    text = "  ".join(parts)
    room = min(width - len(text) - 4, _MOST_BAR) if total else 0
    if room < _LEAST_BAR:
        return theme.paint(theme.hint, text if len(text) <= width else parts[-1].strip()[:width])
    full = done * room // total
    bar = theme.paint(theme.data, FULL[unicode] * full) + theme.paint(theme.dim, EMPTY[unicode] * (room - full))
    return f"{theme.paint(theme.hint, label)}  [{bar}]{theme.paint(theme.hint, text.removeprefix(label))}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
