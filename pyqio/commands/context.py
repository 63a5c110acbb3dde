"""What a command may use of the session that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyqio.base.types import OpenFlags
    from pyqio.block.image import Image
    from pyqio.block.secrets import Secrets
    from pyqio.commands.pool import Pool
    from pyqio.commands.results import Result


class Context(Protocol):
    """One session."""

    @property
    def image(self) -> Image:
        """The open image.  A command whose spec says ``needs_image`` runs only while there is one."""
        ...

    @property
    def has_image(self) -> bool:
        """Whether an image is open."""
        ...

    @property
    def own_commands(self) -> bool:
        """Whether the session has the commands that qemu-io has not."""
        ...

    clock: Callable[[], float]
    """Seconds since some moment."""
    window: bytearray
    """``emulate.WINDOW`` bytes that a request of the session's own thread may use."""
    view: memoryview
    """All of ``window``."""
    pool: Pool
    secrets: Secrets
    """What --object has given."""
    image_opts: bool
    """Images are given as key=value,... and not by name."""

    def warn(self, message: str) -> None:
        """Tell of something that was taken, but should be written in another way."""
        ...

    def tell(self, result: Result) -> None:
        """Show a result of a command that is still running."""
        ...

    def open(
        self, filename: str | None, options: Mapping[str, Any], flags: OpenFlags, *, snapshot: bool, copy_on_read: bool
    ) -> None:
        """Open an image.  Raises OpenError."""
        ...

    def close(self) -> None:
        """Wait for all asynchronous requests, and close the image."""
        ...

    def drain(self) -> None:
        """Wait for all asynchronous requests, and tell of them."""
        ...

    def flush_output(self) -> None:
        """Hand everything printed so far to the system."""
        ...

    def quit(self) -> None:
        """Run no command after this one."""
        ...
