"""Tables and named values that keep to the width of the window.

A table that is too wide gives up the middle of its longest texts; where even that is not enough, each row becomes
lines of its own, one for a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.render.names import columns as width_of
from pyqio.render.names import shortened, visible
from pyqio.render.tables import cell, facts, heading, is_right

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyqio.commands.results import Column, Table
    from pyqio.render.styled.theme import Theme

_GAP: Final = "  "
_NARROWEST: Final = 8
"""Columns of a text that has given way."""


def table_lines(table: Table, theme: Theme, columns: int) -> Iterator[str]:
    """Headings, a line for each row, and the note; lines have their ends."""
    if not table.rows:
        yield f"{theme.paint(theme.dim, table.empty)}\n" if table.empty else ""
    else:
        texts = [[cell(column, value) for value in values] for column, values in _by_column(table)]
        widths = [
            max(map(width_of, (heading(column), *found))) for column, found in zip(table.columns, texts, strict=True)
        ]
        fitted = _fitted(table.columns, widths, columns)
        yield from _records(table, texts, theme) if fitted is None else _rows(table, texts, fitted, theme)
    if table.note:
        yield f"{theme.paint(theme.dim, table.note)}\n"


def _by_column(table: Table) -> Iterator[tuple[Column, Sequence[Any]]]:
    return zip(table.columns, zip(*table.rows, strict=True), strict=True)


def _fitted(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int] | None:
    """Widths that fit, None where there are none: the widest text gives way first."""
    fitted = list(widths)
    excess = sum(fitted) + len(_GAP) * (len(fitted) - 1) - room
    while excess > 0:
        texts = [at for at, column in enumerate(columns) if column.kind == "text" and fitted[at] > _NARROWEST]
        if not texts:
            return None
        widest = max(texts, key=fitted.__getitem__)
        others = max([fitted[at] for at in texts if at != widest], default=0)
        lost = min(excess, max(1, fitted[widest] - max(others, _NARROWEST)))
        fitted[widest] -= lost
        excess -= lost
    return fitted


def _rows(table: Table, texts: Sequence[Sequence[str]], widths: Sequence[int], theme: Theme) -> Iterator[str]:
    heads = [
        _padded(shortened(heading(column), width), column, width)
        for column, width in zip(table.columns, widths, strict=True)
    ]
    yield theme.paint(theme.heading, _GAP.join(heads).rstrip()) + "\n"
    drawn = [
        [_drawn(text, column, width, theme) for text in found]
        for column, width, found in zip(table.columns, widths, texts, strict=True)
    ]
    for row in zip(*drawn, strict=True):
        yield _GAP.join(row).rstrip() + "\n"


def _records(table: Table, texts: Sequence[Sequence[str]], theme: Theme) -> Iterator[str]:
    """A line for each value, and a blank one between rows."""
    for at, row in enumerate(zip(*texts, strict=True)):
        yield "\n" if at else ""
        for column, text in zip(table.columns, row, strict=True):
            drawn = theme.paint(_style(column, text, theme), text)
            yield f"{theme.paint(theme.name, heading(column))}: {drawn}".rstrip() + "\n"


def _drawn(text: str, column: Column, width: int, theme: Theme) -> str:
    text = shortened(text, max(width, _NARROWEST))
    painted = theme.paint(_style(column, text, theme), text)
    blanks = " " * (width - width_of(text))
    return blanks + painted if is_right(column) else painted + blanks


def _padded(text: str, column: Column, width: int) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + text if is_right(column) else text + blanks


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
