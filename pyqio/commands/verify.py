"""verify: both sides of a pair compared, and one of them repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pyqio.base.errors import BlockError, MismatchError
from pyqio.base.types import Run
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Number, SideName
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Copied, Failed, Verified
from pyqio.verify.findings import Unfinished
from pyqio.verify.journal import ENDLESS, Effect
from pyqio.verify.pair import named, pairs
from pyqio.verify.repair import copy_runs
from pyqio.verify.whole import Comparison
from pyqio.verify.words import counted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.pair import Pair

_OTHER: Final = {"raw": "test", "test": "raw"}

SHOWN: Final = 16
"""Differing runs that are listed unless all are asked for."""

_ABOUT = """
 compares both sides of the open pair, whatever was read before

 Example:
 'verify 1M 64k' - compares 64 kilobytes at 1 megabyte

 Without a range all of the pair is compared, up to the end of its longer side: the shorter one reads as zeroes there.
 What both sides know to be zero is not read.  Differences make the exit status of the session 3; they are kept for
 'mismatches', 'next' and 'diff'.  A side that cannot be read is reported, and the comparison goes on.  Ctrl-C stops
 it and keeps what was found.
{flags}
"""


@command(
    "verify",
    synopsis="[--all] [--strict] [--resume] [--repair-from side [-y]] [off [len]]",
    summary="compares both sides of a verified pair",
    about=_ABOUT,
    arguments=(0, None),
    own=True,
)
class Verify(Command):
    """Compare; repair; compare again."""

    every: Annotated[bool, Flag("", "list all differing runs, not only the first 16", long="all")] = False
    strict: Annotated[bool, Flag("", "sides that are not equally long differ", long="strict")] = False
    resume: Annotated[bool, Flag("", "go on where the last comparison was stopped", long="resume")] = False
    trusted: Annotated[
        str, Flag("", "copy what differs from this side, raw or test, to the other", long="repair-from"), SideName()
    ] = ""
    yes: Annotated[bool, Flag("y", "repair without asking", long="yes")] = False
    offset: Annotated[int | None, Number("off")] = None
    length: Annotated[int | None, Number("len")] = None

    def effect(self) -> Effect | None:
        """A repair may change everything in its range."""
        if not self.trusted:
            return None
        return Effect("other", self.offset or 0, ENDLESS if self.length is None else self.length)

    def run(self, context: Context) -> Iterator[Result]:
        """Every pair of the image, outer ones first."""
        context.drain()
        found = found_pairs(context.image)
        if self.trusted:
            for pair in found:
                _require_writable(pair, _OTHER[self.trusted])
        tasks = _rest(context, found) if self.resume else self._tasks(found)
        differing: list[_Differing] = []
        for pair, run in tasks:
            result = yield from self._verify(context, pair, run, outermost=pair == found[0], first=True)
            if result.error is not None:
                differing.append(_Differing(pair, run, result.error))
        if self.trusted and differing:
            yield from self._repair(context, differing)
            for pair, run, _ in differing:
                yield from self._verify(context, pair, run, outermost=pair == found[0], first=False)

    def _tasks(self, found: Sequence[Pair]) -> list[tuple[Pair, Run]]:
        """The pairs, and what is to be compared of each.  Raises Rejected."""
        start = self.offset or 0
        whole = max(pair.length for pair in found)
        end = whole if self.length is None else start + self.length
        if max(start, end) > whole:
            what = f"offset {start}" if self.length is None else f"{self.length} bytes at offset {start}"
            raise Rejected(f"{what} is not inside the pair's {whole} bytes", prefixed=True)
        return [(pair, Run(start, min(end, pair.length))) for pair in found if start <= pair.length]

    def _verify(
        self, context: Context, pair: Pair, run: Run, *, outermost: bool, first: bool
    ) -> Generator[Result, None, Verified]:
        """Compare, remember what was found, and tell of it; an interrupt goes on after that."""
        comparison = Comparison(pair, run)
        interrupt: KeyboardInterrupt | None = None
        started = context.clock()
        try:
            with context.progress("verify", run.length) as advance:
                for count in comparison.steps():
                    advance(count)
        except KeyboardInterrupt as error:
            interrupt = error
        result = self._result(comparison, context.clock() - started, first=first)
        _remember(context, comparison, outermost=outermost)
        yield result
        if interrupt is not None:
            context.flush_output()  # a script ends here
            raise interrupt
        return result

    def _result(self, comparison: Comparison, elapsed: float, *, first: bool) -> Verified:
        pair, run = comparison.pair, comparison.run
        error = None
        length = comparison.at - run.start
        if comparison.found:
            error = MismatchError(operation="verify", offset=run.start, length=length, differences=comparison.found)
            error.node = pair.node.name
        return Verified(
            pair=pair.node.name,
            raw=named(pair.raw),
            test=named(pair.test),
            raw_length=pair.raw.length(),
            test_length=pair.test.length(),
            offset=run.start,
            length=length,
            until=run.end,
            read=comparison.read,
            elapsed=elapsed,
            error=error,
            unreadable=comparison.unreadable,
            unreadable_count=comparison.unreadable_count,
            shown=comparison.found.run_count if self.every else SHOWN,
            strict=self.strict,
            repairing=first and bool(self.trusted and error),
        )

    def _repair(self, context: Context, differing: Sequence[_Differing]) -> Iterator[Result]:
        """Copy the trusted bytes, inner pairs first, since outer ones write through them.  Raises Rejected."""
        target = _OTHER[self.trusted]
        if not (self.yes or context.confirm(_question(differing, self.trusted, target))):
            raise Rejected("nothing was repaired; -y repairs without asking", prefixed=True)
        for pair, _, error in reversed(differing):
            total = sum(run.length for run in error.runs)
            try:
                with context.progress("repair", total) as advance:
                    for count in copy_runs(pair.side(self.trusted), pair.side(target), error.runs):
                        advance(count)
            except BlockError as failure:
                yield Failed(verb="repair", error=failure)
                return
            yield Copied(source=self.trusted, target=target, runs=len(error.runs), length=total)


class _Differing(NamedTuple):
    """A pair, what was compared of it, and how that differs."""

    pair: Pair
    run: Run
    error: MismatchError


def found_pairs(image: Image) -> list[Pair]:
    """The pairs that the image is made of.  Raises Rejected where it is none."""
    found = list(pairs(image.node))
    if not found:
        raise Rejected("this is no verified pair; open both images as blkverify:RAW:TEST", prefixed=True)
    return found


def _require_writable(pair: Pair, key: str) -> None:
    node = pair.side(key)
    if node.read_only:
        raise Rejected(f"the {key} side is open read-only; close the pair, and open it without -r", prefixed=True)


def _question(differing: Sequence[_Differing], source: str, target: str) -> str:
    runs = [run for _, _, error in differing for run in error.runs]
    what = f"{counted(sum(run.length for run in runs), 'byte')} in {counted(len(runs), 'run')}"
    return f"overwrite {what} of the {target} side with those of the {source} side?"


def _rest(context: Context, found: Sequence[Pair]) -> list[tuple[Pair, Run]]:
    """What a comparison that was stopped has still to do, and again what was changed since.  Raises Rejected."""
    left = context.findings.unfinished
    names = [pair.node.name for pair in found]
    if left is None or left.pair not in names:
        raise Rejected("no comparison was stopped; 'verify' starts one", prefixed=True)
    changed = context.journal.first_change(left.journal_count)
    at = left.at if changed is None else max(left.start, min(left.at, changed))
    first, *others = found[names.index(left.pair) :]
    tasks = [(first, Run(at, min(left.until, first.length)))]
    return tasks + [(pair, Run(left.start, min(left.until, pair.length))) for pair in others]


def _remember(context: Context, comparison: Comparison, *, outermost: bool) -> None:
    """Keep what differs, drop what agrees now, and note where to go on."""
    findings, run, at = context.findings, comparison.run, comparison.at
    if outermost:
        start = run.start
        for unreadable in sorted(comparison.unreadable, key=lambda known: known.run):
            if start < unreadable.run.start:
                findings.forget(start, unreadable.run.start)
            start = max(start, unreadable.run.end)
        if start < at:
            findings.forget(start, at)
    findings.add(comparison.found.runs)
    findings.unfinished = (
        Unfinished(comparison.pair.node.name, run.start, at, run.end, context.journal.count) if at < run.end else None
    )
