"""Tables and named values that keep to the width of the window.

In a table that is too wide the longest texts are folded between words; where that is not enough, each row becomes
lines of its own, one for a value.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from pyqio.render.names import columns as width_of
from pyqio.render.names import visible
from pyqio.render.tables import cell, facts, heading, is_right

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pyqio.commands.results import Column, Table
    from pyqio.render.styled.theme import Theme

_GAP: Final = "  "
_NARROWEST: Final = 12
_LONGEST_WORD: Final = 24
"""Columns of a text that is folded, at least, and of a word in it that stays whole."""


def table_lines(table: Table, theme: Theme, columns: int) -> Iterator[str]:
    """Headings, a line for each row, and the note; lines have their ends."""
    if not table.rows:
        yield f"{theme.paint(theme.dim, table.empty)}\n" if table.empty else ""
    else:
        texts = [[cell(column, value) for value in values] for column, values in _by_column(table)]
        widths = [
            max(map(width_of, (heading(column), *found))) for column, found in zip(table.columns, texts, strict=True)
        ]
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - columns
        fitted = _fitted(table.columns, texts, widths, excess) if excess > 0 else widths
        yield from _records(table, texts, theme) if fitted is None else _rows(table, texts, fitted, theme)
    if table.note:
        yield f"{theme.paint(theme.dim, table.note)}\n"


def _by_column(table: Table) -> Iterator[tuple[Column, Sequence[Any]]]:
    return zip(table.columns, zip(*table.rows, strict=True), strict=True)


def _fitted(
    columns: Sequence[Column], texts: Sequence[Sequence[str]], widths: Sequence[int], excess: int
) -> list[int] | None:
    """Widths that are less by ``excess``, None where there are none: the widest text gives way first."""
    fitted = list(widths)
    least = [_least(found) if column.kind == "text" else None for column, found in zip(columns, texts, strict=True)]
    while excess > 0:
        giving = [at for at, width in enumerate(least) if width is not None and fitted[at] > width]
        if not giving:
            return None
        fitted[max(giving, key=fitted.__getitem__)] -= 1
        excess -= 1
    return fitted


def _least(texts: Sequence[str]) -> int:
    longest = max((width_of(word) for text in texts for word in text.split()), default=0)
    return max(_NARROWEST, min(longest, _LONGEST_WORD))


def _rows(table: Table, texts: Sequence[Sequence[str]], widths: Sequence[int], theme: Theme) -> Iterator[str]:
    heads = [_folded(heading(column), width) for column, width in _sized(table, widths)]
    for line in zip_longest(*heads, fillvalue=""):
        cells = [_padded(text, text, *place) for text, place in zip(line, _sized(table, widths), strict=True)]
        yield theme.paint(theme.heading, _GAP.join(cells).rstrip()) + "\n"
    drawn = [
        [_drawn(text, column, width, theme) for text in found]
        for (column, width), found in zip(_sized(table, widths), texts, strict=True)
    ]
    blanks = [" " * width for width in widths]
    for row in zip(*drawn, strict=True):
        if max(map(len, row)) == 1:
            yield _GAP.join([line for (line,) in row]).rstrip() + "\n"
        else:
            for lines in zip_longest(*row):
                found = (line if line is not None else blank for line, blank in zip(lines, blanks, strict=True))
                yield _GAP.join(found).rstrip() + "\n"


def _sized(table: Table, widths: Sequence[int]) -> Iterable[tuple[Column, int]]:
    return zip(table.columns, widths, strict=True)


def _folded(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns, one at least."""
    if width_of(text) <= width:
        return [text]
    from textwrap import wrap

    return wrap(text, width, break_on_hyphens=False)


def _records(table: Table, texts: Sequence[Sequence[str]], theme: Theme) -> Iterator[str]:
    """A line for each value, and a blank one between rows."""
    for at, row in enumerate(zip(*texts, strict=True)):
        yield "\n" if at else ""
        for column, text in zip(table.columns, row, strict=True):
            drawn = theme.paint(_style(column, text, theme), text)
            yield f"{theme.paint(theme.name, heading(column))}: {drawn}".rstrip() + "\n"


def _drawn(text: str, column: Column, width: int, theme: Theme) -> list[str]:
    style = _style(column, text, theme)
    return [_padded(line, theme.paint(style, line), column, width) for line in _folded(text, width)]


def _padded(text: str, painted: str, column: Column, width: int) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + painted if is_right(column) else painted + blanks


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
