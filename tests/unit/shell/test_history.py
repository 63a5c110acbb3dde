from __future__ import annotations

import stat

import pytest
from prompt_toolkit.history import InMemoryHistory

from pyqio.shell import history


@pytest.mark.parametrize("name", ["", "/dev/null", "/proc/lines"])
def test_load_when_file_is_no_file_then_memory(monkeypatch, name):
    monkeypatch.setenv("PYQIO_HISTFILE", name)

    kept = history.load()
    kept.append_string("length")

    assert (isinstance(kept, InMemoryHistory), kept.get_strings()) == (True, ["length"])


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """The name of a history."""
    monkeypatch.setenv("PYQIO_HISTFILE", str(tmp_path / "lines"))
    return tmp_path / "lines"


def test_store_when_shells_run_side_by_side_then_all_lines_are_kept(lines):
    one, other = history.load(), history.load()

    for kept in (one, other, one):
        kept.append_string("read 0 512\nlength")

    assert list(history.load().load_history_strings()) == ["read 0 512\nlength"] * 3


def test_append_when_line_starts_with_a_blank_then_it_is_forgotten(lines):
    kept = history.load()

    kept.append_string(" open secret.img")

    assert (kept.get_strings(), lines.read_bytes()) == ([], b"")


def test_append_when_line_is_enormous_then_it_is_not_kept(lines):
    history.load().append_string("x" * 100_000)

    assert lines.read_bytes() == b""


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x00\xff\xfe\n+length\n\x1b[31m\n", ["length"]),
        (b"+\xff\n", ["\udcff"]),
        (b"+unfinished", ["unfinished"]),
        (b"\n" * 100, []),
        (b"+a\n" + b"#" * (2 << 20) + b"\n+b\n", ["b"]),
    ],
)
def test_load_when_file_is_damaged_then_what_can_be_read(lines, data, expected):
    lines.write_bytes(data)

    assert list(history.load().load_history_strings()) == expected


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
