"""The diagnosis of a verified pair that does not agree, in lines of at most 79 columns.

    blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2
      512 of 4096 bytes differ in 1 run, 1 sector, 512-aligned: [0x400, 0x600)
      raw   all 0xcd  raw.img: file offset 0x400
      test  all zero  test.qcow2: unallocated, L1[0] L2[0] = 0
      000003f0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    R 00000400:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    T 00000400:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................
                 ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
    * 496 more bytes differ between 0x410 and 0x5ff            (diff 0x400 512)
      last op here: #7 write -P 0xcd 0 4k (ok/ok)
      hint: #7 did not reach the test side, which still holds zeroes, as before it
      pyqio explore ~/.local/state/pyqio/reports/1.json

What a side holds ("all zero") is told of the first run of differing bytes, and where, of its first byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.types import SECTOR_SIZE
from pyqio.render.diff import Layout
from pyqio.render.names import columns, quoted_path, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.errors import VerifyError
    from pyqio.base.types import Run
    from pyqio.render.spans import Line
    from pyqio.verify.diagnosis import Diagnosis, Holding, Step
    from pyqio.verify.journal import Operation

WIDTH: Final = 79


class Rows(NamedTuple):
    """The first row that differs, as both sides have it, and the equal one before it, b"" where there is none."""

    offset: int
    raw: bytes
    test: bytes
    before: bytes
    layout: Layout

    @property
    def unlike(self) -> list[bool]:
        """For each byte, whether the sides differ there."""
        return [ours != theirs for ours, theirs in zip(self.raw, self.test, strict=False)]


def qemu_line(error: VerifyError, *, alignment: int) -> str:
    """The line of qemu-io 7.2, in bytes.

    ``alignment``: request alignment of the node that the request was made to, since that widened it.
    """
    offset = error.offset or 0
    start = offset // alignment * alignment
    end = -(-(offset + error.length) // alignment) * alignment
    return f"blkverify: {error.operation} offset={start} bytes={end - start} {error.message}"


def first_line(diagnosis: Diagnosis) -> str:
    """The line that names the request and the first sector that differs, in sectors of 512 bytes."""
    sectors = -(-diagnosis.length // SECTOR_SIZE)
    request = f"{diagnosis.operation} sector_num={diagnosis.offset // SECTOR_SIZE} nb_sectors={sectors}"
    if diagnosis.runs:
        return f"blkverify: {request} contents mismatch in sector {diagnosis.first // SECTOR_SIZE}"
    return f"blkverify: {request} {diagnosis.message}"


def report(diagnosis: Diagnosis) -> Iterator[str]:
    """All lines, as plain text."""
    for part in parts(diagnosis):
        if isinstance(part, Rows):
            yield from _plain_rows(part)
        else:
            yield text_of(part)


def text_of(line: Line) -> str:
    """A line without its colours."""
    return "".join(text for _, text in line)


def parts(diagnosis: Diagnosis) -> Iterator[Line | Rows]:
    """All lines, and the rows in their place."""
    yield [("bad", first_line(diagnosis))]
    if diagnosis.runs:
        yield from _contents(diagnosis)
    else:
        for side in diagnosis.sides:
            name = f" {visible(side.name)}:" if side.name else ""
            yield from _fold(f"{side.key:4} {name} {visible(side.error)}", side.key)
    yield from closing(diagnosis)


def closing(diagnosis: Diagnosis) -> Iterator[Line]:
    """What was done to the bytes, what may have happened, and how to go on."""
    label = "last op here:" if len(diagnosis.operations) == 1 else "last ops here:"
    for operation in diagnosis.operations:
        yield from _fold(f"{label} {_operation(operation)}", "dim")
        label = " " * len(label)
    for hint in diagnosis.hints:
        yield from _fold(f"hint: {visible(hint.text)}", "hint")
    if diagnosis.report:
        yield from _explore(diagnosis.report)


def _operation(operation: Operation) -> str:
    text, raw, test = operation.outcome
    session = f" of {operation.session}" if operation.session else ""
    ended = f"{raw}/{test}" if raw or test else text
    return visible(f"#{operation.number}{session} {shortened(visible(operation.text), WIDTH)} ({ended})")


def _explore(path: str) -> Iterator[Line]:
    """The command that picks it up again, on one line or on several that a shell joins."""
    pieces = list(quoted_path(path, WIDTH - 3))
    command = "  pyqio explore"
    if len(pieces) == 1 and columns(f"{command} {pieces[0]}") <= WIDTH:
        yield [("dim", f"{command} {pieces[0]}")]
        return
    yield [("dim", f"{command} \\")]
    for piece in pieces[:-1]:
        yield [("dim", f"{piece}\\")]
    yield [("dim", pieces[-1])]


def _contents(diagnosis: Diagnosis) -> Iterator[Line | Rows]:
    yield from _extent(diagnosis)
    holdings = [_held(side) for side in diagnosis.sides]
    for side, text in zip(diagnosis.sides, holdings, strict=True):
        yield from _side(side, text.ljust(max(map(len, holdings))))
    if diagnosis.excerpt:
        yield from _rows(diagnosis)
    elif diagnosis.sides and not any(side.error for side in diagnosis.sides):
        yield [("", "  Read again, both sides hold the same: the difference was passing.")]


def _extent(diagnosis: Diagnosis) -> Iterator[Line]:
    """How much differs, how it is aligned, and where."""
    start, end = diagnosis.offset, diagnosis.offset + diagnosis.length
    of = f" of {diagnosis.length}" if start <= diagnosis.first and diagnosis.end <= end else ""
    counts = f"{_count(diagnosis.run_count, 'run')}, {_count(diagnosis.sector_count, 'sector')}"
    text = f"{diagnosis.byte_count}{of} bytes differ in {counts}, {diagnosis.alignment}:"
    runs = _ranges(diagnosis.runs, diagnosis.run_count)
    if len(f"  {text} {runs}") <= WIDTH:
        yield [("", f"  {text} "), ("offset", runs)]
    else:
        yield from _fold(text)
        yield [("offset", f"    {runs}")]


def _ranges(runs: tuple[Run, ...], count: int) -> str:
    """As many of ``count`` runs as fit on a line."""
    line = ""
    for shown, run in enumerate(runs):
        longer = f"{line} [{run.start:#x}, {run.end:#x})".lstrip()
        rest = f" and {count - shown - 1} more" if shown + 1 < count else ""
        if line and len(longer + rest) > WIDTH - 4:
            return f"{line} and {count - shown} more"
        line = longer
    return line + (f" and {count - len(runs)} more" if len(runs) < count else "")


def _held(side: Holding) -> str:
    return f"cannot be read: {visible(side.error)}" if side.error else side.held


def _side(side: Holding, held: str) -> Iterator[Line]:
    """What the side holds and where: one line, or more where its way down is long."""
    name, steps = visible(side.name), _steps(side.way)
    line = f"{side.key:4}  {held}  {name}: {' -> '.join(steps)}"
    if steps and columns(f"  {line}") <= WIDTH:
        yield [("", "  "), (side.key, line[:4]), ("", line[4:])]
        return
    yield from _fold(f"{side.key:4}  {held}  {shortened(name, 40)}", side.key)
    for arrow, step in zip(["", *["-> "] * len(steps)], steps, strict=False):
        yield from _fold(f"      {arrow}{step}")


def _steps(way: tuple[Step, ...]) -> list[str]:
    """The way down: what each format says of the byte, then the offset on the host."""
    steps = []
    for step in way:
        name = f"backing {visible(step.name)}: " if step.via == "backing" else ""
        if step.protocol:
            steps.append(f"{name}{step.driver} offset {step.offset:#x}")
        elif name or step.kind != "data" or step.detail:
            steps.append(name + ", ".join(filter(None, (visible(step.kind), visible(step.detail)))))
    return steps


def _rows(diagnosis: Diagnosis) -> Iterator[Line | Rows]:
    """The first row that differs on both sides, the one before it, and how much is left."""
    excerpt, first = diagnosis.excerpt, diagnosis.first
    assert excerpt is not None
    layout = Layout(first + 1)
    width = layout.width
    row = first - first % width

    def bytes_at(data: bytes, offset: int) -> bytes:
        start = offset - excerpt.offset
        return data[start : start + width] if start >= 0 else b""

    before = bytes_at(excerpt.raw, row - width)
    agreed = before if before == bytes_at(excerpt.test, row - width) else b""
    rows = Rows(row, bytes_at(excerpt.raw, row), bytes_at(excerpt.test, row), agreed, layout)
    yield rows
    left = diagnosis.byte_count - sum(rows.unlike)
    following = [max(run.start, row + width) for run in diagnosis.runs if run.end > row + width]
    if left > 0 and following:
        text = f"* {left} more bytes differ between {following[0]:#x} and {diagnosis.end - 1:#x}"
        yield [("dim", text), ("hint", _diff(diagnosis).rjust(WIDTH - len(text)))]


def _diff(diagnosis: Diagnosis) -> str:
    """The command that shows the first run."""
    run = diagnosis.runs[0]
    return f"  (diff {run.start:#x} {run.length})"


def _plain_rows(rows: Rows) -> Iterator[str]:
    layout = rows.layout
    if rows.before:
        yield layout.row(" ", rows.offset - layout.width, rows.before)
    yield layout.row("R", rows.offset, rows.raw)
    yield layout.row("T", rows.offset, rows.test)
    yield layout.marks(rows.unlike)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fold(text: str, role: str = "") -> Iterator[Line]:
    """Indented, and on further lines what is too long for one; ``role``: of the first word, or of all of a remark."""
    from textwrap import wrap

    for line in wrap(text, WIDTH - 2, drop_whitespace=False, subsequent_indent="      "):
        yield [(role, "  " + shortened(line.rstrip(), WIDTH - 2))]
