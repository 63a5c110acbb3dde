"""Results as plain text: qemu-io 7.2's to the byte, and what pyqio adds to it on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, assert_never

from pyqio.base.errors import CorruptError, Unsupported
from pyqio.base.kinds import Bool, Integer, Size
from pyqio.base.structure import Structure
from pyqio.commands import results as r
from pyqio.render.figures import clock, human, human_size, per_second, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyqio.base.errors import BlockError
    from pyqio.base.kinds import Kind

_COLUMNS = 80
"""What a drawing fits into where there is no terminal."""

_GUESSED = """\
WARNING: Image format was not specified for '{}' and probing guessed raw.
         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.
         Specify the 'raw' format explicitly to remove the restrictions.
"""

_REPAIRED = """\
The following inconsistencies were found and repaired:

    {leaks} leaked clusters
    {corruptions} corruptions

Double checking the fixed image now...
"""


class Screen(Protocol):
    """Where text goes, and where the commands come from."""

    @property
    def place(self) -> str:
        """Name and line of the script's line that is being run, "" where there is no script."""
        ...

    def out(self, text: str) -> None:
        """To standard output."""
        ...

    def out_bytes(self, data: bytes | memoryview) -> None:
        """Text to standard output that is in bytes already."""
        ...

    def err(self, text: str) -> None:
        """To standard error."""
        ...


class Plain:
    """Shows results on ``screen``.

    ``program``: the name in front of messages.  ``explain``: say more than qemu-io does, after what it says.
    """

    def __init__(self, screen: Screen, program: str, *, explain: bool) -> None:
        self._screen = screen
        self._program = program
        self._explain = explain

    def show(self, result: r.Result) -> None:
        """Show one result.  Raises BlockError where a dump that streams cannot be read to its end."""
        out = self._screen.out
        match result:
            case r.Transfer():
                out(transfer(result))
            case r.Dump():
                self._dump(result)
            case r.Content():
                for window in result.windows:
                    self._screen.out_bytes(memoryview(window))
            case r.PatternMismatch():
                out(f"Pattern verification failed at offset {result.offset}, {result.length} bytes\n")
                self._add(
                    f"the first wrong byte is {result.found:#04x} at offset {result.first} ({result.first:#x}), "
                    f"where {result.pattern:#04x} was expected",
                    "pattern verification failed",
                )
            case r.Failed():
                if isinstance(result.error, CorruptError) and result.error.message != result.error.strerror:
                    self._screen.err(f"qcow2: {result.error.message}\n")
                out(f"{result.verb} failed: {result.error.strerror}\n")
                message = result.error.message
                self._add("" if message == result.error.strerror else message, f"{result.verb} failed")
            case r.Diverged():
                self._diverged(result)
            case r.Diagnosed():
                from pyqio.render.mismatch import report

                self._print(report(result.diagnosis))
            case r.Verified():
                from pyqio.render.verified import verified_lines

                self._print(verified_lines(result))
            case r.Copied():
                from pyqio.verify.words import counted

                what = f"{counted(result.length, 'byte')} in {counted(result.runs, 'run')}"
                out(f"copied {what} from {result.source} to {result.target}\n")
            case r.Diff():
                from pyqio.render.diff import diff_lines

                self._print(diff_lines(result))
            case r.OpenFailed():
                device = "" if result.filename is None else f" device {result.filename}"
                self._complain(f"can't open{device}: {result.error.message}{self._place()}")
                if result.error.hint:
                    self._screen.err(f"{result.error.hint}\n")
            case r.GuessedRaw():
                if not self._explain:
                    self._screen.err("".join(map(_GUESSED.format, result.filenames)))
            case r.Refused():
                self._refused(result)
            case r.Unknown():
                self._screen.err(f'command "{result.name}" not found{self._place()}\n')
                self._suggest(result.name, result.known)
            case r.Warned():
                self._complain(f"warning: {result.message}")
            case r.Said():
                out(f"{result.text}\n")
            case r.Length():
                out(f"{human(result.length)}\n")
            case r.Allocated():
                place = human(result.offset)
                out(f"{result.allocated}/{result.length} bytes allocated at offset {place}\n")
            case r.Map():
                out("".join(_map(result)))
            case r.Strip():
                from pyqio.render.styled.strip import strip_lines
                from pyqio.render.styled.theme import Theme

                out("".join(strip_lines(result, Theme(), _COLUMNS, unicode=False)))
            case r.Info():
                out("".join(_info(result)))
                self._facts(result.specific, depth=1)
            case r.Snapshots():
                self._list_snapshots(result)
            case r.Found():
                self._screen.err(f"{result.text}\n")
            case r.Repaired():
                out(_REPAIRED.format(leaks=result.leaks, corruptions=result.corruptions))
            case r.Checked():
                self._checked(result)
            case r.CheckFailed():
                self._check_failed(result.error)
            case r.Created():
                options = "".join(f" {name}={_option(value)}" for name, value in result.options.items())
                out(f"Formatting '{result.filename}', fmt={result.format}{options}\n")
            case r.CreateOptions():
                out("".join(_create_options(result)))
            case r.Table():
                self._table(result)
            case r.Facts():
                self._facts(result.values)
            case r.Way() | Structure() | r.Tree():
                self._lines(result)
            case r.Helped() | r.HelpedAll() | r.HelpedTopic():
                self._help(result)
            case _:
                assert_never(result)

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._screen.out(f"{line}\n")

    def _complain(self, message: str) -> None:
        self._screen.err(f"{self._program}: {message}\n")

    def _place(self) -> str:
        return f" ({self._screen.place})" if self._explain and self._screen.place else ""

    def _add(self, message: str, summary: str = "") -> None:
        """Say more on standard error, and where; ``summary``: what went wrong, if there is nothing more to say."""
        if not self._explain:
            return
        if summary and self._screen.place:
            self._complain(f"{self._screen.place}: {message or summary}")
        elif message:
            self._complain(message)

    def _checked(self, result: r.Checked) -> None:
        from pyqio.render.check import as_json, as_text

        self._screen.out(as_json(result) if result.json else "" if result.quiet else as_text(result.result))
        if result.result.check_errors:
            self._complain("Check failed")

    def _check_failed(self, error: BlockError) -> None:
        if error.message != error.strerror:
            self._complain(error.message)
        if not isinstance(error, Unsupported):
            self._complain(f"Check failed: {error.strerror}")

    def _help(self, result: r.Helped | r.HelpedAll | r.HelpedTopic) -> None:
        from pyqio.render.help import lines

        for line in lines(result, own=self._explain):
            self._screen.out(line)

    def _dump(self, dump: r.Dump) -> None:
        from pyqio.render.hexdump import hexdump

        for text in hexdump(dump.offset, dump.windows):
            self._screen.out_bytes(text)

    def _table(self, table: r.Table) -> None:
        from pyqio.render.tables import table_lines

        self._screen.out("".join(table_lines(table)))

    def _facts(self, values: Mapping[str, Any], depth: int = 0) -> None:
        from pyqio.render.tables import facts_lines

        self._screen.out("".join(facts_lines(values, depth=depth)))

    def _lines(self, result: r.Way | Structure | r.Tree) -> None:
        from pyqio.render.spans import plain
        from pyqio.render.structure import lines_of

        self._screen.out(plain(lines_of(result, unicode=False)))

    def _list_snapshots(self, result: r.Snapshots) -> None:
        if result.snapshots:
            from pyqio.render.snapshots import snapshot_lines

            self._screen.out("".join(snapshot_lines(result.snapshots)))

    def _diverged(self, result: r.Diverged) -> None:
        from pyqio.render.mismatch import qemu_line, report

        if self._explain:
            from pyqio.verify.diagnosis import diagnose

            for line in report(result.diagnosis or diagnose(result.error, result.nodes)):
                self._screen.err(f"{line}\n")
            self._screen.err(disagreement(self._program, self._screen.place))
        else:
            self._screen.err(f"{qemu_line(result.error, alignment=result.alignment)}\n")

    def _refused(self, result: r.Refused) -> None:
        reason = result.reason
        message = str(reason)
        if message:
            program = f"{self._program}: " if reason.prefixed else ""
            if reason.stderr:
                self._screen.err(f"{program}{message}{self._place()}\n")
            else:
                self._screen.out(f"{program}{message}\n")
        if reason.usage and result.spec:
            from pyqio.render.help import one_line

            self._screen.out(one_line(result.spec))
        self._add("", "" if reason.stderr else message or "too few or too many operands")

    def _suggest(self, name: str, known: Sequence[str]) -> None:
        if self._explain:
            from pyqio.commands.rejected import near

            if likely := near(name, known):
                self._add(f"did you mean {' or '.join(likely)}?")


