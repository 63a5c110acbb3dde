"""The report of a verified pair that does not agree, as plain text of at most 79 columns.

    blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2
      512 of 4096 bytes differ in 1 run, 1 sector, 512-aligned: [0x400, 0x600)
      raw   all 0xcd  raw.img: file offset 0x400
      test  all zero  test.qcow2: unallocated, L1[0] L2[0] = 0
      000003f0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    R 00000400:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    T 00000400:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................
                 ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
    * 496 more bytes differ between 0x410 and 0x5ff
      pyqio -rU -f raw -c 'read -v 0x400 512' raw.img
      pyqio -rU -c 'read -v 0x400 512' test.qcow2

What a side holds ("all zero") is told of the first run of differing bytes, and where, of its first byte.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import MismatchError, OutcomeMismatch
from pyqio.base.types import SECTOR_SIZE, Role
from pyqio.block.filename import protocol_prefix
from pyqio.render.diff import Layout
from pyqio.render.names import columns, quoted_pieces, shortened, visible
from pyqio.verify.evidence import ROW, gather
from pyqio.verify.pair import pair
from pyqio.verify.words import alignment, held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.base.errors import BlockError, VerifyError
    from pyqio.base.types import Run
    from pyqio.block.node import Node
    from pyqio.verify.evidence import Hop, Side

WIDTH: Final = 79
_SHOWN: Final = 4096
"""Bytes that the commands at the end show at most."""


def first_line(error: VerifyError) -> str:
    """The line that names the request and the first sector that differs, in sectors of 512 bytes."""
    offset = error.offset or 0
    sectors = -(-error.length // SECTOR_SIZE)
    request = f"blkverify: {error.operation} sector_num={offset // SECTOR_SIZE} nb_sectors={sectors}"
    if isinstance(error, MismatchError):
        return f"{request} contents mismatch in sector {error.first // SECTOR_SIZE}"
    return f"{request} {error.message}"


def qemu_line(error: VerifyError, *, alignment: int) -> str:
    """The line of qemu-io 7.2, in bytes.

    ``alignment``: request alignment of the node that the request was made to, since that widened it.
    """
    offset = error.offset or 0
    start = offset // alignment * alignment
    end = -(-(offset + error.length) // alignment) * alignment
    return f"blkverify: {error.operation} offset={start} bytes={end - start} {error.message}"


def report(error: VerifyError, nodes: Mapping[str, Node]) -> Iterator[str]:
    """All lines of the report.

    ``nodes``: the open nodes by name; both sides of the pair are read again, and what fails then is reported too.
    """
    yield first_line(error)
    if isinstance(error, MismatchError):
        yield from _contents(error, nodes)
    elif isinstance(error, OutcomeMismatch):
        yield from _outcomes(error, nodes)


def _outcomes(error: OutcomeMismatch, nodes: Mapping[str, Node]) -> Iterator[str]:
    sides = pair(error, nodes)
    for index, (key, failure) in enumerate((("raw", error.raw_error), ("test", error.test_error))):
        name = f" {_name(sides[index])}:" if sides else ""
        yield from _fold(f"{key:4} {name} {_outcome(failure)}")


def _outcome(failure: BlockError | None) -> str:
    if failure is None:
        return "succeeded"
    where = f" (node {failure.node} at offset {failure.offset or 0:#x})" if failure.node else ""
    return visible(failure.message) + where


def _contents(error: MismatchError, nodes: Mapping[str, Node]) -> Iterator[str]:
    sides = gather(error, nodes)
    yield from _extent(error, sides[1].node.limits.pwrite_zeroes_alignment if sides else 0)
    if sides is None:
        return
    held = [_held(side, error.runs[0]) for side in sides]
    for side, text in zip(sides, held, strict=True):
        yield from _side(side, text.ljust(max(map(len, held))))
    yield from _rows(error, *sides)
    for side in sides:
        yield from _command(side.node, error.runs[0])


def _extent(error: MismatchError, cluster: int) -> Iterator[str]:
    """How much differs, how it is aligned, and where."""
    found = error.differences
    start = error.offset or 0
    of = f" of {error.length}" if start <= error.first and found.end <= start + error.length else ""
    counts = f"{_count(found.run_count, 'run')}, {_count(found.sector_count, 'sector')}"
    text = f"{found.byte_count}{of} bytes differ in {counts}, {alignment(error.runs, cluster)}:"
    runs = _ranges(error.runs, found.run_count)
    if len(f"  {text} {runs}") <= WIDTH:
        yield f"  {text} {runs}"
    else:
        yield from _fold(text)
        yield f"    {runs}"


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


def _side(side: Side, held: str) -> Iterator[str]:
    """What the side holds and where: one line, or more where its way down is long."""
    name, steps = _name(side.node), _steps(side.hops)
    line = f"  {side.key:4}  {held}  {name}: {' -> '.join(steps)}"
    if steps and columns(line) <= WIDTH:
        yield line
        return
    yield from _fold(f"{side.key:4}  {held}  {shortened(name, 40)}")
    for arrow, step in zip(["", *["-> "] * len(steps)], steps, strict=False):
        yield from _fold(f"      {arrow}{step}")


def _held(side: Side, run: Run) -> str:
    """What the first run is on this side."""
    if side.data is None:
        return f"cannot be read: {visible(side.error)}"
    data = side.data[run.start - side.offset : run.end - side.offset]
    return held(data)


def _steps(hops: tuple[Hop, ...]) -> list[str]:
    """The way down: what each format says of the byte, then the offset on the host."""
    steps = []
    key = ""
    for node, offset, location in hops:
        name = f"backing {_name(node)}: " if key == "backing" else ""
        if node.driver.role is Role.PROTOCOL:
            steps.append(f"{name}{node.driver.name} offset {offset:#x}")
        elif name or location.kind != "data" or location.detail:
            steps.append(name + ", ".join(filter(None, (location.kind, visible(location.detail)))))
        key = location.child or ""
    return steps


def _rows(error: MismatchError, raw: Side, test: Side) -> Iterator[str]:
    """The first row that differs on both sides, the one before it, and how much is left."""
    if raw.data is None or test.data is None:
        return
    layout = Layout(error.first + 1)
    width = layout.width
    row = error.first - error.first % width

    def bytes_at(side: Side, offset: int) -> bytes:
        start = offset - side.offset
        return (side.data or b"")[start : start + width] if start >= 0 else b""

    before, ours, theirs = bytes_at(raw, row - width), bytes_at(raw, row), bytes_at(test, row)
    unlike = [a != b for a, b in zip(ours, theirs, strict=False)]
    if not any(unlike):
        yield "  Read again, both sides hold the same: the difference was passing."
        return
    if before and before == bytes_at(test, row - width):
        yield layout.row(" ", row - width, before)
    yield layout.row("R", row, ours)
    yield layout.row("T", row, theirs)
    yield layout.marks(unlike)
    left = error.differing - sum(unlike)
    if left > 0:
        start = next(max(run.start, row + width) for run in error.runs if run.end > row + width)
        yield f"* {left} more bytes differ between {start:#x} and {error.differences.end - 1:#x}"


def _command(node: Node, run: Run) -> Iterator[str]:
    """The command that shows the run, on one line or on several that a shell joins."""
    start = run.start - run.start % ROW
    length = min(-(-run.end // ROW) * ROW, node.length()) - start
    if not node.filename or length <= 0:
        return
    command = f"pyqio -rU{_format(node)} -c 'read -v {start:#x} {min(length, _SHOWN)}'"
    pieces = list(quoted_pieces(_typed(node.filename), WIDTH - 3))
    if len(pieces) == 1 and columns(f"  {command} {pieces[0]}") <= WIDTH:
        yield f"  {command} {pieces[0]}"
        return
    yield f"  {command} \\"
    for piece in pieces[:-1]:
        yield f"{piece}\\"
    yield pieces[-1]


def _format(node: Node) -> str:
    """The option that keeps the image from being guessed at, where the pair did not guess either."""
    if node.driver.role is Role.PROTOCOL:
        return " -f raw"
    return "" if node.flags.probed or node.driver.role is Role.FILTER else f" -f {node.driver.name}"


def _typed(filename: str) -> str:
    """A file's name so that it is taken neither for an option nor for a protocol's."""
    odd = filename.startswith("-") or protocol_prefix(filename) is not None
    return f"./{filename}" if odd and os.path.lexists(filename) else filename


def _name(node: Node) -> str:
    return visible(node.filename or node.name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _fold(text: str) -> Iterator[str]:
    """Indented, and on further lines what is too long for one."""
    from textwrap import wrap

    for line in wrap(text, WIDTH - 2, drop_whitespace=False, subsequent_indent="      "):
        yield "  " + shortened(line.rstrip(), WIDTH - 2)
