"""Tables and named values that keep to the width of the window.

From a table that is too wide columns without a value go, the longest texts are folded between words, and then words
give up their middle; where all that is not enough, each row becomes lines of its own, one for a value.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from pyqio.render.names import columns as width_of
from pyqio.render.names import shortened, visible
from pyqio.render.tables import cell, facts, heading, is_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyqio.commands.results import Column, Table
    from pyqio.render.styled.theme import Theme

_GAP: Final = "  "
_NARROWEST: Final = (24, 12)
"""Columns that a text is folded to at least, and a word in it shortened: first this, and then that."""


def table_lines(table: Table, theme: Theme, columns: int) -> Iterator[str]:
    """Headings, a line for each row, and the note; lines have their ends."""
    if not table.rows:
        yield f"{theme.paint(theme.dim, table.empty)}\n" if table.empty else ""
    else:
        shown = [
            _Shown(column, [cell(column, value) for value in values])
            for column, values in zip(table.columns, zip(*table.rows, strict=True), strict=True)
        ]
        fitted = _fitted(shown, columns)
        yield from _rows(fitted, theme) if fitted else _records(shown, theme)
    if table.note:
        yield f"{theme.paint(theme.dim, table.note)}\n"


class _Shown:
    """A column: its values as text, and how many columns of the window it takes."""

    def __init__(self, column: Column, texts: Sequence[str]) -> None:
        self.column = column
        self.heading = heading(column)
        self.texts = texts
        self.width = max(map(width_of, (self.heading, *texts)))

    def least(self, narrowest: int) -> int:
        """What it can be folded to: whole words, but of those that are longer only so much."""
        if self.column.kind != "text":
            return self.width
        longest = max((width_of(word) for text in self.texts for word in text.split()), default=0)
        return min(self.width, max(_NARROWEST[-1], min(longest, narrowest)))

    def lines(self, text: str) -> list[str]:
        """``text`` in as many lines as it needs, one at least."""
        if width_of(text) <= self.width:
            return [text]
        from textwrap import wrap

        return wrap(" ".join(shortened(word, self.width) for word in text.split()), self.width, break_on_hyphens=False)

    def padded(self, text: str, painted: str) -> str:
        """``painted``, which is ``text`` in its style, in its place."""
        blanks = " " * (self.width - width_of(text))
        return blanks + painted if is_right(self.column) else painted + blanks

    def drawn(self, theme: Theme) -> list[list[str]]:
        """The lines of each value."""
        return [
            [self.padded(line, theme.paint(_style(self.column, text, theme), line)) for line in self.lines(text)]
            for text in self.texts
        ]


def _fitted(shown: Sequence[_Shown], room: int) -> Sequence[_Shown]:
    """Columns that fit; none where that cannot be."""
    if _excess(shown, room) <= 0:
        return shown
    shown = [one for one in shown if any(one.texts)]
    for narrowest in _NARROWEST:
        least = {one: one.least(narrowest) for one in shown}
        while (excess := _excess(shown, room)) > 0:
            giving = [one for one in shown if one.width > least[one]]
            if not giving:
                break
            max(giving, key=lambda one: one.width).width -= 1
        if excess <= 0:
            return shown
    return ()


def _excess(shown: Sequence[_Shown], room: int) -> int:
    return sum(one.width for one in shown) + len(_GAP) * (len(shown) - 1) - room


def _rows(shown: Sequence[_Shown], theme: Theme) -> Iterator[str]:
    for heads in zip_longest(*(one.lines(one.heading) for one in shown), fillvalue=""):
        cells = [one.padded(text, text) for one, text in zip(shown, heads, strict=True)]
        yield theme.paint(theme.heading, _GAP.join(cells).rstrip()) + "\n"
    blanks = [" " * one.width for one in shown]
    for row in zip(*(one.drawn(theme) for one in shown), strict=True):
        if max(map(len, row)) == 1:
            yield _GAP.join([line for (line,) in row]).rstrip() + "\n"
        else:
            for lines in zip_longest(*row):
                found = (line if line is not None else blank for line, blank in zip(lines, blanks, strict=True))
                yield _GAP.join(found).rstrip() + "\n"


def _records(shown: Sequence[_Shown], theme: Theme) -> Iterator[str]:
    """A line for each value, and a blank one between rows."""
    for at, row in enumerate(zip(*(one.texts for one in shown), strict=True)):
        yield "\n" if at else ""
        for one, text in zip(shown, row, strict=True):
            drawn = theme.paint(_style(one.column, text, theme), text)
            yield f"{theme.paint(theme.name, one.heading)}: {drawn}".rstrip() + "\n"


def _style(column: Column, text: str, theme: Theme) -> str:
    match column.kind:
        case "offset":
            return theme.offset
        case "style":
            return theme.style(text)
        case _:
            return ""


def facts_lines(values: Mapping[str, Any], theme: Theme) -> Iterator[str]:
    """A line for each value, names of one level above one another, what is nested further in."""
    found = [(depth, visible(label), text) for depth, label, text in facts(values)]
    widths: dict[int, int] = {}
    for depth, label, text in found:
        if text is not None:
            widths[depth] = max(widths.get(depth, 0), width_of(label))
    for depth, label, text in found:
        indent = "  " * depth
        if text is None:
            yield f"{indent}{theme.paint(theme.heading, label)}\n"
        else:
            blanks = " " * (widths[depth] - width_of(label))
            yield f"{indent}{theme.paint(theme.name, label)}{blanks}{_GAP}{visible(text)}".rstrip() + "\n"
