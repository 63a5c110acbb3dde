"""What a user may choose about a session: one table for ``set``, the configuration file, completion and help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import UsageError
from pyqio.base.kinds import Bool, Choice, Text
from pyqio.base.record import Record
from pyqio.commands.rejected import Rejected, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.base.kinds import Kind


class Setting(Record):
    """One of them.  ``default`` is a value of ``kind``; ``meaning`` a phrase for help."""

    name: str
    kind: Kind
    default: Any
    meaning: str


def _switch(name: str, meaning: str, *, on: bool = True) -> Setting:
    return Setting(name=name, kind=Bool(), default=on, meaning=meaning)


def _choice(name: str, meaning: str, *words: str) -> Setting:
    return Setting(name=name, kind=Choice(*words), default=words[0], meaning=meaning)


SETTINGS: Final = {
    setting.name: setting
    for setting in (
        _switch("banner", "the shell begins with a line on what is open"),
        _choice("color", "colour: where the terminal has it, or always, or never", "auto", "always", "never"),
        _choice("diff", "both sides of a difference one above the other, or side by side", "stacked", "side"),
        _choice("editing", "the keys of the shell's line editor", "emacs", "vi"),
        _choice(
            "format",
            "how results look: tables on a terminal, else plain; or one of these always",
            "auto",
            "plain",
            "table",
            "json",
        ),
        _switch("journal", "operations on verified pairs are kept for later sessions"),
        _choice(
            "on-mismatch",
            "after a mismatch: a script stops and the shell goes on; or stop, continue or exit",
            "auto",
            "stop",
            "continue",
            "exit",
        ),
        _choice("pager", "output that is taller than the screen goes through $PAGER", "auto", "never"),
        _switch("progress", "a line of progress on what takes longer than a second"),
        Setting(name="prompt", kind=Text(), default="pyqio> ", meaning="what the shell prints before a line"),
        _switch("repeat", "Enter on an empty line repeats a read or diff further on"),
        _switch("report", "each mismatch leaves a report for 'pyqio explore'"),
        _switch("safe", "the shell asks before a command changes the image, and undo can put it back", on=False),
        _switch("squeeze", "equal rows of a dump are counted, not shown"),
        _switch("suggest", "the shell suggests the rest of a line from former ones"),
        _choice("theme", "the colours", "ansi", "dark", "light", "colorblind"),
        _switch("timing", "the time that each command took", on=False),
        _switch("toolbar", "a line at the bottom of the shell on what is open"),
    )
}
"""By name, in alphabetical order."""


class Settings:
    """The values in force."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {name: setting.default for name, setting in SETTINGS.items()}
        self.changed: list[Callable[[str], None]] = []
        """Called with the name of a setting after it has changed."""
        self.colors: dict[str, str] = {}
        """Colours that the user wants instead of a theme's: SGR's parameters, by role."""

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def set(self, name: str, value: object) -> None:
        """Give ``name`` a new value: a text, or a value as TOML has it.  Raises Rejected."""
        setting = require(name)
        try:
            self._values[name] = setting.kind.parse(value)
        except UsageError as error:
            raise Rejected(f"setting {name}: {error}, not '{value}'", prefixed=True) from None
        for tell in self.changed:
            tell(name)


def require(name: str) -> Setting:
    """The setting of this name.  Raises Rejected."""
    if name not in SETTINGS:
        hint = did_you_mean(name, SETTINGS) or "; 'set' lists them"
        raise Rejected(f"there is no setting '{name}'{hint}", prefixed=True)
    return SETTINGS[name]
