"""alias and unalias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.commands.command import Command, command
from pyqio.commands.kinds import AliasName, Line
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ALIAS = """
 gives a line of commands a name

 Example:
 'alias dump read -v $1 ${2:-512}' - then 'dump 0x400' reads 512 bytes there, 'dump 0x400 1k' more
 "alias both = 'length; map | head -3'" - a line of several commands
 'alias' - lists them, 'alias dump' shows one

 $1 to $9 stand for the arguments, $* for all of them, ${2:-512} for the second or 512 where it is left out, $$ for a
 dollar sign.  A line without any of these takes the arguments at its end.
"""

_UNALIAS = """
 takes the name of an alias away

 Example:
 'unalias dump'
"""


@command(
    "alias",
    synopsis="[name [[=] command]]",
    summary="gives a line of commands a name",
    about=_ALIAS,
    arguments=(0, None),
    needs_image=False,
    own=True,
)
class Alias(Command):
    """Name a line, or list the names."""

    name: Annotated[str | None, AliasName()] = None
    words: Annotated[tuple[str, ...], Line()] = ()

    def run(self, context: Context) -> Sequence[Result]:
        """The list, where nothing is to be named."""
        if self.name is None:
            return [_table(context, sorted(context.aliases))]
        name, equals, first = self.name.partition("=")
        words = self.words[1:] if self.words[:1] == ("=",) else self.words
        if equals:
            words = (first, *words) if first else words
        if words:
            context.scripts.alias(name, words)
            return ()
        return [_table(context, [_known(context, name)])]


@command(
    "unalias",
    synopsis="name",
    summary="takes the name of an alias away",
    about=_UNALIAS,
    arguments=(1, 1),
    needs_image=False,
    own=True,
)
class Unalias(Command):
    """Forget an alias."""

    name: Annotated[str, AliasName()]

    def run(self, context: Context) -> Sequence[Result]:
        """Forget it; says nothing."""
        del context.aliases[_known(context, self.name)]
        return ()


def _known(context: Context, name: str) -> str:
    if name not in context.aliases:
        raise Rejected(f"there is no alias '{name}'", prefixed=True)
    return name


def _table(context: Context, names: Sequence[str]) -> Table:
    return Table(
        name="aliases",
        columns=(Column("name"), Column("command")),
        rows=[(name, context.aliases[name]) for name in names],
        empty="no aliases; 'help alias' shows how to make one",
    )
