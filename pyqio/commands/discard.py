"""discard and flush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import BlockError, VerifyError
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import SINGLE, Number
from pyqio.commands.pool import QUICK
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged
from pyqio.commands.results import Failed, Transfer
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_DISCARD = """
 discards a range of bytes from the given offset

 Example:
 'discard 512 1k' - discards 1 kilobyte from 512 bytes into the file

 Discards a segment of the currently open file.
{flags}
"""


@command(
    "discard",
    "d",
    synopsis="[-Cq] off len",
    summary="discards a number of bytes at a specified offset",
    about=_DISCARD,
    arguments=(2, None),
    writes=True,
    polls=QUICK,
)
class Discard(Command):
    """Give a range up."""

    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    offset: Annotated[int, Number("off")]
    length: Annotated[int, SINGLE]

    def run(self, context: Context) -> Sequence[Result]:
        """Discard, and report."""
        started = context.clock()
        try:
            context.image.discard(self.offset, self.length)
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            return [Failed(verb="discard", error=error)]
        elapsed = context.clock() - started
        if self.quiet:
            return ()
        return [Transfer(verb="discard", offset=self.offset, length=self.length, elapsed=elapsed, machine=self.machine)]

    def effect(self) -> Effect:
        """A discard: the bytes stay or become zeroes."""
        return Effect("discard", self.offset, self.length)


@command("flush", "f", summary="flush all in-core file state to disk")
class Flush(Command):
    """Put everything written so far on stable storage."""

    def run(self, context: Context) -> Sequence[Result]:
        """Flush; qemu-io says nothing of a flush that failed but its status."""
        try:
            context.image.flush()
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            raise Rejected(f"flush failed: {error.strerror}", stderr=True) from error
        return ()

    def effect(self) -> Effect:
        """A flush."""
        return Effect("flush", 0, 0)
