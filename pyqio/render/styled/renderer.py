"""Results for a person at a terminal.

What has a view of its own is drawn to the width of the window.  All else is worded by Plain, and only painted here:
one place for each message.  Text from outside is never taken for markup, and its control characters are shown as
escapes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyqio.base.structure import Structure
from pyqio.commands import results as r
from pyqio.render.names import columns, visible
from pyqio.render.plain import Plain, disagreement
from pyqio.verify.diagnosis import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyqio.commands.settings import Settings
    from pyqio.render.plain import Screen
    from pyqio.render.styled.theme import Theme

    class Window(Screen, Protocol):
        """A screen of some width."""

        @property
        def columns(self) -> int:
            """Columns of text in a line."""
            ...

        @property
        def is_unseen(self) -> bool:
            """Whether nobody looks at what is printed any more."""
            ...


class Styled:
    """Shows results on ``screen``.

    ``program``: the name in front of messages.  ``theme`` is for standard output, ``err_theme`` for standard error,
    which may be a file.  ``unicode``: characters beyond ASCII may be drawn.
    """

    def __init__(
        self, screen: Window, program: str, settings: Settings, theme: Theme, err_theme: Theme, *, unicode: bool
    ) -> None:
        self._screen = screen
        self._program = program
        self._settings = settings
        self._theme = theme
        self._err_theme = err_theme
        self._unicode = unicode

    def show(self, result: r.Result) -> None:
        """Show one result.  Raises BlockError where a dump that streams cannot be read to its end."""
        try:
            self._show(result)
        except KeyboardInterrupt:
            self._screen.out(self._theme.reset)
            raise

    def _show(self, result: r.Result) -> None:
        match result:
            case r.Dump():
                self._dump(result)
            case r.Table():
                self._table(result)
            case r.Facts():
                self._facts(result)
            case r.Map():
                from pyqio.render.styled.map import map_lines

                self._print(map_lines(result, self._theme, self._screen.columns, unicode=self._unicode))
            case r.Strip():
                from pyqio.render.styled.strip import strip_lines

                self._print(strip_lines(result, self._theme, self._screen.columns, unicode=self._unicode))
            case r.Info():
                from pyqio.render.styled.views import info

                self._facts(info(result))
            case r.Snapshots():
                from pyqio.render.styled.views import snapshots

                self._table(snapshots(result))
            case r.CreateOptions():
                from pyqio.render.styled.views import create_options

                self._table(create_options(result))
            case r.Checked(json=False):
                self._word(result, "bad" if result.status in (1, 2) else "warning" if result.status else "ok")
            case r.Helped() | r.HelpedAll() | r.HelpedTopic():
                from pyqio.render.styled.help import help_lines

                self._print(help_lines(result, self._theme))
            case r.Way() | Structure() | r.Tree():
                self._lines(result)
            case r.Diff():
                from pyqio.render.styled.diff import diff_lines

                self._print(f"{line}\n" for line in diff_lines(result, self._theme, self._screen.columns))
            case r.Verified():
                self._word(result, "bad" if result.diverges else "ok")
            case r.Refused():
                self._word(result, "bad", "hint")
                self._point(result)
            case r.Failed() | r.PatternMismatch() | r.OpenFailed() | r.Unknown() | r.CheckFailed():
                self._word(result, "bad", "hint")
            case r.Diverged(diagnosis=Diagnosis() as diagnosis):
                self._diagnosis(diagnosis, self._screen.err, self._err_theme)
                self._screen.err(disagreement(self._program, self._screen.place))
            case r.Diagnosed():
                self._diagnosis(result.diagnosis, self._screen.out, self._theme)
            case r.Warned() | r.Found():
                self._word(result, "warning")
            case r.Transfer(machine=False):
                self._word(result, "dim", "dim")
            case _:
                self._word(result)

    def _print(self, lines: Iterable[str]) -> None:
        self._screen.out("".join(lines))

    def _word(self, result: r.Result, first: str = "", rest: str = "") -> None:
        """What Plain says: its first line in the style of role ``first``, all others in that of ``rest``."""
        tinted = _Tinted(self._screen, (self._theme, self._err_theme), (first, rest))
        Plain(tinted, self._program, explain=True).show(result)

    def _dump(self, dump: r.Dump) -> None:
        from pyqio.render.styled.hexdump import Painter, hexdump, shape_for

        painter = Painter(self._theme, shape_for(dump.offset + dump.length, self._screen.columns))
        for text in hexdump(painter, dump.offset, dump.windows, squeeze=self._settings["squeeze"]):
            self._screen.out(text)
            if self._screen.is_unseen:
                break

    def _table(self, table: r.Table) -> None:
        from pyqio.render.styled.tables import table_lines

        self._print(table_lines(table, self._theme, self._screen.columns))

    def _lines(self, result: r.Way | Structure | r.Tree) -> None:
        from pyqio.render.structure import lines_of

        theme = self._theme
        for line in lines_of(result, unicode=self._unicode, width=self._screen.columns - 1):
            self._screen.out("".join(theme.paint(theme.style(role), text) for role, text in line) + "\n")

    def _diagnosis(self, diagnosis: Diagnosis, show: Callable[[str], None], theme: Theme) -> None:
        from pyqio.render.styled.mismatch import mismatch_lines

        for line in mismatch_lines(diagnosis, theme, self._screen.columns):
            show(f"{line}\n")

    def _facts(self, facts: r.Facts) -> None:
        from pyqio.render.styled.tables import facts_lines

        self._print(facts_lines(facts.values, self._theme))

    def _point(self, refused: r.Refused) -> None:
        """Show the line, and a caret below what is wrong of it."""
        text = refused.reason.text
        line = visible(" ".join(refused.words))
        at = f" {line} ".find(f" {text} ") if text in refused.words else line.find(text)
        if text and at >= 0 and columns(line) + 2 <= self._screen.columns:
            theme = self._err_theme
            marks = " " * columns(line[:at]) + theme.paint(theme.bad, "^" * max(columns(text), 1))
            self._screen.err(f"  {line}\n  {marks}\n")


class _Tinted:
    """A screen that paints what is printed on it, and shows control characters as escapes."""

    def __init__(self, screen: Screen, themes: tuple[Theme, Theme], roles: tuple[str, str]) -> None:
        self._screen = screen
        self._themes = themes
        self._roles = roles
        self._begun = False

    @property
    def place(self) -> str:
        """Where the command stands."""
        return self._screen.place

    def out(self, text: str) -> None:
        """To standard output."""
        self._screen.out(self._painted(text, self._themes[0]))

    def out_bytes(self, data: bytes | memoryview) -> None:
        """Text to standard output that is in bytes already."""
        self._screen.out_bytes(data)

    def err(self, text: str) -> None:
        """To standard error."""
        self._screen.err(self._painted(text, self._themes[1]))

    def _painted(self, text: str, theme: Theme) -> str:
        return "\n".join(self._line(line, theme) for line in text.split("\n"))

    def _line(self, line: str, theme: Theme) -> str:
        role = self._roles[self._begun]
        self._begun = self._begun or bool(line)
        return theme.paint(theme.style(role), visible(line))
