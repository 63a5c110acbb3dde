"""Lines typed in former sessions.

The file has the form of prompt_toolkit's own: for each entry a comment with its time, then its lines, each after a
``+``.  Every entry is one write at the file's end, so that shells that run side by side keep all of their lines.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prompt_toolkit.history import History, InMemoryHistory

from pyqio.base.folders import history_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOADED: Final = 1 << 20
"""Bytes at the end of the file that are looked at."""
_LONGEST: Final = 1 << 16
"""Bytes of the longest entry that is kept."""


class _Remembering(History):
    """What all histories here have in common: a line that starts with a blank is forgotten."""

    def append_string(self, string: str) -> None:
        """Remember an entry."""
        if not string[:1].isspace():
            super().append_string(string)


class _InMemory(_Remembering, InMemoryHistory):
    """The lines of this session alone."""


class _Kept(_Remembering):
    """A history in a file.  If that cannot be written to any more, the lines are those of this session alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def load_history_strings(self) -> Iterator[str]:
        """The entries, the latest first."""
        with suppress(OSError):
            yield from reversed(list(_entries(self._tail())))

    def store_string(self, string: str) -> None:
        """Append an entry to the file."""
        data = string.encode("utf-8", "surrogateescape" if _is_text(string) else "replace")
        lines = b"".join(b"+%b\n" % line for line in data.split(b"\n"))
        if len(lines) <= _LONGEST:
            with suppress(OSError):
                fd = _open(self._name)
                try:
                    os.write(fd, b"\n# %d\n%b" % (time.time(), lines))
                finally:
                    os.close(fd)

    def _tail(self) -> bytes:
        fd = _open(self._name)
        try:
            size = os.fstat(fd).st_size
            return os.pread(fd, _LOADED, max(size - _LOADED, 0))
        finally:
            os.close(fd)


def load() -> History:
    """The history, in a file that its user alone may read; one in memory where there can be no file."""
    name = history_file()
    if not name:
        return _InMemory()
    try:
        os.makedirs(os.path.dirname(os.path.abspath(name)), mode=0o700, exist_ok=True)
        os.close(_open(name))
    except OSError:
        return _InMemory()
    return _Kept(name)


def _open(name: str) -> int:
    """A regular file, made where there is none.  Raises OSError."""
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{name} is no regular file")
    return fd


def _entries(data: bytes) -> Iterator[str]:
    """The entries of a file, the oldest first; lines that make no sense end an entry and are left out."""
    lines: list[bytes] = []
    for line in (*data.split(b"\n"), b""):
        if line.startswith(b"+"):
            lines.append(line[1:])
        elif lines:
            yield b"\n".join(lines).decode("utf-8", "surrogateescape")
            lines = []


def _is_text(string: str) -> bool:
    try:
        string.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True
