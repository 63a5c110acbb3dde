"""What a command may use of the session that it runs in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pyqio.base.types import OpenFlags
    from pyqio.block.image import Image
    from pyqio.block.secrets import Secrets
    from pyqio.commands.pool import Pool
    from pyqio.commands.position import Position
    from pyqio.commands.results import Result
    from pyqio.commands.settings import Settings
    from pyqio.verify.diagnosis import Diagnosis
    from pyqio.verify.findings import Findings
    from pyqio.verify.journal import Journal

    class Terminal(Protocol):
        """What a command may ask of the streams that the session has."""

        @property
        def interactive(self) -> bool:
            """Whether a person sits at both ends."""
            ...

        @property
        def columns(self) -> int:
            """Width of the terminal, 80 where there is none."""
            ...

        @property
        def rows(self) -> int:
            """Height of the terminal, 24 where there is none."""
            ...


class Scripts(Protocol):
    """Commands from elsewhere than the line that is typed, and output to elsewhere than the terminal."""

    def alias(self, name: str, words: Sequence[str]) -> None:
        """Let ``name`` stand for a line: one word that is all of it, or its words.  Raises Rejected."""
        ...

    def source(self, name: str, *, stop: bool) -> None:
        """Run the commands of a file; ``stop``: none after a line that failed.  Raises Rejected."""
        ...

    def copy_output(self, name: str | None, *, append: bool = False) -> None:
        """Let all that is printed go to a file as well, or (None) no longer.  Raises Rejected."""
        ...

    def watch(self, words: Sequence[str], *, every: float, count: int | None) -> None:
        """Run a command again and again, ``count`` times or until Ctrl-C; ``every``: seconds in between."""
        ...


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

    settings: Settings
    """What the user has chosen."""
    journal: Journal
    """What was done to the image."""
    aliases: dict[str, str]
    """Lines that the user has given a name, by it."""
    diagnoses: list[Diagnosis]
    """What was found out about the disagreements of the session."""

    @property
    def findings(self) -> Findings:
        """Where the sides of the open pair are known to differ."""
        ...

    @property
    def position(self) -> Position:
        """Where in the image the session looks."""
        ...

    @property
    def lines(self) -> Collection[str]:
        """The last lines that were typed, oldest first."""
        ...

    @property
    def scripts(self) -> Scripts:
        """Commands from elsewhere."""
        ...

    @property
    def terminal(self) -> Terminal:
        """The streams of the session."""
        ...

    def warn(self, message: str) -> None:
        """Tell of something that was taken, but should be written in another way."""
        ...

    def evaluate(self, text: str) -> int:
        """What an expression comes to, such as ``0x400+2*64k``.  Raises Rejected."""
        ...

    def progress(self, label: str, total: int) -> AbstractContextManager[Callable[[int], None]]:
        """Show how far ``label`` has come, of ``total`` bytes: what it gives is told of each step's bytes."""
        ...

    def confirm(self, question: str) -> bool:
        """Ask the person at the terminal; False where there is none."""
        ...

    def page(self) -> Iterator[str]:
        """What was found so far as a page of HTML, in pieces."""
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

    def run(self, words: Sequence[str]) -> bool:
        """Run a command, and show its results.  Returns whether it succeeded."""
        ...

    def run_line(self, text: str) -> bool:
        """Run the commands of a line.  Returns whether all of them succeeded."""
        ...

    def undo(self) -> str:
        """Put back what the last command has overwritten.  Returns its text.  Raises Rejected, BlockError."""
        ...

    def quit(self) -> None:
        """Run no command after this one."""
        ...
