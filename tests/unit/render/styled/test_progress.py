"""The line of progress."""

from __future__ import annotations

import threading

import pytest

from pyqio.commands.settings import Settings
from pyqio.render.styled import progress as module
from pyqio.render.styled.progress import line, progress
from pyqio.render.styled.theme import Theme

SECONDS = 10


class Screen:
    err_is_terminal = True
    err_columns = 80

    def __init__(self):
        self.lines = []
        self.drawn = threading.Event()

    def clock(self):
        return 1.0

    def draw(self, line):
        self.lines.append(line)
        self.drawn.set()


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "_DELAY", 0.01)
    return Screen()


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (200, "read  [################........................]   40%  1 GiB/s  0:06 left"),
        (60, "read  [##########................]   40%  1 GiB/s  0:06 left"),
        (30, "read   40%  1 GiB/s  0:06 left"),
        (20, "read   40%  1 GiB/s"),
        (10, "read   40%"),
        (9, "40%"),
    ],
)
def test_line_when_window_is_narrow_then_what_is_worth_least_gives_way(width, text):
    assert line("read", 4 << 30, 10 << 30, 4.0, width, theme=Theme(), unicode=False) == text


def test_line_when_total_is_unknown_then_time_so_far():
    assert line("check", 0, 0, 3725.0, 80, theme=Theme(), unicode=False) == "check  1:02:05"


def test_line_when_nothing_is_done_yet_then_no_rate():
    assert line("read", 0, 100, 2.0, 20, theme=Theme(), unicode=False) == "read  [......]    0%"


def test_line_when_more_is_done_than_expected_then_no_more_than_all():
    assert "100%" in line("read", 101, 100, 2.0, 80, theme=Theme(), unicode=False)


def test_progress_when_it_takes_longer_than_the_delay_then_drawn_and_removed(screen):
    with progress(screen, Settings(), "read", 100) as advance:
        advance(50)
        seen = screen.drawn.wait(SECONDS)

    assert (seen, "50%" in screen.lines[0], screen.lines[-1]) == (True, True, "")


def test_progress_when_step_fails_then_removed_all_the_same(screen):
    with pytest.raises(KeyboardInterrupt), progress(screen, Settings(), "read", 100):
        screen.drawn.wait(SECONDS)
        raise KeyboardInterrupt

    assert screen.lines[-1] == ""


def test_progress_when_it_is_quick_then_nothing_is_drawn(screen, monkeypatch):
    monkeypatch.setattr(module, "_DELAY", SECONDS)

    with progress(screen, Settings(), "read", 100) as advance:
        advance(100)

    assert screen.lines == [""]


@pytest.mark.parametrize(("name", "value"), [("progress", "off"), ("TERM", "dumb"), ("err_is_terminal", False)])
def test_progress_when_nobody_wants_it_or_sees_it_then_none(screen, monkeypatch, name, value):
    settings = Settings()
    monkeypatch.setattr(screen, "err_is_terminal", name != "err_is_terminal")
    monkeypatch.setenv("TERM", {"TERM": "dumb"}.get(name, "xterm"))
    settings.set("progress", {"progress": value}.get(name, "on"))

    with progress(screen, settings, "read", 100) as advance:
        advance(1)

    assert screen.lines == []
