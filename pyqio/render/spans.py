"""Text with roles: one layout for plain and for coloured output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Span = tuple[str, str]
"""The role of a piece of text, by its name in the themes ("" for none), and the text."""
Line = list[Span]


def plain(lines: Iterable[Line]) -> str:
    """The text alone, each line with its end."""
    return "".join("".join(text for _, text in line).rstrip() + "\n" for line in lines)


def width(line: Line) -> int:
    """Characters in a line of spans that are all one column wide."""
    return sum(len(text) for _, text in line)
