"""source and tee: commands from a file, and output into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import FileName
from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_SOURCE = """
 runs the commands of a file

 Example:
 'source setup.qio' - a command a line, or several with ';' in between; '#' starts a comment

 What fails is told with the file and the line, and the next line is run all the same.
{flags}
"""

_TEE = """
 puts all that is printed into a file as well

 Example:
 'tee session.txt' - from now on; colours and other escape sequences are left out
 'tee off' - no longer

{flags}
"""


@command(
    "source",
    synopsis="[-e] file",
    summary="runs the commands of a file",
    about=_SOURCE,
    arguments=(1, 3),
    needs_image=False,
    own=True,
)
class Source(Command):
    """Run the commands of a file."""

    stop: Annotated[bool, Flag("e", "run no line after one that failed")] = False
    path: Annotated[str, FileName("file")]

    def run(self, context: Context) -> Sequence[Result]:
        """Run them; their results show themselves."""
        context.scripts.source(self.path, stop=self.stop)
        return ()


@command(
    "tee",
    synopsis="[-a] file|off",
    summary="puts all that is printed into a file as well",
    about=_TEE,
    arguments=(1, 2),
    needs_image=False,
    own=True,
)
class TeeOutput(Command):
    """Copy the output to a file."""

    append: Annotated[bool, Flag("a", "keep what is in the file, and add to it")] = False
    path: Annotated[str, FileName("file")]

    def run(self, context: Context) -> Sequence[Result]:
        """Begin, or end; says nothing."""
        if self.append and self.path == "off":
            raise Rejected(usage=True)
        context.scripts.copy_output(None if self.path == "off" else self.path, append=self.append)
        return ()
