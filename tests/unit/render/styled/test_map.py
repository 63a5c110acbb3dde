"""The map as a table."""

from __future__ import annotations

from pyqio.commands.results import Map
from pyqio.render.styled.map import map_lines
from pyqio.render.styled.theme import Theme

RUNS = [(0, 65536, True), (65536, 983040, False), (1 << 20, 1 << 20, True)]


def lines(runs=RUNS, columns=80, *, unicode=False, theme=None):
    return "".join(map_lines(Map(runs=runs), theme or Theme(), columns, unicode=unicode)).splitlines()


def test_map_lines_when_there_is_room_then_ranges_are_drawn_to_scale():
    assert lines(columns=62) == [
        "offset            size  state",
        "0x0             64 KiB  allocated    #",
        "0x10000        960 KiB  unallocated  ############",
        "0x100000         1 MiB  allocated                ############",
    ]


def test_map_lines_when_terminal_has_utf_8_then_blocks():
    assert "█" in lines(unicode=True)[1]


def test_map_lines_when_window_is_narrow_then_no_bars_and_no_longer_lines():
    assert lines(columns=40)[1:] == [
        "0x0             64 KiB  allocated",
        "0x10000        960 KiB  unallocated",
        "0x100000         1 MiB  allocated",
    ]


def test_map_lines_when_theme_has_colours_then_states_differ():
    theme = Theme(data="<d>", unallocated="<u>", reset="</>")

    assert [line.split("  ")[-1][:3] for line in lines(columns=40, theme=theme)[1:]] == ["<d>", "<u>", "<d>"]


def test_map_lines_when_image_is_empty_then_it_says_so():
    assert lines(runs=[]) == ["The image is empty."]
