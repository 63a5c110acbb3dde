"""blame: who wrote these bytes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.types import SECTOR_SIZE, Run
from pyqio.commands.command import Command, command
from pyqio.commands.kinds import Number
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.journal import Operation

_ABOUT = """
 lists the operations of this session, and of former ones on the same pair, that touched a range, oldest first

 Example:
 'blame 0x400 512' - who wrote 512 bytes from 1 kilobyte on

 Without a range it is the sector where the session looks.  'last writer of' says which of the bytes no later operation
 has written.  The outcomes are those of both sides of a verified pair.
"""

_SESSION = Column("session")
_COLUMNS = (
    Column("number", "number"),
    Column("when"),
    Column("operation"),
    Column("touched"),
    Column("last_writer_of"),
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
        [*_row(operation), _ranges([_overlap(run, operation)]), _ranges(runs), outcome(operation)]
        for operation, runs in zip(touching, written, strict=True)
    ]
    empty = f"no operation is known that touched [{run.start:#x}, {run.end:#x})"
    return with_sessions(Table(name="blame", columns=_COLUMNS, rows=rows, empty=empty), touching)


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


def with_sessions(table: Table, operations: Iterable[Operation]) -> Table:
    """The table with a column for the sessions, where there is more than the one that runs."""
    sessions = [operation.session for operation in operations]
    if not any(sessions):
        return table
    rows = [[row[0], session or "this", *row[1:]] for session, row in zip(sessions, table.rows, strict=True)]
    first, *others = table.columns
    return table.replace(columns=(first, _SESSION, *others), rows=rows)


def time_of(operation: Operation) -> str:
    """When it began, on the clock of the host."""
    return datetime.fromtimestamp(operation.when).strftime("%H:%M:%S")


def outcome(operation: Operation) -> str:
    """How it ended: on both sides of a pair, or altogether."""
    text, raw, test = operation.outcome
    return f"{raw}/{test}" if raw or test else text


def _row(operation: Operation) -> list[Any]:
    return [operation.number, time_of(operation), operation.text]


def _overlap(run: Run, operation: Operation) -> Run:
    effect = operation.effect
    return Run(max(run.start, effect.offset), min(run.end, effect.offset + effect.length))


def _ranges(runs: Iterable[Run]) -> str:
    return " ".join(f"[{run.start:#x}, {run.end:#x})" for run in runs)
