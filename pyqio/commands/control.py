"""help, quit and sleep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from pyqio.commands import index
from pyqio.commands.command import Command, command
from pyqio.commands.help import HelpSubject, overview, subject
from pyqio.commands.kinds import Milliseconds
from pyqio.commands.pool import SYNCED
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Helped, HelpedAll, Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result


@command(
    "help",
    "?",
    synopsis="[command]",
    summary="help for one or all commands",
    arguments=(0, 1),
    needs_image=False,
)
class Help(Command):
    """Say what a command does."""

    name: Annotated[str | None, HelpSubject()] = None

    def run(self, context: Context) -> Sequence[Result]:
        """Help on one command, or a line on each; under the name pyqio also on groups and topics."""
        if context.own_commands:
            return _own_help(context, self.name)
        if self.name is None:
            return [HelpedAll(groups=[("", index.every(own=False))])]
        spec = index.find(self.name)
        if spec is None or spec.own:
            raise Rejected(f"command {self.name} not found")
        return [Helped(name=self.name, spec=spec)]


def _own_help(context: Context, name: str | None) -> Sequence[Result]:
    aliases = context.aliases
    if name is None:
        more = f"aliases: {', '.join(sorted(aliases))}; 'alias' shows what they stand for"
        return [overview(), *([Said(text=more)] if aliases else [])]
    if name in aliases:
        return [Said(text=f"{name} is an alias of: {aliases[name]}")]
    return [subject(name)]


@command("quit", "q", summary="exit the program", arguments=(0, None), needs_image=False)
class Quit(Command):
    """End the session."""

    def run(self, context: Context) -> Sequence[Result]:
        """What the session has to finish is finished when it closes."""
        context.quit()
        return ()


@command(
    "sleep",
    summary="waits for the given value in milliseconds",
    arguments=(1, 1),
    needs_image=False,
    polls=SYNCED,
)
class Sleep(Command):
    """Do nothing for a while."""

    milliseconds: Annotated[int, Milliseconds()]

    def run(self, context: Context) -> Sequence[Result]:
        """A time that 64 bits of nanoseconds do not hold is over at once, as in qemu-io."""
        if self.milliseconds * 10**6 + time.monotonic_ns() < 2**63:
            time.sleep(self.milliseconds / 1000)
        return ()
