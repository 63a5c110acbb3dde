"""Tables and named values that keep to the width of the window.

From a table that is too wide columns without a value go, the longest texts are folded between words, and then words
give up their middle; where all that is not enough, each row becomes lines of its own, one for a value.  rich lays the
columns out; a table of very many rows stays as wide as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.render.names import columns as width_of
from pyqio.render.names import shortened, visible
from pyqio.render.tables import cell, facts, heading, is_right
from pyqio.render.tables import table_lines as plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.segment import Segment
    from rich.text import Text

    from pyqio.commands.results import Column, Table
    from pyqio.render.styled.theme import Theme

_GAP: Final = "  "
_SGR: Final = "sgr"
_ENDLESS: Final = 1 << 20
_NARROWEST: Final = (24, 18, 12)
"""Columns that a word may have at most where there is little room, one after the other."""
_LAID_OUT: Final = 200
"""Rows that rich lays out at most, since each takes it up to a millisecond."""


def table_lines(table: Table, theme: Theme, columns: int) -> Iterator[str]:
    """Headings, a line for each row, and the note; lines have their ends."""
    if not table.rows:
        yield f"{theme.paint(theme.dim, table.empty)}\n" if table.empty else ""
    elif len(table.rows) > _LAID_OUT:
        yield from plain_lines(table.replace(note=""))
    else:
        shown = [
            _Shown(column, [cell(column, value) for value in values])
            for column, values in zip(table.columns, zip(*table.rows, strict=True), strict=True)
        ]
        yield from _fitted(shown, theme, columns) or _records(shown, theme)
    if table.note:
        yield f"{theme.paint(theme.dim, table.note)}\n"


class _Shown:
    """A column: its values as text.  ``widest``: longer words than that give up their middle."""

    def __init__(self, column: Column, texts: Sequence[str], widest: int | None = None) -> None:
        self.column = column
        self.heading = heading(column)
        self.texts = texts
        self.folds = column.kind == "text"
        self._widest = widest if self.folds else None

    def narrowed(self, widest: int) -> _Shown:
        """The same with shorter words."""
        return _Shown(self.column, self.texts, widest)

    def drawn(self, text: str, style: str) -> Text:
        """A cell; rich lays it out, and hands ``style`` on to whoever paints it."""
        from rich.style import Style
        from rich.text import Text

        if self._widest is not None:
            text = " ".join(shortened(word, self._widest) for word in text.split())
        return Text(text, style=Style(meta={_SGR: style}) if style else "")

    @property
    def width(self) -> int:
        """Columns of the longest text."""
        return max(map(width_of, (self.heading, *self.texts)))


def _fitted(shown: Sequence[_Shown], theme: Theme, room: int) -> list[str]:
    """Headings and rows in ``room`` columns; none where that cannot be."""
    if sum(one.width + len(_GAP) for one in shown) - len(_GAP) > room:
        shown = [one for one in shown if any(one.texts)]
    for widest in (None, *_NARROWEST):
        narrowed = shown if widest is None else [one.narrowed(widest) for one in shown]
        if lines := _laid_out(narrowed, theme, room):
            return lines
    return []


def _laid_out(shown: Sequence[_Shown], theme: Theme, room: int) -> list[str]:
    """Headings and rows as rich places them; none where a word would have to be broken."""
    from rich.console import Console
    from rich.table import Table as Layout

    console = Console(width=room, color_system=None, legacy_windows=False, highlight=False)
    layout = Layout(box=None, pad_edge=False, padding=(0, len(_GAP), 0, 0), header_style="")
    for one in shown:
        head = one.drawn(one.heading, theme.heading)
        layout.add_column(head, justify="right" if is_right(one.column) else "left", no_wrap=not one.folds)
    for row in zip(*(one.texts for one in shown), strict=True):
        layout.add_row(
            *(one.drawn(text, _style(one.column, text, theme)) for one, text in zip(shown, row, strict=True))
        )
    if console.measure(layout, options=console.options.update(width=_ENDLESS)).minimum > room:
        return []
    return [_painted(line, theme) for line in console.render_lines(layout, pad=False)]


def _painted(line: Iterable[Segment], theme: Theme) -> str:
    text = "".join(
        theme.paint(segment.style.meta.get(_SGR, "") if segment.style else "", segment.text) for segment in line
    )
    return text.rstrip() + "\n"


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
