"""The disk as rows of cells."""

from __future__ import annotations

import pytest

from pyqio.base.types import Run
from pyqio.commands.results import Strip
from pyqio.render.styled.strip import strip_lines
from pyqio.render.styled.theme import Theme

MIB = 1 << 20
STRIP = Strip(
    length=4 * MIB,
    runs=[
        (0, 65536, "data"),
        (65536, MIB - 65536, "unallocated"),
        (MIB, MIB, "zero"),
        (2 * MIB, 4096, "compressed"),
        (2 * MIB + 4096, 2 * MIB - 4096, "unallocated"),
    ],
)


def lines(strip=STRIP, columns=80, *, theme=None, unicode=False):
    return "".join(strip_lines(strip, theme or Theme(), columns, unicode=unicode)).splitlines()


def test_strip_lines_when_window_has_80_columns_then_rows_of_64_cells():
    assert lines() == [
        "0x0       ########" + "." * 56,
        "0x80000   " + "." * 64,
        "0x100000  " + "0" * 64,
        "0x180000  " + "0" * 64,
        "0x200000  +" + "." * 63,
        "0x280000  " + "." * 64,
        "0x300000  " + "." * 64,
        "0x380000  " + "." * 64,
        "",
        "# data 64 KiB   c compressed 4 KiB   + mixed   0 zero 1 MiB",
        ". unallocated 2.934 MiB",
        "A cell is 8 KiB of 4 MiB.",
    ]


def test_strip_lines_when_sides_differ_then_cells_are_marked_even_past_the_end():
    strip = Strip(length=4096, runs=[(0, 4096, "data")], differing=(Run(600, 1100), Run(4000, 9000)))

    assert lines(strip) == [
        "0x0     #!!####!",
        "",
        "# data 4 KiB   ! mismatch 5.371 KiB",
        "A cell is 512 bytes of 4 KiB.",
    ]


@pytest.mark.parametrize("columns", [20, 33, 79, 80, 200])
def test_strip_lines_when_window_has_any_width_then_no_line_is_longer(columns):
    found = lines(columns=columns)

    assert max(map(len, found[:-1])) <= columns
    assert len(found) <= 16


def test_strip_lines_when_disk_is_huge_then_few_rows():
    runs = [(at << 40, 1 << 39, "data") for at in range(8)]

    assert len([line for line in lines(Strip(length=8 << 40, runs=runs)) if line.startswith("0x")]) <= 8


def test_strip_lines_when_terminal_has_utf_8_then_blocks_of_their_own():
    row = lines(unicode=True)[0]

    assert (row[10], row[-1]) == ("█", "·")


def test_strip_lines_when_theme_has_colours_then_a_sequence_for_each_run():
    theme = Theme(data="<d>", unallocated="<u>", reset="</>")

    assert lines(theme=theme)[0] == f"0x0       <d>########</><u>{'.' * 56}</>"


def test_strip_lines_when_disk_is_empty_then_it_says_so():
    assert lines(Strip(length=0, runs=[])) == ["The image is empty."]
