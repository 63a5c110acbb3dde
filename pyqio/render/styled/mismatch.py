"""The diagnosis of a verified pair that does not agree, as people see it: render/mismatch, painted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.render.diff import Row
from pyqio.render.mismatch import parts
from pyqio.render.styled.diff import Rows, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.render.spans import Line
    from pyqio.render.styled.theme import Theme
    from pyqio.verify.diagnosis import Diagnosis


def mismatch_lines(diagnosis: Diagnosis, theme: Theme, columns: int) -> Iterator[str]:
    """All lines, without their ends.  ``columns``: of the window."""
    rows = Rows(theme, shape_of(diagnosis.first + 1, columns))
    for part in parts(diagnosis, rows.shape.width):
        if isinstance(part, Row):
            yield from rows.stacked(part)
        else:
            yield painted(part, theme)


def painted(line: Line, theme: Theme) -> str:
    """A line in its colours."""
    return "".join(theme.paint(theme.style(role), text) for role, text in line)
