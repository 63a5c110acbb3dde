"""Where a user's files are kept (XDG Base Directory Specification, which wants the folders' names absolute)."""

from __future__ import annotations

import os


def state(*names: str) -> str:
    """A path below pyqio's own folder in $XDG_STATE_HOME, for what one run leaves to the next."""
    return os.path.join(_base("XDG_STATE_HOME", "~/.local/state"), "pyqio", *names)


def config(*names: str) -> str:
    """A path below pyqio's own folder in $XDG_CONFIG_HOME, for what the user writes."""
    return os.path.join(_base("XDG_CONFIG_HOME", "~/.config"), "pyqio", *names)


def config_file() -> str:
    """The configuration: what $PYQIO_CONFIG names, else config.toml."""
    return os.environ.get("PYQIO_CONFIG") or config("config.toml")


def history_file() -> str:
    """Where typed lines are kept: what $PYQIO_HISTFILE names, "" for nowhere, else a file in the state folder."""
    named = os.environ.get("PYQIO_HISTFILE")
    return state("history") if named is None else os.path.expanduser(named)


def _base(variable: str, otherwise: str) -> str:
    named = os.environ.get(variable, "")
    return named if os.path.isabs(named) else os.path.expanduser(otherwise)
