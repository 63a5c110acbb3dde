"""Help: Plain's text, with headings and names that stand out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.render.help import lines
from pyqio.render.names import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.commands.results import Helped, HelpedAll, HelpedTopic
    from pyqio.render.styled.theme import Theme

_HEADING: Final = re.compile(r" ?[A-Z][^.]*:")
_NAMED: Final = re.compile(r"(?P<indent> {2})(?P<name>-\S.*?|\S+)(?P<rest>  +\S.*|)")
"""A command, a topic or an option in a list, and perhaps what it is."""


def help_lines(result: Helped | HelpedAll | HelpedTopic, theme: Theme) -> Iterator[str]:
    """The help; lines have their ends."""
    for line in "".join(lines(result, own=True)).split("\n")[:-1]:
        yield f"{_drawn(visible(line), theme)}\n"


def _drawn(line: str, theme: Theme) -> str:
    if _HEADING.fullmatch(line):
        return theme.paint(theme.heading, line)
    if match := _NAMED.fullmatch(line):
        return match["indent"] + theme.paint(theme.name, match["name"]) + match["rest"]
    return line
