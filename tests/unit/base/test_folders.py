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


def test_history_file_when_state_home_is_relative_then_it_does_not_count(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", "/home/nobody")

    assert folders.history_file() == "/home/nobody/.local/state/pyqio/history"


@pytest.mark.parametrize(("named", "found"), [("~/lines", "/home/nobody/lines"), ("", "")])
def test_history_file_when_a_file_is_named_then_that(monkeypatch, named, found):
    monkeypatch.setenv("PYQIO_HISTFILE", named)
    monkeypatch.setenv("HOME", "/home/nobody")

    assert folders.history_file() == found


def test_config_file_when_a_file_is_named_then_that(monkeypatch):
    monkeypatch.setenv("PYQIO_CONFIG", "/x/mine.toml")

    assert folders.config_file() == "/x/mine.toml"
