"""What is typed before the line editor is there.

Loading prompt_toolkit takes several times as long as starting the interpreter.  The first prompt stands on the screen
before that, and the terminal already keeps what is typed, unechoed, until the editor takes it over.
"""

from __future__ import annotations

import os
import termios
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Places in what tcgetattr(3) gives.
_INPUT: Final = 0
_LOCAL: Final = 3
_CHARACTERS: Final = 6


@contextmanager
def typed_ahead(stdin: int) -> Iterator[None]:
    """Let the terminal keep what is typed as it is, and be as before in the end."""
    former = termios.tcgetattr(stdin)
    kept = termios.tcgetattr(stdin)
    kept[_LOCAL] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    kept[_INPUT] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    kept[_CHARACTERS][termios.VMIN] = 1
    termios.tcsetattr(stdin, termios.TCSANOW, kept)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal may be gone
            termios.tcsetattr(stdin, termios.TCSADRAIN, former)


def is_capable() -> bool:
    """Whether the terminal does more than print characters."""
    return os.environ.get("TERM", "") not in ("", "dumb")
