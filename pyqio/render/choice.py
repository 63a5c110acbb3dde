"""Which renderer shows a session's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.render.plain import Plain

if TYPE_CHECKING:
    from typing import Protocol

    from pyqio.commands.results import Result
    from pyqio.commands.settings import Settings
    from pyqio.render.plain import Screen

    class Renderer(Protocol):
        """Whatever shows results."""

        def show(self, result: Result) -> None:
            """Show one result.  Raises BlockError where a dump that streams cannot be read to its end."""
            ...


def choose(screen: Screen, program: str, settings: Settings, *, own: bool) -> Renderer:
    """The renderer for ``settings``.  ``own``: results are pyqio's, which says more than qemu-io does."""
    if own and settings["format"] == "json":
        from pyqio.render.json import Json

        return Json(screen)
    return Plain(screen, program, explain=own)
