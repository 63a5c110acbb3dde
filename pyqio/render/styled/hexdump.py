"""The dump that people read: byte classes by colour, equal rows counted, lines no wider than the window.

      00000000:  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a 00 ff  Hello, world!...
    * 254 equal rows, 0x10-0xfef
      00000ff0:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................

The classes are those of hexyl: NUL, printable, white space, other ASCII, and from 0x80 on.  Many rows are drawn at
once, without a step of Python for a byte: what a byte looks like after a byte of another class is in a table, the
table's answers for a column of all rows are a slice, and a block of rows is such slices put beside one another.
"""

from __future__ import annotations

import re
from itertools import chain, repeat
from operator import eq
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.render.styled.theme import between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.render.styled.theme import Theme

_ROWS: Final = 512
"""Rows that are drawn at once."""
_LEAST: Final = 2
"""Equal rows that are counted and not shown."""
_GROUP: Final = 8
"""Bytes before a gap."""

_CLASSES: Final = ("nul", "printable", "whitespace", "ascii", "high")
_NO_CLASS: Final = len(_CLASSES)
_FIRST: Final = 256 * _NO_CLASS
"""From here on tables tell what the first byte of a row looks like."""
_EQUAL: Final = re.compile(rb"\x01{%d,}|\A\x01|\x01\Z" % _LEAST)
"""Rows, by whether they are equal to the one before, that are counted, or may be once the next block is known."""


def _class_of(byte: int) -> int:
    if byte == 0:
        return 0
    if byte in b"\t\n\v\f\r ":
        return 2
    return 4 if byte >= 0x80 else 1 if 0x20 < byte < 0x7F else 3


_CLASS_OF: Final = bytes(map(_class_of, range(256)))
_SHOWN: Final = [chr(byte) if 0x20 <= byte < 0x7F else "." for byte in range(256)]


class Shape(NamedTuple):
    """How a row is laid out.

    ``gutter``: columns before the offset.  ``digits``: of the offset.  ``width``: bytes.  ``gap``: blanks between
    groups of eight bytes.  ``pane``: there is one of characters.
    """

    gutter: int
    digits: int
    width: int
    gap: int
    pane: bool

    @property
    def columns(self) -> int:
        """Columns of a row."""
        return self.cells_at + self.cells + (2 + self.width if self.pane else 0)

    @property
    def cells_at(self) -> int:
        """The column of the first byte's digits."""
        return self.gutter + self.digits + (3 if self.pane else 1)

    @property
    def cells(self) -> int:
        """Columns of the digits."""
        return 3 * self.width - 1 + (self.gap - 1) * (self.width > _GROUP)


def shape_for(end: int, columns: int) -> Shape:
    """The widest row of at most ``columns`` columns.

    ``end``: where the dump ends (exclusive), which fixes the digits of all its offsets.
    """
    digits = max(8, len(f"{max(end - 1, 0):x}"))
    shapes = (
        Shape(2, digits, 16, 2 if digits == 8 else 1, pane=True),
        Shape(2, digits, 8, 1, pane=True),
        Shape(2, digits, 4, 1, pane=True),
        Shape(0, digits, 4, 1, pane=False),
        Shape(0, digits, 2, 1, pane=False),
    )
    return next((shape for shape in shapes if shape.columns <= columns), shapes[-1])


