"""diff, next, prev and mismatches: what is known to differ, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.types import SECTOR_SIZE, Run
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Number
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Column, Diff, Table
from pyqio.commands.verify import found_pairs
from pyqio.verify.difference import parts
from pyqio.verify.pair import named
from pyqio.verify.words import alignment, held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.pair import Pair

SIDE_COLUMNS: Final = 150
"""Columns that two rows of a dump side by side need."""

_ROW: Final = 16
_SHOWN: Final = 128
"""Bytes that are shown where only the offset is given."""
_LONGEST: Final = 512
"""Bytes of a difference that are shown at once, if the screen has room for them."""
_SMALLEST: Final = 64
_OTHER_LINES: Final = 6
"""Lines of a screen that hold something else than rows."""
_SUMMARIZED: Final = 4096
"""Bytes of a difference that are looked at to say what it is."""

_DIFF: Final = """
 shows both sides of the open pair, one row above the other

 Example:
 'diff 0x400 512' - shows 512 bytes at 1 kilobyte, R as the raw side and T as the test side has them

 Without a range the difference is shown that was looked at last, or the first one.  Rows in which the sides agree are
 counted, but for those next to a difference.
{flags}
"""

_WALK: Final = """
 goes to the {which} known difference, and shows it as 'diff' does

 Example:
 '{name}' - the one {where} where the session looks now

 'verify' finds all differences, a read those in its range.
