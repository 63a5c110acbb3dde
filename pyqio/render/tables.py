"""Tables and named values as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.render.figures import human
from pyqio.render.names import columns, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.commands.results import Column, Table

_RIGHT: Final = ("number", "offset", "size", "seconds")
_GAP: Final = "  "


def cell(column: Column, value: Any) -> str:
    """One value as a person reads it; "" for None."""
    if value is None:
        return ""
    match column.kind:
        case "offset":
            return f"{value:#x}"
        case "size":
            return human(value)
        case "seconds":
            return f"{value:.6f}"
        case "flag":
            return "yes" if value else "no"
        case _:
            return visible(str(value))


def heading(column: Column) -> str:
    """A column's name as a person reads it."""
    return column.name.replace("_", " ")


def is_right(column: Column) -> bool:
    """Whether the column's values stand at its right edge."""
    return column.kind in _RIGHT


def table_lines(table: Table) -> Iterator[str]:
    """A line of headings, a line for each row, and the note."""
    if not table.rows:
        yield f"{table.empty}\n" if table.empty else ""
    else:
        rows = [[heading(column) for column in table.columns]]
        rows += ([cell(*pair) for pair in zip(table.columns, row, strict=True)] for row in table.rows)
        widths = [max(map(columns, found)) for found in zip(*rows, strict=True)]
        for row in rows:
            yield _GAP.join(map(_padded, table.columns, row, widths)).rstrip() + "\n"
    if table.note:
        yield f"{table.note}\n"


def facts(values: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[int, str, str | None]]:
    """(depth, name, value) of all values, as text; None for what has values of its own, which follow."""
    for name, value in values.items():
        label = name if name.startswith("[") else name.replace("-", " ").replace("_", " ")
        if isinstance(value, list | tuple):
            value = {f"[{at}]": item for at, item in enumerate(value)}
        if isinstance(value, dict):
            yield depth, label, None
            yield from facts(value, depth + 1)
        else:
            yield depth, label, _fact(value)


def facts_lines(values: Mapping[str, Any], *, depth: int = 0) -> Iterator[str]:
    """``name: value`` on lines of their own, what is nested further in."""
    for at, label, text in facts(values, depth):
        yield f"{'    ' * at}{label}:{'' if text is None else f' {text}'}\n"


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6f}" if isinstance(value, float) else visible(str(value))


def _padded(column: Column, text: str, width: int) -> str:
    blanks = " " * (width - columns(text))
    return blanks + text if is_right(column) else text + blanks