class Painter:
    """Draws rows of one shape in one theme."""

    def __init__(self, theme: Theme, shape: Shape) -> None:
        self.theme = theme
        self.shape = shape
        styles = [getattr(theme, name) for name in _CLASSES]
        lead = [
            "" if _CLASS_OF[byte] == seen else between(before, styles[_CLASS_OF[byte]])
            for seen, before in enumerate([*styles, ""])
            for byte in range(256)
        ]
        self._digits = [f"{' ' * (at < _FIRST)}{style}{at % 256:02x}" for at, style in enumerate(lead)]
        self._characters = [f"{style}{_SHOWN[at % 256]}" for at, style in enumerate(lead)]
        colon, blanks = (":", "  ") if shape.pane else ("", " ")
        self._front = theme.paint(theme.offset, f"%0{shape.digits}x{colon}") + blanks

    def row(self, gutter: str, offset: int, data: bytes, *, unlike: Sequence[bool] = (), style: str = "") -> str:
        """One row, without an end of line.

        ``gutter``: a letter that is drawn in ``style``.  ``unlike``: for each byte whether it differs, which is
        marked.  A row may be shorter than others.
        """
        theme, shape = self.theme, self.shape
        styles = [getattr(theme, _CLASSES[_CLASS_OF[byte]]) for byte in data]
        for at, mark in enumerate(unlike):
            if mark:
                styles[at] = theme.differ
        digits = [f"{byte:02x}" for byte in data]
        text = f"{theme.paint(style, gutter)}{' ' * (shape.gutter - len(gutter))}{self._front % offset}"
        text += self._cells(styles, digits, self._gaps(len(data)))
        if not shape.pane:
            return text.rstrip(" ")
        shown = sum(map(len, digits)) + sum(map(len, self._gaps(len(data))))
        text += " " * (shape.cells - shown + 2)
        return (text + self._cells(styles, [_SHOWN[byte] for byte in data], repeat(""))).rstrip(" ")

    def _gaps(self, count: int) -> list[str]:
        """Blanks behind the digits of each byte but the last."""
        return [" " * (self.shape.gap if at % _GROUP == 0 else 1) for at in range(1, count)]

    def _cells(self, styles: Sequence[str], texts: Sequence[str], gaps: Iterable[str]) -> str:
        """Neighbours of one style share its sequence, and the gap between them."""
        drawn = ""
        last = ""
        for style, text, gap in zip(styles, texts, chain(("",), gaps), strict=False):
            if style != last:
                drawn += (self.theme.reset if last else "") + gap + style + text
            else:
                drawn += gap + text
            last = style
        return drawn + (self.theme.reset if last else "")

    def fronts(self, offset: int, length: int) -> list[str]:
        """What stands before the bytes in each row of ``length`` bytes from ``offset``: gutter and offset."""
        front = " " * self.shape.gutter + self._front
        return list(map(front.__mod__, range(offset, offset + length, self.shape.width)))

    def block(self, fronts: Sequence[str], data: bytes) -> str:
        """Whole rows, with ends of lines: a text of ``fronts`` before the bytes of each."""
        shape = self.shape
        rows = len(fronts)
        if not rows:
            return ""
        digits, characters = self._faces(data)
        columns: list[Iterable[str]] = [fronts]
        for at in range(shape.width):
            if at and at % _GROUP == 0:
                columns.append(repeat(" " * (shape.gap - 1), rows))
            columns.append(digits[at :: shape.width])
        if shape.pane:
            columns.append(repeat("  ", rows))
            columns += (characters[at :: shape.width] for at in range(shape.width))
        columns.append(repeat(f"{self.theme.reset}\n", rows))
        parts = [""] * (rows * len(columns))
        for at, column in enumerate(columns):
            parts[at :: len(columns)] = column
        return "".join(parts)

    def counted(self, rows: int, start: int) -> str:
        """The line that stands for equal rows from ``start`` on."""
        text = f"* {rows} equal rows, {start:#x}-{start + rows * self.shape.width - 1:#x}"
        return self.theme.paint(self.theme.dim, text if len(text) <= self.shape.columns else f"* {rows} rows") + "\n"

    def _faces(self, data: bytes) -> tuple[list[str], list[str]]:
        """Digits and characters of all bytes, each with a sequence where the byte before it is of another class."""
        classes = data.translate(_CLASS_OF)
        pairs = bytearray(2 * len(data))
        pairs[::2] = data
        pairs[3::2] = classes[:-1]
        pairs[1 :: 2 * self.shape.width] = bytes((_NO_CLASS,)) * (len(data) // self.shape.width)
        wide = memoryview(pairs).cast("H")
        return list(map(self._digits.__getitem__, wide)), list(map(self._characters.__getitem__, wide))


def hexdump(
    painter: Painter, offset: int, windows: Iterable[bytes | bytearray | memoryview], *, squeeze: bool
) -> Iterator[str]:
    """The dump of bytes that start at ``offset`` and come in pieces of any size.

    ``squeeze``: rows equal to the one before them are counted and not shown.
    """
    width = painter.shape.width
    squeezed = _Squeezed(painter) if squeeze else None
    pending = b""
    for window in windows:
        data = pending + bytes(window) if pending else window
        whole = len(data) // width * width
        for at in range(0, whole, _ROWS * width):
            block = bytes(data[at : min(at + _ROWS * width, whole)])
            yield squeezed.draw(offset, block) if squeezed else painter.block(painter.fronts(offset, len(block)), block)
            offset += len(block)
        pending = bytes(data[whole:])
    if squeezed:
        yield squeezed.settle()
    if pending:
        yield f"{painter.row('', offset, pending)}\n"


class _Squeezed:
    """Rows without those that are equal to the one before."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._last = b""
        """The row before the next one."""
        self._row = b""
        self._held = 0
        self._start = 0
        """The equal rows that are held back: what is in them, how many, and the offset of the first."""

    def draw(self, offset: int, data: bytes) -> str:
        """Whole rows from ``offset`` on; those at their end that are equal are held back, since more may follow."""
        width = self._painter.shape.width
        rows = [data[at : at + width] for at in range(0, len(data), width)]
        equal = bytes((rows[0] == self._last, *map(eq, rows, rows[1:])))
        fronts = self._painter.fronts(offset, len(data))
        shown = []
        at = 0
        for match in _EQUAL.finditer(equal):
            start, end = match.span()
            if start:
                fronts[at] = self.settle() + fronts[at]
                shown.append(slice(at, start))
            self._hold(rows[start], end - start, offset + start * width)
            at = end
        if at < len(rows):
            fronts[at] = self.settle() + fronts[at]
            shown.append(slice(at, len(rows)))
        self._last = rows[-1]
        return self._painter.block(
            [front for part in shown for front in fronts[part]],
            b"".join(data[part.start * width : part.stop * width] for part in shown),
        )

    def settle(self) -> str:
        """What stands for the rows that were held back."""
        held, self._held = self._held, 0
        if held < _LEAST:
            return self._painter.block(self._painter.fronts(self._start, held * len(self._row)), self._row * held)
        return self._painter.counted(held, self._start)

    def _hold(self, row: bytes, count: int, start: int) -> None:
        if not self._held:
            self._row, self._start = row, start
        self._held += count
