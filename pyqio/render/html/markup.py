"""Text made fit for a page of HTML, and the pieces that the page is made of."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from pyqio.render.names import ELLIPSIS, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


_LONGEST: Final = 1000


def text(value: object) -> str:
    """Foreign text: control characters as backslash escapes, nothing that is markup, and not without end."""
    shown = str(value)
    return escape(visible(shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}{ELLIPSIS}"))


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things; ``many``: the plural where it is no s at the end."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def element(tag: str, content: str, style: str = "") -> str:
    """``content``, which is markup, in an element; ``style``: its class."""
    return f'<{tag} class="{style}">{content}</{tag}>' if style else f"<{tag}>{content}</{tag}>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> Iterator[str]:
    """Rows of cells, which are markup; ``right``: the columns whose cells stand at their right edge."""
    yield "<table>\n"
    if headings:
        yield f"<thead><tr>{''.join(element('th', text(heading)) for heading in headings)}</tr></thead>\n"
    yield "<tbody>\n"
    for row in rows:
        cells = (element("td", cell, "n" if at in right else "") for at, cell in enumerate(row))
        yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</tbody></table>\n"
