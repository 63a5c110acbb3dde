"""watch, time and timing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import UsageError
from pyqio.base.kinds import Bool
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Argument, Line
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Said, timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_WATCH = """
 runs a command again and again

 Example:
 'watch -n 1 read -v 0 64' - shows the first bytes every second
 'watch -c 5 "info; length"' - runs a line five times

 On a terminal only the lines that change are drawn again.  Ctrl-C ends it.
{flags}
"""

_TIME = """
 runs a command, and says how long it took

 Example:
 'time read 0 1G'

 The time of a clock on the wall, from the start of the command until all that it prints is shown.
"""

_TIMING = """
 says after each command how long it took

 Example:
 'timing on' - as 'set timing on'
"""

_SHORTEST = 0.1
"""Seconds between two runs, at least."""


class Seconds(Argument):
    """A time, with a fraction if need be."""

    name = "seconds"

    def parse(self, value: object) -> float:
        """Seconds; not less than 0.1, and not more than a day."""
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = -1.0
        if not _SHORTEST <= seconds <= 86400:
            raise Rejected(f"'{value}' is no number of seconds from {_SHORTEST} to 86400", prefixed=True)
        return seconds


class Rounds(Argument):
    """How often."""

    name = "count"

    def parse(self, value: object) -> int:
        """A whole number from 1."""
        text = str(value)
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
            raise Rejected(f"'{value}' is no number from 1 to 999999999", prefixed=True)
        return int(text)


class Switch(Bool, Argument):
    """on or off."""

    def parse(self, value: object) -> bool:  # type: ignore[override]
        """True or False."""
        try:
            return super().parse(value)
        except UsageError as error:
            raise Rejected(f"{error}, not '{value}'", prefixed=True) from None


@command(
    "watch",
    synopsis="[-n seconds] [-c count] command",
    summary="runs a command again and again",
    about=_WATCH,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Watch(Command):
    """Run a command until Ctrl-C."""

    every: Annotated[float, Flag("n", "seconds between two runs, 2 without"), Seconds()] = 2.0
    count: Annotated[int | None, Flag("c", "run it so often, and no more"), Rounds()] = None
    words: Annotated[tuple[str, ...], Line()] = ()

    def run(self, context: Context) -> Sequence[Result]:
        """Run it again and again; its results show themselves."""
        if not self.words:
            raise Rejected(usage=True)
        context.scripts.watch(self.words, every=self.every, count=self.count)
        return ()


@command(
    "time",
    synopsis="command",
    summary="runs a command, and says how long it took",
    about=_TIME,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Time(Command):
    """Run a command, and measure it."""

    words: Annotated[tuple[str, ...], Line()] = ()

    def run(self, context: Context) -> Sequence[Result]:
        """The time that it took, after its results."""
        started = context.clock()
        if len(self.words) == 1:
            context.run_line(self.words[0])
        else:
            context.run(self.words)
        return [timing(context.clock() - started)]


@command(
    "timing",
    synopsis="[on|off]",
    summary="says after each command how long it took",
    about=_TIMING,
    arguments=(0, 1),
    needs_image=False,
    own=True,
)
class Timing(Command):
    """Measure each command, or not."""

    state: Annotated[bool | None, Switch()] = None

    def run(self, context: Context) -> Sequence[Result]:
        """Say what holds, where nothing is to be changed."""
        if self.state is None:
            return [Said(text=f"timing is {'on' if context.settings['timing'] else 'off'}")]
        context.settings.set("timing", self.state)
        return ()
