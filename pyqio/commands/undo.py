"""undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, VerifyError
from pyqio.commands.command import Command, command
from pyqio.commands.request import diverged
from pyqio.commands.results import Failed, Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_UNDO = """
 puts back what the last command has overwritten

 Example:
 'set safe on' - from now on what commands overwrite is kept, and the shell asks before they do it
 'write -P 0x41 0 4k; undo' - the first 4 KiB are what they were

 Kept are ranges of up to 16 MiB, 64 MiB in all, until the image is closed.  Bytes come back, and the image's length;
 that a range was not allocated does not.
"""


@command("undo", summary="puts back what the last command has overwritten", about=_UNDO, writes=True, own=True)
class UndoLast(Command):
    """Put back what was there."""

    def run(self, context: Context) -> Sequence[Result]:
        """Which command is undone."""
        try:
            return [Said(text=f"undone: {context.undo()}")]
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            return [Failed(verb="undo", error=error)]