def disagreement(program: str, place: str) -> str:
    """Where in a script a verified pair did not agree; "" where there is no script."""
    return f"{program}: {place}: a verified pair does not agree\n" if place else ""


def transfer(result: r.Transfer) -> str:
    """The report of a transfer, for people (two lines) or for machines."""
    length, elapsed = result.length, result.elapsed
    rate, operations = per_second(length, elapsed), per_second(1, elapsed)
    if result.machine:
        return f"{length},1,{clock(elapsed)},{rate:.3f},{operations:.3f}\n"
    return (
        f"{result.verb} {length}/{length} bytes at offset {result.offset}\n"
        f"{human_size(length)}, 1 ops; {seconds(elapsed)} ({human(rate)}/sec and {operations:.4f} ops/sec)\n"
    )


def _map(result: r.Map) -> Iterator[str]:
    for offset, length, allocated in result.runs:
        state = "   " if allocated else "not"
        yield f"{human(length)} ({length:#x}) bytes {state} allocated at offset {human(offset)} ({offset:#x})\n"


def _create_options(result: r.CreateOptions) -> Iterator[str]:
    yield "Supported options:\n" if result.whole else f"Supported {result.format} options:\n"
    for name, option in sorted(result.options.items()):
        yield f"{f'  {name}=<{kind_word(option.kind)}>':<24} - {option.meaning}\n"
    if not result.whole:
        yield "\nThe protocol level may support further options.\n"
        yield "Specify the target filename to include those options.\n"


def kind_word(kind: Kind) -> str:
    """What kind of value an option of ``create`` takes."""
    return {Bool: "bool (on/off)", Size: "size", Integer: "num"}.get(type(kind), "str")


def _info(result: r.Info) -> Iterator[str]:
    yield f"format name: {result.format}\n" * (2 if result.protocol else 1)
    if result.cluster_size is not None:
        yield f"cluster size: {human(result.cluster_size)}\n"
        yield f"vm state offset: {human(result.vm_state_offset)}\n"
    if result.specific:
        yield "Format specific information:\n"


def _option(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value).replace(",", ",,")
