"""Both sides of a pair as rows of a dump, one above the other, as plain text.

      000003f0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    R 00000400:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................
    T 00000400:  cd cd cd cd 00 00 00 00  00 00 00 00 00 00 00 00  ................
                             ^^ ^^ ^^ ^^  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^
    * 30 more such rows, 0x410-0x5ef

Rows in which the sides agree are shown next to those that differ, and counted elsewhere; of rows that differ, only
those that are the same on both sides as the row above.  Where nothing differs the bytes are shown once.  Two hyphens
stand for a byte past the end of a side, which counts as zero.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.render.figures import size
from pyqio.render.names import columns, shortened, visible
from pyqio.verify.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.commands.results import Diff
    from pyqio.verify.difference import Part

_ROW: Final = 16
_CHUNK: Final = 4096
"""Bytes that are looked at at once where nothing new is in them."""
_WIDE_DIGITS: Final = 9
"""Digits of an offset that leave room for a whole row in 80 columns."""

BETWEEN: Final = " | "
"""Between both sides of a row."""

ASCII: Final = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in range(256))


class Row(NamedTuple):
    """A row of the dump; a side that ends before has fewer bytes or none."""

    offset: int
    raw: bytes
    test: bytes

    @property
    def unlike(self) -> list[bool]:
        """For each byte, whether the sides differ there."""
        raw, test = padded(self.raw, self.test)
        return [ours != theirs for ours, theirs in zip(raw, test, strict=True)]


class Gap(NamedTuple):
    """Rows that are not shown, from ``start`` to ``end`` (bytes); ``same``: each is the row above once more.

    ``same`` False: the sides agree in them.
    """

    rows: int
    start: int
    end: int
    same: bool


class Unread(NamedTuple):
    """Bytes from ``start`` to ``end`` that the side ``key`` (R or T) cannot be asked for."""

    key: str
    start: int
    end: int
    message: str


Line = Row | Gap | Unread


class Layout:
    """How wide the rows of a dump are whose last byte is before ``end``; ``width``: bytes in a row."""

    def __init__(self, end: int) -> None:
        self.digits = max(8, len(f"{max(end - 1, 0):x}"))
        self.width = _ROW if self.digits <= _WIDE_DIGITS else _ROW // 2

    @property
    def half(self) -> int:
        """Columns of the bytes and characters of one side."""
        return len(self.cells(())) + 2 + self.width

    def row(self, gutter: str, offset: int, data: bytes, *, missing: int = 0) -> str:
        """A row of one side; ``missing``: bytes past its end."""
        cells = [f"{byte:02x}" for byte in data] + ["--"] * missing
        text = data.decode("latin-1").translate(ASCII)
        return f"{gutter} {offset:0{self.digits}x}:  {self.cells(cells)}  {text}".rstrip()

    def marks(self, unlike: Sequence[bool]) -> str:
        """The row of ``^^`` below bytes that differ."""
        return " " * (self.digits + 5) + self.cells(["^^" if differs else "  " for differs in unlike]).rstrip()

    def cells(self, cells: Sequence[str]) -> str:
        """Two columns a byte, of as many as there may be, with a gap in the middle where there is room for it."""
        full = [*cells, *["  "] * (self.width - len(cells))]
        gap = "  " if self.digits == 8 else " "
        return gap.join(" ".join(half) for half in (full[:8], full[8:]) if half)


def diff_lines(diff: Diff) -> Iterator[str]:
    """All lines of the result."""
    yield from headline(diff)
    layout = Layout(diff.end)
    show = _stacked
    if diff.side:
        show = _beside
        yield names_above(diff, layout.digits + 5, layout.half)
    differs = False
    for line in rows(diff.parts, layout.width, squeeze=diff.squeeze):
        if isinstance(line, Row):
            differs |= any(line.unlike)
            yield from show(layout, line)
        else:
            differs |= isinstance(line, Unread)
            yield note(line)
    yield from closing(diff, differs=differs)


def headline(diff: Diff) -> Iterator[str]:
    """Which difference this is."""
    if diff.run is not None:
        start, end = diff.run
        yield f"difference {diff.number} of {diff.count}: [{start:#x}, {end:#x}) {size(end - start)}"


def names_above(diff: Diff, column: int, half: int) -> str:
    """A line above rows side by side, whose bytes start at ``column`` and take ``half`` columns a side."""
    raw, test = (shortened(visible(name), half - 2) for name in (diff.raw, diff.test))
    return f"{'':{column}}R {raw}{' ' * (half - 2 - columns(raw))}{BETWEEN}T {test}"


def closing(diff: Diff, *, differs: bool) -> Iterator[str]:
    """What is to be said after the rows."""
    if not differs:
        yield f"equal: [{diff.offset:#x}, {diff.end:#x}) {size(diff.length)}"
    elif diff.run is not None and diff.run.end > diff.end:
        yield f"* the difference goes on up to {diff.run.end:#x}: diff {diff.end:#x}"


def note(line: Gap | Unread) -> str:
    """A line in the place of rows."""
    if isinstance(line, Unread):
        return f"{line.key} {line.start:#x}-{line.end - 1:#x} cannot be read: {visible(line.message)}"
    what = counted(line.rows, "more such row" if line.same else "equal row")
    return f"* {what}, {line.start:#x}-{line.end - 1:#x}"


def padded(raw: bytes, test: bytes) -> tuple[bytes, bytes]:
    """Both sides in one length: what is past an end is zero."""
    length = max(len(raw), len(test))
    return raw.ljust(length, b"\0"), test.ljust(length, b"\0")


def rows(parts: Iterable[Part], width: int, *, squeeze: bool) -> Iterator[Line]:
    """The rows of ``width`` bytes that tell something, and what stands for the others."""
    parts = iter(parts)
    head = [part for _, part in zip(range(2), parts, strict=False)]
    squeezed = _Squeeze(equal=len(head) == 1 and _is_equal(head[0]))
    for part in chain(head, parts):
        if part.raw_error or part.test_error:
            yield from squeezed.flush()
            yield from _unread(part)
            continue
        if squeeze:
            yield from squeezed.draw(Row(part.offset, part.raw, part.test), width)
        else:
            yield from _split(part, width)
    yield from squeezed.flush()


def _split(part: Part | Row, length: int) -> Iterator[Row]:
    for at in range(0, max(len(part.raw), len(part.test)), length):
        yield Row(part.offset + at, part.raw[at : at + length], part.test[at : at + length])


def _is_equal(part: Part | Row) -> bool:
    raw, test = padded(part.raw, part.test)
    return raw == test


def _unread(part: Part) -> Iterator[Unread]:
    for key, message in (("R", part.raw_error), ("T", part.test_error)):
        if message:
            yield Unread(key, part.offset, part.offset + part.length, message)


class _Squeeze:
    """Counts rows that tell nothing new; ``equal``: there will be none that differ."""

    def __init__(self, *, equal: bool) -> None:
        self._equal = equal
        self._last: Row | None = None
        self._gap: Gap | None = None

    def draw(self, piece: Row, width: int) -> Iterator[Line]:
        """Count rows of ``width`` bytes, as many as possible at once, or show them."""
        length = max(len(piece.raw), len(piece.test))
        if self._is_dull(piece):
            self._count(piece, length, width)
        elif length > width:
            for smaller in _split(piece, _CHUNK if length > _CHUNK else width):
                yield from self.draw(smaller, width)
        else:
            yield from self._show(piece)

    def _show(self, row: Row) -> Iterator[Line]:
        gap, last = self._gap, self._last
        if gap is not None and not gap.same and last is not None:  # the row above one that differs is shown, too
            if gap.rows > 1:
                yield gap._replace(rows=gap.rows - 1, end=last.offset)
            yield last
            self._gap = None
        yield from self.flush()
        yield row
        self._last = row

    def flush(self) -> Iterator[Line]:
        """Show how many were counted."""
        if self._gap is not None:
            yield self._gap
        self._gap = self._last = None

    def _is_dull(self, piece: Row) -> bool:
        """Whether a row, or several, need not be shown after what came before."""
        last = self._last
        if last is None:
            return False
        if not self._equal and _is_equal(last) and _is_equal(piece):
            return True
        rows = max(len(piece.raw), len(piece.test)) // max(len(last.raw), len(last.test))
        return piece.raw == last.raw * rows and piece.test == last.test * rows

    def _count(self, piece: Row, length: int, width: int) -> None:
        assert self._last is not None
        same = self._equal or not _is_equal(self._last)
        rows = -(-length // width)
        at = (rows - 1) * width
        gap = self._gap or Gap(0, piece.offset, piece.offset, same=same)
        self._gap = gap._replace(rows=gap.rows + rows, end=piece.offset + length)
        self._last = Row(piece.offset + at, piece.raw[at:], piece.test[at:])


def _stacked(layout: Layout, row: Row) -> Iterator[str]:
    length = max(len(row.raw), len(row.test))
    unlike = row.unlike
    if not any(unlike):
        gutter, data = agreeing(row)
        yield layout.row(gutter or " ", row.offset, data)
        return
    for gutter, data in (("R", row.raw), ("T", row.test)):
        yield layout.row(gutter, row.offset, data, missing=length - len(data))
    yield layout.marks(unlike)


def agreeing(row: Row) -> tuple[str, bytes]:
    """What is shown once of a row in which the sides agree; the letter of the side that has it, if only one has."""
    if len(row.raw) == len(row.test):
        return "", row.raw
    return ("R", row.raw) if len(row.raw) > len(row.test) else ("T", row.test)


def _beside(layout: Layout, row: Row) -> Iterator[str]:
    """Raw on the left, test on the right."""
    length = max(len(row.raw), len(row.test))
    halves = []
    for data in (row.raw, row.test):
        missing = length - len(data)
        cells = layout.cells([f"{byte:02x}" for byte in data] + ["--"] * missing)
        halves.append(f"{cells}  {data.decode('latin-1').translate(ASCII):{layout.width}}")
    unlike = row.unlike
    yield f"{'!' if any(unlike) else ' '} {row.offset:0{layout.digits}x}:  {BETWEEN.join(halves)}".rstrip()
    if any(unlike):
        marks = layout.cells(["^^" if differs else "  " for differs in unlike])
        yield f"{'':{layout.digits + 5}}{marks}  {'':{layout.width}}{BETWEEN}{marks}".rstrip()
