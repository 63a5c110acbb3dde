"""A command that is run again and again, while somebody looks at what changes."""

from __future__ import annotations

import os
import time
from itertools import count as counted
from typing import TYPE_CHECKING, Final

from pyqio.commands.results import Said
from pyqio.render.names import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.session.environment import Environment
    from pyqio.session.state import Session

_CLEAR: Final = "\x1b[H\x1b[2J"
_LINE: Final = "\x1b[{};1H\x1b[2K{}\x1b[0m"
_CUT: Final = "\x1b[?7l"
_WRAP: Final = "\x1b[?7h"


def watch(session: Session, words: Sequence[str], *, every: float, count: int | None) -> None:
    """Run a command (one word is a whole line) ``count`` times or until Ctrl-C, ``every`` seconds apart."""
    environment = session.environment
    terminal = os.isatty(environment.stdout) and os.environ.get("TERM", "dumb") != "dumb"
    screen = _Screen(environment) if terminal and not environment.is_captured else None
    rounds = counted(1) if count is None else range(1, count + 1)
    environment.leave_pager()
    try:
        for number in rounds:
            heading = f"every {every:g} s: {visible(' '.join(words))}"
            if screen is None:
                session.tell(Said(text=f"{heading}, {number}"))
                _run(session, words)
                session.flush_output()
            else:
                with environment.captured() as printed:
                    session.tell(Said(text=heading))
                    _run(session, words)
                screen.show(bytes(printed))
            if session.stopping or number == count:
                break
            time.sleep(every)
    except KeyboardInterrupt:
        pass
    finally:
        if screen:
            screen.leave()


def _run(session: Session, words: Sequence[str]) -> None:
    if len(words) == 1:
        session.run_line(words[0])
    else:
        session.run(words)


class _Screen:
    """The terminal's whole window; lines that stay as they are are not drawn again."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lines: list[bytes] = []
        self._size = (0, 0)

    def show(self, text: bytes) -> None:
        """Show the first lines of ``text``, as many as there is room for."""
        environment = self._environment
        lines = text.removesuffix(b"\n").split(b"\n")[: environment.rows - 1]
        size = (environment.columns, environment.rows)
        drawn = _CUT
        if size != self._size:
            drawn += _CLEAR
            self._lines, self._size = [], size
        for row in range(max(len(lines), len(self._lines))):
            line = lines[row] if row < len(lines) else b""
            if row >= len(self._lines) or line != self._lines[row]:
                drawn += _LINE.format(row + 1, line.decode("utf-8", "surrogateescape"))
        self._lines = lines
        environment.show(drawn.encode("utf-8", "surrogateescape"))

    def leave(self) -> None:
        """Go on below; a copy of the output gets what was seen last."""
        environment = self._environment
        environment.show(f"{_WRAP}\x1b[{len(self._lines) + 1};1H".encode())
        if environment.copy and self._lines:
            environment.copy(b"\n".join(self._lines) + b"\n")
