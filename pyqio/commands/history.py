"""history: what was typed, and what it did to the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.commands.blame import told
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Number
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.findings import Findings
    from pyqio.verify.journal import Operation

_ABOUT = """
 lists the lines of this session, or with --ops the operations on the open image

 Examples:
 'history --ops' - all operations, also those of former sessions on the same verified pair
 'history --ops 0x400 512' - those that touched 512 bytes from 1 kilobyte on

 Operations that touched bytes known to differ are marked: ***WWWW is a write, ***RRRR a read, ***ZZZZ zeroes,
 ***DDDD a discard, ***TTTT a truncation.
{flags}
"""

_TYPED = (Column("number", "number"), Column("line"))
_OPERATIONS = (
    Column("number", "number"),
    Column("when"),
    Column("operation"),
    Column("outcome"),
    Column("mark"),
)


@command(
    "history",
    synopsis="[--ops [off [len]]]",
    summary="lists what was typed, or what it did",
    about=_ABOUT,
    arguments=(0, 3),
    needs_image=False,
    own=True,
)
class History(Command):
    """List lines or operations."""

    operations: Annotated[bool, Flag("", "the operations on the open image", long="ops")] = False
    offset: Annotated[int | None, Number("off")] = None
    length: Annotated[int, Number("len")] = 1

    def run(self, context: Context) -> Sequence[Result]:
        """From the journal, or what the session remembers of its lines."""
        if not self.operations:
            if self.offset is not None:
                raise Rejected(usage=True)
            rows = [(number, line) for number, line in enumerate(context.lines, 1)]
            return [Table(name="history", columns=_TYPED, rows=rows, empty="nothing was typed yet")]
        context.drain()
        journal = context.journal
        if self.offset is None:
            return [_table(journal.operations(), context.findings)]
        return [_table(journal.touching(self.offset, max(1, self.length)), context.findings)]


def _table(operations: Sequence[Operation], findings: Findings) -> Table:
    rows = [[*told(operation), operation.outcome.words, _mark(operation, findings)] for operation in operations]
    return Table(name="operations", columns=_OPERATIONS, rows=rows, empty="no such operation is known")


def _mark(operation: Operation, findings: Findings) -> str:
    """The letters of its kind, as fsx has them, where it touched bytes that differ."""
    if not any(operation.effect.touches(run.start, run.end) for run in findings.runs):
        return ""
    return f"***{operation.effect.kind[0].upper() * 4}"
