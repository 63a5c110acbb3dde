"""Where a user's files are kept."""

from __future__ import annotations

import pytest

from pyqio.base import folders


@pytest.mark.parametrize("named", ["", "relative/path"])
def test_folders_when_no_absolute_one_is_named_then_in_the_home(monkeypatch, named) -> None:
    monkeypatch.setenv("HOME", "/home/nobody")
    monkeypatch.setenv("XDG_STATE_HOME", named)
    monkeypatch.setenv("XDG_CONFIG_HOME", named)

    assert folders.state("journal", "x") == "/home/nobody/.local/state/pyqio/journal/x"
    assert folders.config() == "/home/nobody/.config/pyqio"


def test_folders_when_named_then_there(monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/config")

    assert (folders.state("history"), folders.config("rc")) == ("/state/pyqio/history", "/config/pyqio/rc")
