"""Breakpoints, and signals that a program raises against itself."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated, NoReturn

from pyqio.base.errors import Unsupported
from pyqio.commands.command import Command, command
from pyqio.commands.kinds import Number, Word
from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_SIGRAISE = """
 raises the given signal

 Example:
 'sigraise 15' - raises SIGTERM

 Invokes raise(signal), where "signal" is the mandatory integer argument
 given to sigraise.

"""


def _not_here(what: str) -> NoReturn:
    raise Rejected(f"Could not {what}: {Unsupported().strerror}")


@command(
    "break",
    synopsis="event tag",
    summary="sets a breakpoint on event and tags the stopped request as tag",
    arguments=(2, 2),
)
class Break(Command):
    """Stop the next request that meets an event of the driver."""

    event: Annotated[str, Word("event")]
    tag: Annotated[str, Word("tag")]

    def run(self, context: Context) -> Sequence[Result]:
        """No driver has events yet."""
        _not_here("set breakpoint")


@command("remove_break", synopsis="tag", summary="remove a breakpoint by tag", arguments=(1, 1))
class RemoveBreak(Command):
    """Forget a breakpoint."""

    tag: Annotated[str, Word("tag")]

    def run(self, context: Context) -> Sequence[Result]:
        """No driver has events yet."""
        _not_here(f"remove breakpoint {self.tag}")


@command("resume", synopsis="tag", summary="resumes the request tagged as tag", arguments=(1, 1))
class Resume(Command):
    """Let a stopped request go on."""

    tag: Annotated[str, Word("tag")]

    def run(self, context: Context) -> Sequence[Result]:
        """No driver has events yet."""
        _not_here("resume request")


@command("wait_break", synopsis="tag", summary="waits for the suspension of a request", arguments=(1, 1))
class WaitBreak(Command):
    """Wait until a request is stopped."""

    tag: Annotated[str, Word("tag")]

    def run(self, context: Context) -> Sequence[Result]:
        """No driver has events yet, and waiting for one would never end (qemu-io does wait)."""
        _not_here(f"wait for breakpoint {self.tag}")


@command("abort", summary="simulate a program crash using abort(3)", needs_image=False)
class Abort(Command):
    """Crash: nothing is flushed or closed."""

    def run(self, context: Context) -> NoReturn:
        """Does not return."""
        os.abort()


@command("sigraise", synopsis="signal", summary="raises a signal", about=_SIGRAISE, arguments=(1, 1), needs_image=False)
class Sigraise(Command):
    """Raise a signal against the program."""

    text: Annotated[str, Word("signal")]

    def run(self, context: Context) -> Sequence[Result]:
        """The signal does what it does by default, if anything."""
        number = Number("signal").parse(self.text)
        if number > signal.NSIG:
            raise Rejected(f"signal argument '{self.text}' is too large to be a valid signal")
        context.flush_output()
        if 0 < number < signal.NSIG:
            if number in (signal.SIGINT, signal.SIGXFSZ):  # the interpreter has its own handlers
                signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        return ()
