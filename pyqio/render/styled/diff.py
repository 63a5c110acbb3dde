"""Both sides of a pair as people see them: as in render/diff, with the bytes that differ in reverse.

Where the theme has no sequence for those, they are marked as in plain text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.render import diff as plain
from pyqio.render.diff import BETWEEN, Row, Unread
from pyqio.render.styled.hexdump import Painter, Shape, shape_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.commands.results import Diff
    from pyqio.render.styled.theme import Theme

_ONE_SIDE: Final = 80
"""Columns of a row of one side where both stand side by side."""
_GROUP: Final = 8
_GUTTER: Final = 2
_SEQUENCE: Final = re.compile("\x1b\\[[0-9;]*m")


def diff_lines(diff: Diff, theme: Theme, columns: int) -> Iterator[str]:
    """All lines of the result, without their ends.  ``columns``: of the window."""
    yield from (theme.paint(theme.heading, text) for text in plain.headline(diff))
    rows = Rows(theme, shape_of(diff.end, min(columns, _ONE_SIDE)))
    show = rows.stacked
    if diff.side:
        show = rows.beside
        yield theme.paint(theme.heading, plain.names_above(diff, rows.shape.cells_at, rows.half))
    differs = False
    for line in plain.rows(diff.parts, rows.shape.width, squeeze=diff.squeeze):
        if isinstance(line, Row):
            differs |= any(line.unlike)
            yield from show(line)
        else:
            differs |= isinstance(line, Unread)
            yield theme.paint(theme.bad if isinstance(line, Unread) else theme.dim, plain.note(line))
    for text in plain.closing(diff, differs=differs):
        yield theme.paint(theme.dim if differs else theme.ok, text)


def shape_of(end: int, columns: int) -> Shape:
    """The widest row, for offsets below ``end``, that has room for the letter of a side."""
    shape = shape_for(end, columns)
    return shape if shape.gutter else shape_for(end, columns - _GUTTER)._replace(gutter=_GUTTER)


class Rows:
    """Draws rows of both sides in one theme and shape."""

    def __init__(self, theme: Theme, shape: Shape) -> None:
        self.shape = shape
        self._theme = theme
        self._painter = Painter(theme, shape)

    @property
    def half(self) -> int:
        """Columns of the bytes and characters of one side."""
        return self.shape.columns - self.shape.cells_at

    def stacked(self, row: Row) -> Iterator[str]:
        """R above T, or one row where they agree."""
        unlike = row.unlike
        theme = self._theme
        if not any(unlike):
            gutter, data = plain.agreeing(row)
            yield self._painter.row(gutter, row.offset, data, style=theme.raw if gutter == "R" else theme.test)
            return
        yield self._side("R", row.offset, row.raw, unlike, theme.raw)
        yield self._side("T", row.offset, row.test, unlike, theme.test)
        if not theme.differ:
            yield " " * self.shape.cells_at + self._marks(unlike).rstrip()

    def beside(self, row: Row) -> Iterator[str]:
        """Raw on the left, test on the right."""
        theme = self._theme
        unlike = row.unlike
        gutter = "!" if any(unlike) else ""
        left = self._side(gutter, row.offset, row.raw, unlike, theme.bad)
        right = self._side("", row.offset, row.test, unlike, "")
        front = self._painter.fronts(row.offset, self.shape.width)[0]
        blanks = " " * (self.shape.columns - len(_SEQUENCE.sub("", left)))
        yield left + blanks + BETWEEN + right.removeprefix(front)
        if gutter and not theme.differ:
            marks = self._marks(unlike)
            yield f"{'':{self.shape.cells_at}}{marks:{self.half}}{BETWEEN}{marks}".rstrip()

    def _side(self, gutter: str, offset: int, data: bytes, unlike: Sequence[bool], style: str) -> str:
        """A row of one side, which may have ended before."""
        text = self._painter.row(gutter, offset, data, unlike=unlike[: len(data)], style=style)
        return text if data or not any(unlike) else f"{text}  {self._theme.paint(self._theme.dim, 'past its end')}"

    def _marks(self, unlike: Sequence[bool]) -> str:
        cells = ["^^" if differs else "  " for differs in unlike]
        groups = (cells[at : at + _GROUP] for at in range(0, len(cells), _GROUP))
        return (" " * self.shape.gap).join(" ".join(group) for group in groups)
