"""colors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError
from pyqio.commands.command import Command, command
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

ROLES: Final = {
    "offset": "where a row of a dump starts",
    "nul": "a byte that is zero",
    "printable": "a byte that is a character",
    "whitespace": "a byte that is a blank, a tab or the end of a line",
    "ascii": "any other byte below 0x80",
    "high": "a byte from 0x80 on",
    "differ": "a byte that is not the same on both sides",
    "raw": "the trusted side of a pair",
    "test": "the side of a pair that is under test",
    "ok": "all is well",
    "bad": "a failure, and what is wrong of a line",
    "warning": "a warning",
    "hint": "what to do about it, or why it is so",
    "dim": "what is seldom looked at",
    "heading": "the heading of a table or of a part",
    "name": "the name of a value or of a command",
    "data": "a range with stored bytes",
    "zero": "a range of zeroes",
    "compressed": "a range that is compressed",
    "unallocated": "a range that another layer decides",
    "mixed": "a part of the disk that is of several kinds",
    "mismatch": "a range in which the sides of a pair differ",
}
"""What a theme has a colour for."""

_ATTRIBUTES: Final = {"bold": 1, "faint": 2, "italic": 3, "underline": 4, "reverse": 7, "strike": 9}
_COLORS: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

_ABOUT = """
 shows what the colours mean, each in itself

 Example:
 'set theme dark; colors' - shows those of another theme

 Colours are used on a terminal.  They can be switched off, or demanded, by 'set color', the option --color and the
 environment's NO_COLOR and FORCE_COLOR; 'set theme' and the option --theme choose others.  The section [colors] of
 config.toml has colours of one's own: raw = "bold green", differ = "reverse", offset = "208".
"""


def parameters(style: str) -> str:
    """SGR's parameters (ECMA-48, 8.3.117) for a style in words: ``bold red``, ``bright-blue on black``, ``208``.

    A number is one of the 256 colours that xterm has.  Raises UsageError.
    """
    found = []
    base = 30
    for word in style.split():
        name = word.removeprefix("bright-")
        if word == "on" and base == 30:
            base = 40
        elif word in _ATTRIBUTES and base == 30:
            found.append(str(_ATTRIBUTES[word]))
        elif name in _COLORS:
            found.append(str(base + _COLORS.index(name) + (0 if name == word else 60)))
        elif word.isascii() and word.isdecimal() and len(word) < 4 and int(word) < 256:
            found.append(f"{base + 8};5;{int(word)}")
        else:
            words = ", ".join((*_ATTRIBUTES, *_COLORS))
            raise UsageError(f"'{word}' is none of {words}, bright-..., 0 to 255, or 'on' before a background")
    return ";".join(found)


@command("colors", synopsis="", summary="shows what the colours mean", about=_ABOUT, needs_image=False, own=True)
class ShowColors(Command):
    """Say what the colours mean."""

    def run(self, context: Context) -> Sequence[Result]:
        """The legend."""
        columns = (Column("role", "style"), Column("meaning"))
        note = f"theme {context.settings['theme']}, color {context.settings['color']}"
        return [Table(name="colors", columns=columns, rows=list(ROLES.items()), note=note)]
