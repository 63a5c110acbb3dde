"""Lines typed in former sessions."""

from __future__ import annotations

import os
from contextlib import suppress

from prompt_toolkit.history import FileHistory, History, InMemoryHistory


class _PrivateHistory(FileHistory):
    """A history whose file may become unwritable: the line is then remembered by this session alone."""

    def store_string(self, string: str) -> None:
        """Append a line to the file."""
        with suppress(OSError, UnicodeError):
            super().store_string(string)


def path() -> str:
    """Where the history is kept: under $XDG_STATE_HOME (XDG Base Directory Specification, which wants it absolute)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = state if os.path.isabs(state) else os.path.expanduser("~/.local/state")
    return os.path.join(folder, "pyqio", "history")


def load() -> History:
    """The history, readable by its user alone; one in memory where there can be no file."""
    name = path()
    try:
        os.makedirs(os.path.dirname(name), mode=0o700, exist_ok=True)
        os.close(os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600))
    except OSError:
        return InMemoryHistory()
    return _PrivateHistory(name)
