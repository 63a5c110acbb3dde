"""set: what the user has chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pyqio.commands.command import Command, command
from pyqio.commands.kinds import Argument
from pyqio.commands.results import Column, Table
from pyqio.commands.settings import SETTINGS, require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_SET = """
 shows the settings, or changes one

 Example:
 'set' - lists them
 'set diff' - shows one
 'set diff side' - changes it, until the session ends

 A configuration file keeps them: 'pyqio --write-config' writes one with all that there is.
"""


class SettingName(Argument):
    """The name of a setting."""

    name = "name"

    def parse(self, value: object) -> str:
        """The name.  Raises Rejected where there is no such setting."""
        return require(str(value)).name

    def complete(self, prefix: str) -> Iterable[str]:
        """The names that start so."""
        return (name for name in SETTINGS if name.startswith(prefix))

    def meaning(self, value: str) -> str:
        """What the setting is for."""
        return SETTINGS[value].meaning


class SettingValue(Argument):
    """The value of the setting ``of``, of any where that is ""."""

    name = "value"

    def __init__(self, of: str = "") -> None:
        self._of = of

    def parse(self, value: object) -> str:
        """The text: the settings themselves look at it."""
        return str(value)

    def complete(self, prefix: str) -> Iterable[str]:
        """The words that the setting takes, where they are few."""
        return SETTINGS[self._of].kind.complete(prefix) if self._of in SETTINGS else ()

    def among(self, words: Sequence[str]) -> SettingValue:
        """The value of the setting that was named before."""
        return SettingValue(words[0]) if words else self


@command(
    "set",
    synopsis="[name [value]]",
    summary="shows the settings, or changes one",
    about=_SET,
    arguments=(0, 2),
    needs_image=False,
    own=True,
)
class Set(Command):
    """Show or change what the user has chosen."""

    name: Annotated[str | None, SettingName()] = None
    value: Annotated[str | None, SettingValue()] = None

    def run(self, context: Context) -> Sequence[Result]:
        """The settings that are asked for; nothing after a change."""
        if self.name is not None and self.value is not None:
            context.settings.set(self.name, self.value)
            return ()
        wanted = SETTINGS.values() if self.name is None else [SETTINGS[self.name]]
        return [
            Table(
                name="settings",
                columns=(Column("name"), Column("value"), Column("meaning")),
                rows=[(s.name, _shown(context.settings[s.name]), s.meaning) for s in wanted],
            )
        ]


def _shown(value: Any) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value)
