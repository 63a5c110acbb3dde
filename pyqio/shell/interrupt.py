"""Signals while the shell runs: Ctrl-C stops a command and never the shell; SIGTERM and SIGHUP end it in order.

Images stay whole: nothing is raised inside the block layer.  There a signal waits until the thread is found between two
requests.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    Handler = Callable[[int, FrameType | None], object]

_WHOLE: Final = ("pyqio.block.", "pyqio.drivers.", "pyqio.verify.whole")
"""Code that is not left half-way: it keeps tables and locks, and one request takes little time."""
_RETRY: Final = 0.02
"""Seconds until the next look whether that code has been left."""
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


_ended: list[Terminated] = []
"""The reason to end, once there is one: it outlives a command that was over before the timer came."""


_early: list[int] = []
"""Interrupts that came after a line was typed and before its command ran."""


class Terminated(SystemExit):
    """A signal that ends the program; ``code`` is the exit status that a shell says of it."""


@contextmanager
def between_requests(taken: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGINT, but never inside the block layer; also for one that came early.

    ``taken`` is called when the signal comes.  For the main thread.
    """
    with _handling(partial(_interrupt, taken), signal.SIGINT):
        if _early:
            raise KeyboardInterrupt
        yield


@contextmanager
def in_order() -> Iterator[None]:
    """Raise Terminated for SIGTERM and SIGHUP, but never inside the block layer; SIGINT waits for between_requests.

    Signals that were ignored before stay so.  For the main thread.
    """
    wanted = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    with _handling(_terminate, *wanted), _handling(lambda number, frame: _early.append(number), signal.SIGINT):
        yield


def forget_early() -> None:
    """What was interrupted is over: a line is going to be typed."""
    _early.clear()


@contextmanager
def _handling(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    former = [(number, signal.signal(number, handler)) for number in numbers]
    try:
        yield
    finally:
        _forget_wait()
        for number, before in former:
            signal.signal(number, before)
        if _ended:
            raise _ended.pop()


def _interrupt(taken: Callable[[], object], number: int, frame: FrameType | None) -> None:
    taken()
    _when_outside(frame, KeyboardInterrupt())


def _terminate(number: int, frame: FrameType | None) -> None:
    for deaf in (*_ENDING, signal.SIGINT):
        signal.signal(deaf, signal.SIG_IGN)
    _ended.append(Terminated(128 + number))
    _when_outside(frame, _ended[0])


def _when_outside(frame: FrameType | None, reason: BaseException) -> None:
    """Raise ``reason``, now or as soon as the block layer has been left.

    A loop that makes one request after another is outside for a moment only, which a timer would hardly ever hit: it
    is stopped where it calls the next function.
    """
    if _is_inside(frame):
        signal.signal(signal.SIGALRM, lambda number, frame: _when_outside(frame, reason))
        signal.setitimer(signal.ITIMER_REAL, _RETRY)
        sys.setprofile(lambda frame, event, _: _at_call(frame, event, reason))
        return
    _raise(reason)


def _at_call(frame: FrameType, event: str, reason: BaseException) -> None:
    """Raise ``reason`` in place of a call that is made outside the block layer."""
    if event == "call" and not _is_inside(frame.f_back) and frame.f_code.co_name != "__exit__":
        _raise(reason)


def _is_inside(frame: FrameType | None) -> bool:
    """Whether the thread is in the block layer, or tidying up."""
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_WHOLE) or frame.f_code.co_name == "__exit__":
            return True
        frame = frame.f_back
    return False


def _raise(reason: BaseException) -> None:
    _forget_wait()
    _ended.clear()
    raise reason


def _forget_wait() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.setprofile(None)
