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

from typing import TYPE_CHECKING, Final

from pyqio.base.types import SECTOR_SIZE
from pyqio.render.diff import Layout, Row
from pyqio.render.names import columns, quoted_path, shortened, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.errors import VerifyError
    from pyqio.base.types import Run
    from pyqio.render.spans import Line
    from pyqio.verify.diagnosis import Diagnosis, Excerpt, Holding, Step
    from pyqio.verify.journal import Operation

WIDTH: Final = 79


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
    request = f"{visible(diagnosis.operation)} sector_num={diagnosis.offset // SECTOR_SIZE} nb_sectors={sectors}"
    if diagnosis.runs:
        return f"blkverify: {request} contents mismatch in sector {diagnosis.first // SECTOR_SIZE}"
    return f"blkverify: {request} {visible(diagnosis.message)}"


def report(diagnosis: Diagnosis) -> Iterator[str]:
    """All lines, as plain text."""
    layout = Layout(diagnosis.first + 1)
    for part in parts(diagnosis, layout.width):
        if not isinstance(part, Row):
            yield text_of(part)
        elif any(part.unlike):
            yield layout.row("R", part.offset, part.raw)
            yield layout.row("T", part.offset, part.test)
            yield layout.marks(part.unlike)
        else:
            yield layout.row(" ", part.offset, part.raw)


def text_of(line: Line) -> str:
    """A line without its colours."""
    return "".join(text for _, text in line)


def parts(diagnosis: Diagnosis, width: int) -> Iterator[Line | Row]:
    """All lines, and the rows of bytes in their place: ``width`` (a divisor of 16) in each."""
    yield [("bad", first_line(diagnosis))]
    if diagnosis.runs:
        yield from _contents(diagnosis, width)
    else:
        for side in diagnosis.sides:
            name = f" {visible(side.name)}:" if side.name else ""
            yield from _fold(f"{side.key:4} {name} {visible(side.error)}", side.key, only=4)
    yield from closing(diagnosis)


def closing(diagnosis: Diagnosis) -> Iterator[Line]:
    """What was done to the bytes, what may have happened, and how to go on."""
    several = diagnosis.run_count > 1
    plural = "s" if len(diagnosis.operations) > 1 else ""
    label = f"last op{plural} {f'at {diagnosis.first:#x}' if several else 'here'}:"
    for operation in diagnosis.operations:
        yield from _fold(f"{label} {_operation(operation)}", "dim")
        label = " " * len(label)
    for hint in diagnosis.hints:
        yield from _fold(f"hint{f', at {diagnosis.first:#x}' if several else ''}: {visible(hint.text)}", "hint")
    if diagnosis.unreported:
        yield from _fold(f"no report was written: {visible(diagnosis.unreported)}", "warning")
    if diagnosis.report:
        yield from _explore(diagnosis.report)


def _operation(operation: Operation) -> str:
    session = f" of {operation.session}" if operation.session else ""
    text = shortened(visible(operation.text), WIDTH)
    return visible(f"#{operation.number}{session} {text} ({operation.outcome.words})")


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


def _contents(diagnosis: Diagnosis, width: int) -> Iterator[Line | Row]:
    yield from _extent(diagnosis)
    holdings = [_held(side) for side in diagnosis.sides]
    for side, text in zip(diagnosis.sides, holdings, strict=True):
        yield from _side(side, text.ljust(max(map(len, holdings))))
    if diagnosis.excerpt:
        yield from _rows(diagnosis, diagnosis.excerpt, width)
    elif diagnosis.sides and not any(side.error for side in diagnosis.sides):
        yield [("", "  Read again, both sides hold the same: the difference was passing.")]


def _extent(diagnosis: Diagnosis) -> Iterator[Line]:
    """How much differs, how it is aligned, and where."""
    start, end = diagnosis.offset, diagnosis.offset + diagnosis.length
    of = f" of {diagnosis.length}" if start <= diagnosis.first and diagnosis.end <= end else ""
    counts = f"{_count(diagnosis.run_count, 'run')}, {_count(diagnosis.sector_count, 'sector')}"
    text = f"{diagnosis.byte_count}{of} bytes differ in {counts}, {visible(diagnosis.alignment)}:"
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
    return f"cannot be read: {visible(side.error)}" if side.error else visible(side.held)


def _side(side: Holding, held: str) -> Iterator[Line]:
    """What the side holds and where: one line, or more where its way down is long."""
    name, steps = visible(side.name), _steps(side.way)
    line = f"{side.key:4}  {held}  {name}: {' -> '.join(steps)}"
    if steps and columns(f"  {line}") <= WIDTH:
        yield [("", "  "), (side.key, line[:4]), ("", line[4:])]
        return
    yield from _fold(f"{side.key:4}  {held}  {shortened(name, 40)}", side.key, only=4)
    for arrow, step in zip(["", *["-> "] * len(steps)], steps, strict=False):
        yield from _fold(f"      {arrow}{step}")


def _steps(way: tuple[Step, ...]) -> list[str]:
    """The way down: what each format says of the byte, then the offset on the host."""
    steps = []
    for step in way:
        name = f"backing {visible(step.name)}: " if step.via == "backing" else ""
        if step.protocol:
            steps.append(f"{name}{visible(step.driver)} offset {step.offset:#x}")
        elif name or step.kind != "data" or step.detail:
            steps.append(name + ", ".join(filter(None, (visible(step.kind), visible(step.detail)))))
    return steps


def _rows(diagnosis: Diagnosis, excerpt: Excerpt, width: int) -> Iterator[Line | Row]:
    """The first row that differs, the one before it where it is equal, and how much is left."""
    row = diagnosis.first - diagnosis.first % width

    def at(offset: int) -> Row:
        start = offset - excerpt.offset
        raw, test = (data[start : start + width] if start >= 0 else b"" for data in (excerpt.raw, excerpt.test))
        return Row(offset, raw, test)

    before, first = at(row - width), at(row)
    if before.raw and not any(before.unlike):
        yield before
    yield first
    left = diagnosis.byte_count - sum(first.unlike)
    following = [max(run.start, row + width) for run in diagnosis.runs if run.end > row + width]
    if left > 0 and following:
        text = f"* {left} more bytes differ between {following[0]:#x} and {diagnosis.end - 1:#x}"
        yield [("dim", text), ("hint", _diff(diagnosis).rjust(WIDTH - len(text)))]


def _diff(diagnosis: Diagnosis) -> str:
    """The command that shows the first run."""
    run = diagnosis.runs[0]
    return f"  (diff {run.start:#x} {run.length})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fold(text: str, role: str = "", *, only: int = WIDTH) -> Iterator[Line]:
    """Indented, and on further lines what is too long for one; ``role``: of the ``only`` first characters."""
    from textwrap import wrap

    for line in wrap(text, WIDTH - 2, subsequent_indent="      ", break_on_hyphens=False):
        shown = shortened(line.rstrip(), WIDTH - 2)
        yield [("", "  "), (role, shown[:only]), ("", shown[only:])]
        role = role if only == WIDTH else ""
