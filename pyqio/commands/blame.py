"""blame: who wrote these bytes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.types import SECTOR_SIZE, Run
from pyqio.commands.command import Command, command
from pyqio.commands.kinds import Number
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.journal import Operation

_ABOUT = """
 lists the operations of this session, and of former ones on the same pair, that touched a range, oldest first

 Example:
 'blame 0x400 512' - who wrote 512 bytes from 1 kilobyte on

 Without a range it is the sector where the session looks.  'last writer' says which of the bytes no later operation
 has written.  The date is told of operations of former sessions.  The outcomes are those of both
 sides of a verified pair.
"""

_COLUMNS = (
    Column("number", "number"),
    Column("when"),
    Column("operation"),
    Column("touched"),
    Column("last_writer"),
    Column("outcome"),
)


@command(
    "blame",
    synopsis="[off [len]]",
    summary="tells which operations touched a range",
    about=_ABOUT,
    arguments=(0, 2),
    own=True,
)
class Blame(Command):
    """List the operations that touched a range."""

    offset: Annotated[int | None, Number("off")] = None
    length: Annotated[int, Number("len")] = SECTOR_SIZE

    def run(self, context: Context) -> Sequence[Result]:
        """From the journal."""
        offset = context.position.offset if self.offset is None else self.offset
        run = Run(offset, offset + max(1, self.length))
        context.drain()
        touching = context.journal.touching(run.start, run.length)
        return [blame(run, touching)]


def blame(run: Run, touching: Sequence[Operation]) -> Table:
    """The operations that touched ``run``, oldest first."""
    written = last_writers(run, touching)
    rows = [
        [*cells, _ranges(run, [_overlap(run, operation)]), _ranges(run, runs), operation.outcome.words]
        for cells, operation, runs in zip(map(told, touching), touching, written, strict=True)
    ]
    empty = f"no operation is known that touched [{run.start:#x}, {run.end:#x})"
    return Table(name="blame", columns=_COLUMNS, rows=rows, empty=empty)


def told(operation: Operation) -> list[Any]:
    """Number, time on the clock of the host (with the date in former sessions) and text of an operation."""
    day = "%m-%d " if operation.session else ""
    return [operation.number, datetime.fromtimestamp(operation.when).strftime(f"{day}%H:%M:%S"), operation.text]


def last_writers(run: Run, operations: Sequence[Operation]) -> list[list[Run]]:
    """For each of the operations, oldest first, which parts of ``run`` none of those after it changed."""
    left = [run]
    found: list[list[Run]] = []
    for operation in reversed(operations):
        if not operation.effect.changes:
            found.append([])
            continue
        start, end = _overlap(run, operation)
        found.append([Run(max(start, at.start), min(end, at.end)) for at in left if start < at.end and at.start < end])
        parts = [part for at in left for part in (Run(at.start, min(at.end, start)), Run(max(at.start, end), at.end))]
        left = [part for part in parts if part.start < part.end]
    return found[::-1]


def _overlap(run: Run, operation: Operation) -> Run:
    effect = operation.effect
    return Run(max(run.start, effect.offset), min(run.end, effect.offset + effect.length))


def _ranges(whole: Run, runs: Sequence[Run]) -> str:
    """Where they are, first and last byte."""
    return "all" if list(runs) == [whole] else " ".join(f"{run.start:#x}-{run.end - 1:#x}" for run in runs)
