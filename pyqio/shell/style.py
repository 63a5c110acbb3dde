"""The shell's looks: prompt_toolkit's styles, made of the theme that results are shown in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from prompt_toolkit.formatted_text import ANSI, to_formatted_text
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style

from pyqio.render.styled.theme import chosen
from pyqio.shell import spans

if TYPE_CHECKING:
    from pyqio.commands.settings import Settings
    from pyqio.render.styled.theme import Theme

_ROLES: Final = {
    spans.COMMAND: "heading",
    spans.ERROR: "bad",
    spans.FLAG: "name",
    spans.NUMBER: "data",
    spans.PATH: "hint",
    spans.STRING: "ok",
    "comment": "dim",
    "sign": "heading",
    "outside": "warning",
    "state": "bad",
    "auto-suggestion": "dim",
    "bottom-toolbar": "dim",
    "validation-toolbar": "bad",
}
"""The role in the theme of each of prompt_toolkit's classes, and of ours."""

_MENU: Final = {
    "completion-menu": "bg:default fg:default",
    "completion-menu.completion.current": "bg:default fg:default reverse",
    "completion-menu.meta.completion": "bg:default fg:default",
    "completion-menu.meta.completion.current": "bg:default fg:default reverse",
}
"""A menu without colours; with them it looks as prompt_toolkit has it."""

_PLAIN: Final = "noreverse bg:default fg:default "
"""What undoes prompt_toolkit's own style of a class."""


def looks(settings: Settings) -> tuple[Style, ColorDepth | None]:
    """The style, and how many colours there may be; None for as many as the terminal has."""
    theme = chosen(settings, os.environ, terminal=True)
    wanted = settings["color"] == "always" or (settings["color"] == "auto" and not os.environ.get("NO_COLOR"))
    styles = {name: _PLAIN + _style(theme, role) for name, role in _ROLES.items()}
    return Style.from_dict(styles | ({} if wanted else _MENU)), None if wanted else ColorDepth.DEPTH_1_BIT


def _style(theme: Theme, role: str) -> str:
    """prompt_toolkit's words for what a sequence does to the text behind it."""
    fragments = to_formatted_text(ANSI(f"{theme.style(role)}x"))
    return fragments[0][0]
