"""goto, back, forward, mark and print: moving about in the image, and arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.base.expression import is_name
from pyqio.base.types import SECTOR_SIZE
from pyqio.commands.arithmetic import cluster_size
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import MarkName, Number, Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_GOTO = """
 looks at another offset, which '.' stands for from then on

 Example:
 'goto 0x400+2*64k' - then 'read -v . 512' reads there
 'goto $-1s' - the last sector

 Reads, writes and 'where' look at the offset at which they begin; 'back' returns.
"""

_BACK = """
 looks where the session looked before

 Example:
 'back; read -v . 512' - reads there again
"""

_FORWARD = """
 takes a step back again

 Example:
 'back; forward' - changes nothing
"""

_MARK = """
 gives an offset a name

 Example:
 'mark bad 0x400' - then 'read -v bad+1s 512' reads the sector behind it
 'mark here' - without an offset: where the session looks
 'mark' - lists them
{flags}
"""

_PRINT = """
 shows what an expression comes to

 Example:
 'print 0x400+2*64k' - or '= 0x400+2*64k'
 '= $ - 1c' - where the last cluster begins

 Expressions may stand wherever a command takes an offset or a length: + - * / % and brackets, the suffixes k M G T P E,
 s (sectors of 512 bytes) and c (clusters of the open format), '.' (where the session looks), '$' (the image's length)
 and the names of marks.
"""


@command("goto", synopsis="off", summary="looks at another offset", about=_GOTO, arguments=(1, 1), own=True)
class Goto(Command):
    """Look somewhere else."""

    offset: Annotated[int, Number("off")]

    def run(self, context: Context) -> Sequence[Result]:
        """Where that is."""
        end = context.image.length()
        if self.offset > end:
            raise Rejected(f"{self.offset:#x} is past the end of the image, {end:#x}", prefixed=True)
        context.position.goto(self.offset)
        return [_value(context, "position", self.offset)]


@command("back", summary="looks where the session looked before", about=_BACK, own=True)
class Back(Command):
    """Take a step back."""

    def run(self, context: Context) -> Sequence[Result]:
        """Where that is."""
        if not context.position.back():
            raise Rejected("there is nothing further back", prefixed=True)
        return [_value(context, "position", context.position.offset)]


@command("forward", summary="takes a step back again", about=_FORWARD, own=True)
class Forward(Command):
    """Undo a step back."""

    def run(self, context: Context) -> Sequence[Result]:
        """Where that is."""
        if not context.position.forward():
            raise Rejected("there is nothing further ahead", prefixed=True)
        return [_value(context, "position", context.position.offset)]


@command(
    "mark",
    synopsis="[-d] [name [off]]",
    summary="gives an offset a name",
    about=_MARK,
    arguments=(0, 3),
    needs_image=False,
    own=True,
)
class Mark(Command):
    """Give an offset a name, take it away again, or list all."""

    forget: Annotated[bool, Flag("d", "take the name away")] = False
    name: Annotated[str | None, MarkName()] = None
    offset: Annotated[int | None, Number("off")] = None

    def run(self, context: Context) -> Sequence[Result]:
        """The list, where no name is given."""
        marks = context.position.marks
        if self.name is None:
            if self.forget:
                raise Rejected(usage=True)
            rows = [(name, offset, offset) for name, offset in sorted(marks.items(), key=lambda mark: mark[1])]
            columns = (Column("name"), Column("offset", "offset"), Column("size", "size"))
            return [Table(name="marks", columns=columns, rows=rows, empty="no marks; 'mark NAME [OFF]' sets one")]
        if self.forget:
            if marks.pop(self.name, None) is None:
                raise Rejected(f"there is no mark '{self.name}'", prefixed=True)
        elif not is_name(self.name):
            raise Rejected(f"'{self.name}' cannot name a mark: want a letter, then letters, digits or _", prefixed=True)
        else:
            marks[self.name] = context.position.offset if self.offset is None else self.offset
        return ()


@command(
    "print",
    "=",
    synopsis="expression",
    summary="shows what an expression comes to",
    about=_PRINT,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Print(Command):
    """Show what an expression comes to."""

    words: Annotated[tuple[str, ...], Word("expression")] = ()

    def run(self, context: Context) -> Sequence[Result]:
        """The value in several forms.  The words are one expression."""
        return [_value(context, "value", context.evaluate(" ".join(self.words)))]


def _value(context: Context, name: str, value: int) -> Table:
    """A number of bytes in several forms; those in sectors and clusters can be typed."""
    columns = [Column("bytes", "number"), Column("hex", "offset"), Column("size", "size"), Column("sectors")]
    row: list[int | str] = [value, value, value, _in_units(value, SECTOR_SIZE, "s")]
    if size := cluster_size(context):
        columns.append(Column("clusters"))
        row.append(_in_units(value, size, "c"))
    return Table(name=name, columns=columns, rows=[row])


def _in_units(value: int, unit: int, suffix: str) -> str:
    whole, rest = divmod(value, unit)
    return f"{whole}{suffix}{f'+{rest}' if rest else ''}"
