"""Ctrl-C while a command runs: the command stops, the images stay whole and the shell lives on."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_WHOLE: Final = ("pyqio.block.", "pyqio.drivers.", "pyqio.verify.whole")
"""Code that is not left half-way: it keeps tables and locks, and one request takes little time."""
_RETRY: Final = 0.001
"""Seconds until the next look whether that code has been left."""


@contextmanager
def between_requests() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGINT, but never inside the block layer.

    There it waits until a timer finds the thread between two requests.  For the main thread.
    """
    former = signal.signal(signal.SIGINT, _interrupt), signal.signal(signal.SIGALRM, _interrupt)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, former[0])
        signal.signal(signal.SIGALRM, former[1])


def _interrupt(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_WHOLE):
            signal.setitimer(signal.ITIMER_REAL, _RETRY)
            return
        frame = frame.f_back
    raise KeyboardInterrupt
