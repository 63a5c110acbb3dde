from __future__ import annotations

import stat

import pytest
from prompt_toolkit.history import InMemoryHistory

from pyqio.shell import history


def test_path_when_state_home_is_relative_then_it_does_not_count(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", "/home/nobody")

    assert history.path() == "/home/nobody/.local/state/pyqio/history"


def test_load_when_there_is_no_file_then_a_private_one_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    history.load().append_string("read 0 512")

    made = tmp_path / "state" / "pyqio" / "history"
    assert list(history.load().load_history_strings()) == ["read 0 512"]
    assert [stat.S_IMODE(p.stat().st_mode) for p in (made, made.parent)] == [0o600, 0o700]


def test_load_when_folder_cannot_be_made_then_memory(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")

    assert isinstance(history.load(), InMemoryHistory)


@pytest.mark.parametrize("line", ["read 0 512", "not a character: \udcff"])
def test_store_when_it_is_impossible_then_the_shell_lives_on(tmp_path, monkeypatch, line):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    kept = history.load()
    made = tmp_path / "pyqio" / "history"
    made.unlink()
    made.mkdir()

    kept.append_string(line)

    assert kept.get_strings() == [line]