"""

_MISMATCHES: Final = """
 lists what reads and 'verify' have found to differ

 Example:
 'mismatches -c' - forgets all of it
{flags}
"""


@command(
    "diff",
    synopsis="[off [len]]",
    summary="shows where both sides of a verified pair differ",
    about=_DIFF,
    arguments=(0, 2),
    own=True,
)
class ShowDiff(Command):
    """Show both sides of a range, or of a known difference."""

    offset: Annotated[int | None, Number("off")] = None
    length: Annotated[int, Number("len")] = _SHOWN

    def run(self, context: Context) -> Sequence[Result]:
        """Look there."""
        found = found_pairs(context.image)
        if self.offset is not None:
            return [_range(context, found, self.offset, self.length)]
        run = _current(context) or next(iter(context.findings.runs), None)
        if run is None:
            raise Rejected("no difference is known; 'verify' looks for them, 'diff OFF' shows any bytes", prefixed=True)
        return [_difference(context, found, run)]

    def following(self) -> str:
        """The bytes after these, or the next difference."""
        return "next" if self.offset is None else f"diff {self.offset + self.length:#x} {self.length:#x}"


@command(
    "next",
    summary="shows the next difference of a verified pair",
    about=_WALK.format(which="next", name="next", where="after"),
    own=True,
)
class Next(Command):
    """Go to the next difference that is known."""

    def run(self, context: Context) -> Sequence[Result]:
        """From the one that was looked at last, else from the position."""
        at = context.position.offset - (_current(context) is None)
        return [_walked(context, context.findings.after(at), "past")]

    def following(self) -> str:
        """Further on."""
        return "next"


@command(
    "prev",
    summary="shows the previous difference of a verified pair",
    about=_WALK.format(which="previous", name="prev", where="before"),
    own=True,
)
class Prev(Command):
    """Go to the previous difference that is known."""

    def run(self, context: Context) -> Sequence[Result]:
        """From the position."""
        return [_walked(context, context.findings.before(context.position.offset), "before")]

    def following(self) -> str:
        """Further back."""
        return "prev"


@command(
    "mismatches",
    synopsis="[-c]",
    summary="lists the known differences of a verified pair",
    about=_MISMATCHES,
    arguments=(0, None),
    own=True,
)
class Mismatches(Command):
    """List the differences that are known."""

    clear: Annotated[bool, Flag("c", "forget them", long="clear")] = False

    def run(self, context: Context) -> Sequence[Result]:
        """One row each."""
        found = found_pairs(context.image)
        if self.clear:
            context.findings.clear()
            return ()
        names = (
            ("number", "number"),
            ("start", "offset"),
            ("length", "size"),
            ("sector", "number"),
            ("alignment", "text"),
            ("raw", "text"),
            ("test", "text"),
        )
        rows = [_summary(found, number, run) for number, run in enumerate(context.findings.runs, 1)]
        empty = "no difference is known; 'verify' looks for them"
        return [Table(name="mismatches", columns=[Column(*name) for name in names], rows=rows, empty=empty)]


def _current(context: Context) -> Run | None:
    """The difference that was looked at last, while it is known and the session looks there still."""
    run = context.findings.current
    here = run is not None and run.start == context.position.offset
    return run if here and run in context.findings.runs else None


def _walked(context: Context, run: Run | None, where: str) -> Diff:
    found = found_pairs(context.image)
    if run is not None:
        return _difference(context, found, run)
    count = len(context.findings.runs)
    if not count:
        raise Rejected("no difference is known; 'verify' looks for them", prefixed=True)
    raise Rejected(f"of {count} known differences none lies {where} {context.position.offset:#x}", prefixed=True)


def _difference(context: Context, found: Sequence[Pair], run: Run) -> Diff:
    """A known difference, with a row before and after it, as far as the screen has room."""
    context.findings.current = run
    context.position.goto(run.start)
    start = max(0, run.start - _ROW)
    shown = min(run.end + _ROW - start, _room(context))
    return _diff(context, found, start, shown).replace(**_place(context, run))


def _range(context: Context, found: Sequence[Pair], offset: int, length: int) -> Diff:
    whole = max(pair.length for pair in found)
    if offset >= whole:
        raise Rejected(f"offset {offset} is not inside the pair's {whole} bytes", prefixed=True)
    context.position.goto(offset)
    known = next((run for run in context.findings.runs if run.start <= offset < run.end), None)
    diff = _diff(context, found, offset, length)
    return diff if known is None else diff.replace(**_place(context, known))


def _place(context: Context, run: Run) -> dict[str, Any]:
    runs = context.findings.runs
    return {"run": run, "number": runs.index(run) + 1, "count": len(runs)}


def _room(context: Context) -> int:
    """Bytes of both sides that fit the screen."""
    terminal = context.terminal
    if not terminal.interactive:
        return _LONGEST
    rows = (terminal.rows - _OTHER_LINES) // (1 if _is_beside(context) else 2)
    return max(_SMALLEST, min(_LONGEST, rows * _ROW))


def _is_beside(context: Context) -> bool:
    """Whether the sides are shown side by side, and not one above the other."""
    return context.settings["diff"] == "side" and context.terminal.columns >= SIDE_COLUMNS


def _diff(context: Context, found: Sequence[Pair], offset: int, length: int) -> Diff:
    """Whole rows of the first pair that differs there, else of the outermost."""
    start = offset - offset % _ROW
    count = -(-(offset + length) // _ROW) * _ROW - start
    pair = next((pair for pair in found if _differs(pair, offset, min(length, _LONGEST))), found[0])
    count = max(0, min(count, pair.length - start))
    return Diff(
        raw=named(pair.raw),
        test=named(pair.test),
        offset=start,
        length=count,
        parts=parts(pair, start, count),
        side=_is_beside(context),
        squeeze=context.settings["squeeze"],
    )


def _differs(pair: Pair, offset: int, length: int) -> bool:
    return any(part.raw.rstrip(b"\0") != part.test.rstrip(b"\0") for part in parts(pair, offset, length))


def _summary(found: Sequence[Pair], number: int, run: Run) -> Sequence[object]:
    pair = next((pair for pair in found if _differs(pair, run.start, 1)), found[0])
    part = next(parts(pair, run.start, min(run.length, _SUMMARIZED)))
    aligned = alignment([run], pair.test.limits.pwrite_zeroes_alignment)
    rest = run.length - part.length
    sides = [_held(data, error, rest) for data, error in ((part.raw, part.raw_error), (part.test, part.test_error))]
    return [number, run.start, run.length, run.start // SECTOR_SIZE, aligned, *sides]


def _held(data: bytes, error: str, rest: int) -> str:
    """What a side has there; ``rest``: bytes that were not looked at."""
    if error:
        return f"cannot be read: {error}"
    if not data:
        return "past its end"
    return held(data) + (f" in its first {len(data)} bytes" if rest else "")
