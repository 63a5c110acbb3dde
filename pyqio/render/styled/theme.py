"""What each part of the output looks like: SGR sequences (ECMA-48, section 8.3.117) by the role that text plays.

A sequence starts from nothing (``0;``), so that one role may follow another without anything between them.  No theme
tells things apart by colour alone: what matters has a letter, a glyph or reverse video too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.base.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.commands.settings import Settings


class Theme(Record):
    """SGR sequences by role, "" for text as it is; ``Theme()`` has no sequence at all.

    The roles are described in commands/colors.py; ``reset`` ends any of them.
    """

    offset: str = ""
    nul: str = ""
    printable: str = ""
    whitespace: str = ""
    ascii: str = ""
    high: str = ""
    differ: str = ""
    raw: str = ""
    test: str = ""
    ok: str = ""
    bad: str = ""
    warning: str = ""
    hint: str = ""
    dim: str = ""
    heading: str = ""
    name: str = ""
    data: str = ""
    zero: str = ""
    compressed: str = ""
    unallocated: str = ""
    mixed: str = ""
    mismatch: str = ""
    reset: str = ""

    def style(self, role: str) -> str:
        """The sequence of a role; "" for a word that is none."""
        return getattr(self, role) if role in _ROLES else ""

    def paint(self, style: str, text: str) -> str:
        """``text`` in a style of this theme; "" stays what it is."""
        return f"{style}{text}{self.reset}" if style and text else text


_COLOR: Final = re.compile(r"\x1b\[0;(?:3[0-7]|9[0-7]|38;5;[0-9]+)m")
_ROLES: Final = frozenset(Theme.fields())


def _theme(**parameters: str) -> Theme:
    return Theme(**{role: f"\x1b[0;{sgr}m" if sgr else "\x1b[0m" for role, sgr in parameters.items()}, reset="\x1b[0m")


def _indexed(**colors: str) -> dict[str, str]:
    """Foreground colours of the 256 that xterm has, attributes in front of them: ``1;208``."""
    return {role: ";".join((*front, f"38;5;{number}")) for role, (*front, number) in _split(colors)}


def _split(colors: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    return [(role, color.split(";")) for role, color in colors.items()]


# Faint, where others take bright black: palettes there are in which that is the background.
_ATTRIBUTES: Final = {
    "offset": "2",
    "nul": "2",
    "printable": "",
    "whitespace": "",
    "ascii": "",
    "high": "",
    "differ": "7",
    "raw": "1",
    "test": "1",
    "ok": "",
    "bad": "1",
    "warning": "1",
    "hint": "4",
    "dim": "2",
    "heading": "1",
    "name": "",
    "data": "1",
    "zero": "2",
    "compressed": "",
    "unallocated": "2",
    "mixed": "",
    "mismatch": "7",
}

UNCOLORED: Final = _theme(**_ATTRIBUTES)
"""Bold, faint, underlined and reverse, and no colour."""

THEMES: Final = {
    "ansi": _theme(
        **_ATTRIBUTES
        | {
            "printable": "36",
            "whitespace": "32",
            "ascii": "35",
            "high": "33",
            "raw": "1;34",
            "test": "1;35",
            "ok": "32",
            "bad": "1;31",
            "warning": "33",
            "hint": "36",
            "name": "36",
            "data": "32",
            "compressed": "36",
            "mixed": "33",
            "mismatch": "1;7;31",
        }
    ),
    "dark": _theme(
        **_ATTRIBUTES
        | _indexed(
            offset="245",
            nul="240",
            printable="80",
            whitespace="114",
            ascii="176",
            high="221",
            raw="1;75",
            test="1;213",
            ok="114",
            bad="1;203",
            warning="221",
            hint="117",
            dim="245",
            heading="1;255",
            name="117",
            data="114",
            zero="245",
            compressed="80",
            unallocated="240",
            mixed="221",
            mismatch="1;7;203",
        )
    ),
    "light": _theme(
        **_ATTRIBUTES
        | _indexed(
            offset="243",
            nul="248",
            printable="24",
            whitespace="28",
            ascii="90",
            high="130",
            raw="1;25",
            test="1;90",
            ok="28",
            bad="1;124",
            warning="130",
            hint="24",
            dim="243",
            heading="1;16",
            name="24",
            data="28",
            zero="243",
            compressed="24",
            unallocated="248",
            mixed="130",
            mismatch="1;7;124",
        )
    ),
    "colorblind": _theme(
        **_ATTRIBUTES
        | _indexed(
            printable="74",
            whitespace="36",
            ascii="175",
            high="214",
            raw="1;32",
            test="1;214",
            ok="74",
            bad="1;166",
            warning="214",
            hint="74",
            name="74",
            data="32",
            compressed="175",
            mixed="214",
            mismatch="1;7;166",
        )
    ),
}
"""By the names of the setting.  "colorblind" has the colours of Okabe and Ito, the nearest of the 256."""


def between(before: str, after: str) -> str:
    """What leads from one style to another; shorter where both are nothing but a foreground colour."""
    if _COLOR.fullmatch(before) and _COLOR.fullmatch(after):
        return after.replace("[0;", "[")
    return after


def chosen(settings: Settings, environ: Mapping[str, str], *, terminal: bool) -> Theme:
    """The theme in force; no colour, or no sequence at all, where none is wanted.

    ``terminal``: the output goes to one.  The setting decides unless it is "auto"; then NO_COLOR (no-color.org: no
    colour, other attributes stay), FORCE_COLOR, and last whether there is a terminal that is not dumb.
    """
    capable = terminal and environ.get("TERM", "") not in ("", "dumb")
    match settings["color"]:
        case "never":
            return Theme()
        case "always":
            return _with_own(settings)
    if environ.get("NO_COLOR"):
        return UNCOLORED if capable else Theme()
    return _with_own(settings) if capable or _is_forced(environ) else Theme()


def _with_own(settings: Settings) -> Theme:
    """The theme of the settings, with the colours that the user has chosen for some roles."""
    own = {role: f"\x1b[0;{sgr}m" if sgr else "\x1b[0m" for role, sgr in settings.colors.items()}
    return THEMES[settings["theme"]].replace(**own)


def _is_forced(environ: Mapping[str, str]) -> bool:
    """Whether colour is wanted wherever the output goes (force-color.org; other programs know 0 as well)."""
    return environ.get("FORCE_COLOR", "") not in ("", "0")


def heed(settings: Settings, environ: Mapping[str, str]) -> None:
    """Let the environment's word on colour count for more than the configuration's, which was taken before."""
    if environ.get("NO_COLOR") or _is_forced(environ):
        settings.set("color", "auto")
