"""What a session has from the outside: streams, whether they are terminals, and a clock."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.session.pager import Pager

STDIO: Final = 4096
"""Bytes that the C library keeps of a stream that is no terminal: what qemu-io has not shown yet when it crashes."""

_KEPT: Final = 1 << 16
_PIECE: Final = 1 << 16
_CAPTURED: Final = 1 << 20
"""Bytes that are captured, and hardly more."""
_UNKNOWN: Final = os.terminal_size((80, 24))
_ERASE_LINE: Final = b"\r\x1b[K"


class OutputClosed(Exception):
    """Nobody reads standard output any more."""


class OutputFailed(Exception):
    """Standard output takes no more; ``str()`` is the C library's reason."""


class Environment:
    """The streams of a process, by file descriptor, and its clock.

    Standard output is kept back until it is wanted.  As pyqio that is: before anything goes to standard error,
    before the session waits for input, and at the end, so that both streams in one file read as things happened.
    ``stdio``: as the C library does it for qemu-io, where a message on standard error overtakes what was printed
    since the last full buffer or prompt, and output that cannot be written is lost without a word.

    ``line`` is the number of the line of ``script`` that is being run, 0 where there is no script; ``is_script``:
    standard input is one.  ``copy`` is told of everything that is printed on either stream and is not diverted.
    """

    def __init__(
        self,
        *,
        stdin: int = 0,
        stdout: int = 1,
        stderr: int = 2,
        clock: Callable[[], float] = time.perf_counter,
        stdio: bool = False,
    ) -> None:
        self.stdin = stdin
        self.script = "<stdin>"
        self.line = 0
        self.is_script = False
        self.copy: Callable[[bytes | memoryview], None] | None = None
        self.clock = clock
        self.stdout = stdout
        self.stderr = stderr
        self._stdio = stdio
        self._direct = os.isatty(stdout)
        self._diverted = False
        self._captured: bytearray | None = None
        self.pager: Pager | None = None
        self._kept = bytearray()
        self._due = 0
        self.has_bottom = False
        """Whether the bottom line is not part of what was printed, and goes away (see draw)."""
        self._writing = threading.Lock()
        self._bound = 0 if self._direct else STDIO if stdio else _KEPT

    @property
    def place(self) -> str:
        """Where the command that is being run stands, "" where there is no script."""
        return f"{self.script}:{self.line}" if self.line else ""

    @property
    def interactive(self) -> bool:
        """Whether a person sits at both ends."""
        return os.isatty(self.stdin) and os.isatty(self.stdout)

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return os.isatty(self.stdout)

    @property
    def err_is_terminal(self) -> bool:
        """Whether standard error is a terminal."""
        return os.isatty(self.stderr)

    @property
    def columns(self) -> int:
        """Width of the terminal, 80 where there is none."""
        return _size(self.stdout).columns

    @property
    def rows(self) -> int:
        """Height of the terminal, 24 where there is none."""
        return _size(self.stdout).lines

    @property
    def err_columns(self) -> int:
        """Width of the terminal on standard error, 80 where there is none."""
        return _size(self.stderr).columns

    def out(self, text: str) -> None:
        """Print text; bytes that were no characters come out as they were."""
        kept = self._kept
        kept += text.encode("utf-8", "surrogateescape")
        if len(kept) > self._bound:
            self._overflow()

    def out_bytes(self, data: bytes | memoryview) -> None:
        """Print text that is in bytes already."""
        if len(data) < _PIECE or self._stdio:
            self._kept += data
            if len(self._kept) > self._bound:
                self._overflow()
        else:
            self.flush()
            self._hand_on(data)

    def err(self, text: str) -> None:
        """Print text on standard error, at once."""
        if self._stdio:
            self.sync()
        else:
            self.flush()
        data = text.encode("utf-8", "surrogateescape")
        if self._captured is not None:
            self._captured += data
            return
        if self.pager is not None:
            if self.pager.is_open:
                self.pager.write(data)
                return
            self.pager.settle()
        with suppress(OSError), self._writing:
            self._clear_bottom()
            _write(self.stderr, data)
        if self.copy:
            self.copy(data)

    def leave_pager(self) -> None:
        """Wait until the user has left the pager, if there is one, and print on the screen itself from now on."""
        if self.pager is not None:
            try:
                self.flush()
                self.pager.finish()
            finally:
                self.pager = None

    @property
    def is_unseen(self) -> bool:
        """Whether nobody looks at what is printed any more."""
        return self.pager is not None and self.pager.is_left

    def draw(self, line: str) -> None:
        """Let this be the bottom line of the terminal on standard error, "" for none, until something is printed.

        Any thread may do that.
        """
        with suppress(OSError), self._writing:
            drawn = _ERASE_LINE if self.has_bottom else b""
            self.has_bottom = bool(line) and not (self.pager and self.pager.is_open)
            _write(self.stderr, drawn + (line.encode("utf-8", "surrogateescape") if self.has_bottom else b""))

    def _clear_bottom(self) -> None:
        if self.has_bottom:
            self.has_bottom = False
            _write(self.stderr, _ERASE_LINE)

    def prompt(self, text: str) -> None:
        """Print text, which is to be seen before input is waited for."""
        self._kept += text.encode("utf-8", "surrogateescape")
        self._due = len(self._kept)
        if self._stdio:
            self._bound = self._due + STDIO

    def sync(self) -> None:
        """Hand on what is due."""
        due, self._due = self._due, 0
        if due:
            data = bytes(self._kept[:due])
            del self._kept[:due]
            self._hand_on(data)
            if self._stdio:
                self._bound = 0 if self._direct else STDIO

    def flush(self) -> None:
        """Hand on everything that was printed.  Raises OutputClosed, OutputFailed."""
        self._due = len(self._kept)
        self.sync()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes of standard input, b"" at its end; shows first what is due."""
        if self._stdio:
            self.sync()
        else:
            self.flush()
            self.leave_pager()
        try:
            return os.read(self.stdin, size)
        except OSError:
            return b""

    @contextmanager
    def diverted(self, fd: int) -> Iterator[None]:
        """Let what is printed on standard output go to ``fd``, which is no terminal.

        Raises OutputClosed, OutputFailed where ``fd`` takes no more; what was printed until then is lost.
        """
        self.flush()
        former = self.stdout, self._direct, self._bound, self._diverted, self._captured
        self.stdout, self._direct, self._bound, self._diverted, self._captured = fd, False, _KEPT, True, None
        try:
            yield
            self.flush()
        except KeyboardInterrupt:
            with suppress(OutputClosed, OutputFailed):
                self.flush()
            raise
        finally:
            self.discard()
            self.stdout, self._direct, self._bound, self._diverted, self._captured = former

    @contextmanager
    def captured(self) -> Iterator[bytearray]:
        """Keep what is printed on both streams, and show none of it; complete when the context is left.

        What prints more than anybody would look at is left as if nobody read it any more.
        """
        self.flush()
        former, self._captured = self._captured, bytearray()
        try:
            with suppress(OutputClosed):
                yield self._captured
                self.flush()
        finally:
            self.discard()
            self._captured = former

    @property
    def is_captured(self) -> bool:
        """Whether what is printed is kept for somebody else."""
        return self._captured is not None

    def discard(self) -> None:
        """Forget what was printed and not handed on."""
        self._kept.clear()
        self._due = 0

    def _hand_on(self, data: bytes | memoryview) -> None:
        if self._captured is not None:
            self._captured += data
            if len(self._captured) > _CAPTURED:
                raise OutputClosed
            return
        if self.copy and not self._diverted:
            self.copy(data)
        if self.pager is not None and not self._diverted:
            self.pager.write(data)
        else:
            self.show(data)

    def show(self, data: bytes | memoryview) -> None:
        """Write on standard output itself.  Raises OutputClosed, OutputFailed."""
        try:
            with self._writing:
                self._clear_bottom()
                _write(self.stdout, data)
        except OSError as error:
            if self._stdio:
                return
            self.discard()
            if isinstance(error, BrokenPipeError):
                raise OutputClosed from None
            raise OutputFailed(error.strerror) from None

    def _overflow(self) -> None:
        if self._stdio and not self._direct:
            fresh = len(self._kept) - self._due
            self._due += fresh - fresh % STDIO
            if self._due > _KEPT:
                self.sync()
            self._bound = self._due + STDIO
        else:
            self.flush()


def _size(fd: int) -> os.terminal_size:
    try:
        size = os.get_terminal_size(fd)
    except OSError:
        return _UNKNOWN
    return os.terminal_size((size.columns or _UNKNOWN.columns, size.lines or _UNKNOWN.lines))


def _write(fd: int, data: bytes | memoryview) -> None:
    """Write all of it, also to a stream that does not block.  Raises OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            import select

            select.select([], [fd], [])
