"""What ``verify`` found, as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.render.figures import human, per_second, seconds, size
from pyqio.render.names import visible
from pyqio.verify.words import alignment, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.errors import MismatchError
    from pyqio.commands.results import Verified


def verified_lines(result: Verified) -> Iterator[str]:
    """The verdict, the runs that differ, what could not be read, and what is left to do."""
    yield f"verify: {_verdict(result)}"
    yield f"  {_amount(result)}"
    if result.error is not None:
        yield from _runs(result, result.error)
    for unreadable in result.unreadable[: result.shown]:
        start, end = unreadable.run
        yield f"  {unreadable.side:4} [{start:#x}, {end:#x}) cannot be read: {visible(unreadable.message)}"
    if (more := result.unreadable_count - min(result.shown, len(result.unreadable))) > 0:
        yield f"  and {counted(more, 'more run')} cannot be read"
    if result.lengths_differ:
        yield f"  {_lengths(result)}"
    if result.diagnosis is not None:
        from pyqio.render.mismatch import closing, text_of

        yield from map(text_of, closing(result.diagnosis))
    if result.end < result.until:
        yield f"  stopped at {result.end:#x} of {result.until:#x}; 'verify --resume' goes on from there"


def _verdict(result: Verified) -> str:
    if result.error is not None:
        found = result.error.differences
        verb = "differs" if found.byte_count == 1 else "differ"
        what = f"{counted(found.byte_count, 'byte')} {verb} in {counted(found.run_count, 'run')}"
        return f"{what}, {counted(found.sector_count, 'sector')}, {alignment(found.runs, 0)}"
    if result.unreadable_count:
        return "the sides agree where both can be read"
    return "the sides agree, but are not equally long" if result.diverges else "the sides agree"


def _amount(result: Verified) -> str:
    whole = not result.offset and result.end == result.until
    where = "" if whole else f" from {result.offset:#x}"
    skipped = result.length - result.read
    zeroes = f" ({size(skipped)} known to be zero)" if skipped else ""
    rate = human(per_second(result.length, result.elapsed))
    return f"{size(result.length)}{where} compared{zeroes}, {seconds(result.elapsed)} ({rate}/sec)"


def _runs(result: Verified, error: MismatchError) -> Iterator[str]:
    found = error.differences
    width = len(str(min(result.shown, len(found.runs))))
    for number, (start, end) in enumerate(found.runs[: result.shown], 1):
        yield f"  {number:{width}}  [{start:#x}, {end:#x})  {size(end - start)}"
    shown = min(result.shown, len(found.runs))
    if found.run_count > shown:
        hint = "" if len(found.runs) == shown else "; 'verify --all' or 'mismatches' lists them"
        yield f"  and {found.run_count - shown} more{hint}"


def _lengths(result: Verified) -> str:
    short, long = ("raw", "test") if result.raw_length < result.test_length else ("test", "raw")
    ends = {"raw": result.raw_length, "test": result.test_length}
    need = "" if result.strict else f"; past that the {long} side has to read as zeroes"
    return f"the {short} side ends at {ends[short]:#x}, the {long} side at {ends[long]:#x}{need}"
