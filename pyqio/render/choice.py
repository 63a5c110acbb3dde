"""Which renderer shows a session's results."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyqio.render.plain import Plain

if TYPE_CHECKING:
    from typing import Protocol

    from pyqio.commands.results import Result
    from pyqio.commands.settings import Settings
    from pyqio.render.plain import Screen

    class Output(Screen, Protocol):
        """Streams that may be a terminal."""

        @property
        def columns(self) -> int:
            """Width of the terminal, 80 where there is none."""
            ...

        @property
        def is_unseen(self) -> bool:
            """Whether nobody looks at what is printed any more."""
            ...

        @property
        def is_terminal(self) -> bool:
            """Whether standard output is one."""
            ...

        @property
        def err_is_terminal(self) -> bool:
            """Whether standard error is one."""
            ...

    class Renderer(Protocol):
        """Whatever shows results."""

        def show(self, result: Result) -> None:
            """Show one result.  Raises BlockError where a dump that streams cannot be read to its end."""
            ...


def choose(screen: Output, program: str, settings: Settings, *, own: bool) -> Renderer:
    """The renderer for ``settings``.  ``own``: results are pyqio's, which says more than qemu-io does."""
    if own and settings["format"] == "json":
        from pyqio.render.json import Json

        return Json(screen)
    if own and settings["format"] != "plain":
        return _styled(screen, program, settings) or Plain(screen, program, explain=True)
    return Plain(screen, program, explain=own)


def _styled(screen: Output, program: str, settings: Settings) -> Renderer | None:
    """The renderer with tables and colours, None where plain text is wanted: by default where there is no terminal."""
    wanted = settings["format"] == "table" or screen.is_terminal
    if not (wanted or settings["color"] == "always" or "FORCE_COLOR" in os.environ):
        return None
    from pyqio.render.styled.glyphs import are_unicode
    from pyqio.render.styled.renderer import Styled
    from pyqio.render.styled.theme import chosen

    theme, err_theme = (
        chosen(settings, os.environ, terminal=terminal) for terminal in (screen.is_terminal, screen.err_is_terminal)
    )
    if not (wanted or theme.reset):
        return None
    return Styled(screen, program, settings, theme, err_theme, unicode=are_unicode())
