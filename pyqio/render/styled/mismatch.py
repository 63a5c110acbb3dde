"""The diagnosis of a verified pair that does not agree, as people see it: render/mismatch, painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.render.diff import Row
from pyqio.render.mismatch import parts, text_of
from pyqio.render.names import columns as width_of
from pyqio.render.styled.diff import Rows, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.render.spans import Line
    from pyqio.render.styled.theme import Theme
    from pyqio.verify.diagnosis import Diagnosis


_INDENT: Final = 8 * " "


def mismatch_lines(diagnosis: Diagnosis, theme: Theme, columns: int) -> Iterator[str]:
    """All lines, without their ends.  ``columns``: of the window."""
    rows = Rows(theme, shape_of(diagnosis.first + 1, columns))
    for part in parts(diagnosis, rows.shape.width):
        if isinstance(part, Row):
            yield from rows.stacked(part)
        else:
            yield from _painted(part, theme, columns)


def _painted(line: Line, theme: Theme, columns: int) -> Iterator[str]:
    """A line in its colours; one that the window is too narrow for goes on below, in the first of them."""
    text = text_of(line)
    if width_of(text) <= columns:
        yield "".join(theme.paint(theme.style(role), part) for role, part in line)
        return
    from textwrap import wrap

    style = theme.style(next((role for role, _ in line if role), ""))
    for piece in wrap(text, columns, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False):
        yield theme.paint(style, piece)
