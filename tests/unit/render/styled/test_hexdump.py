"""The styled dump: classes, widths, counted rows, windows of any size."""

from __future__ import annotations

import re

import pytest

from pyqio.render.styled.hexdump import Painter, hexdump, shape_for
from pyqio.render.styled.theme import THEMES, UNCOLORED, Theme

SGR = re.compile(r"\x1b\[[0-9;]*m")


def dump(data, *, offset=0, columns=80, theme=None, squeeze=True, windows=None):
    painter = Painter(theme or Theme(), shape_for(offset + len(data), columns))
    return "".join(hexdump(painter, offset, [data] if windows is None else windows, squeeze=squeeze))


def test_hexdump_when_terminal_has_80_columns_then_sixteen_bytes_in_79():
    text = dump(b"Hello, world!\n\0\xff")

    assert text == "  00000000:  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a 00 ff  Hello, world!...\n"
    assert len(text.rstrip("\n")) == 79


def test_hexdump_when_byte_is_printable_then_shown_as_it_is():
    shown = "".join(line[-16:] for line in dump(bytes(range(0x20, 0x80))).splitlines())

    assert shown == bytes(range(0x20, 0x7F)).decode() + "."


def test_hexdump_when_last_row_is_short_then_characters_stay_in_their_column():
    lines = dump(b"x" * 20).splitlines()

    assert lines[1] == "  00000010:  78 78 78 78                                       xxxx"


def test_hexdump_when_rows_are_equal_then_counted_with_their_range():
    assert dump(bytes(4096) + b"end").splitlines() == [
        "  00000000:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................",
        "* 255 equal rows, 0x10-0xfff",
        "  00001000:  65 6e 64                                          end",
    ]


def test_hexdump_when_only_one_row_repeats_then_it_is_shown():
    assert [line[:10] for line in dump(bytes(32) + b"x" * 16).splitlines()] == [
        "  00000000",
        "  00000010",
        "  00000020",
    ]


def test_hexdump_when_squeeze_is_off_then_every_row():
    assert len(dump(bytes(65536), squeeze=False).splitlines()) == 4096


@pytest.mark.parametrize("size", [1, 7, 16, 100, 8192, 100_000])
def test_hexdump_when_windows_have_any_size_then_same_text(size):
    data = b"a" * 16 + bytes(20_000) + b"bc" * 24 + bytes(range(256)) * 40 + b"\xcd" * 30_000 + b"tail"
    windows = [data[at : at + size] for at in range(0, len(data), size)]

    assert dump(data, windows=windows) == dump(data)


def test_hexdump_when_rows_repeat_across_blocks_then_counted_once():
    text = dump(bytes(1 << 20))

    assert text.splitlines()[1:] == ["* 65535 equal rows, 0x10-0xfffff"]


def test_hexdump_when_dump_passes_4_gib_then_all_offsets_have_the_width_of_the_last():
    lines = dump(bytes(range(32)), offset=(1 << 32) - 16).splitlines()

    assert [line[:12] for line in lines] == ["  0fffffff0:", "  100000000:"]
    assert {len(line) for line in lines} == {79}


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (200, "  00000000:  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  abcdefghijklmnop"),
        (79, "  00000000:  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  abcdefghijklmnop"),
        (78, "  00000000:  61 62 63 64 65 66 67 68  abcdefgh"),
        (46, "  00000000:  61 62 63 64 65 66 67 68  abcdefgh"),
        (45, "  00000000:  61 62 63 64  abcd"),
        (29, "00000000 61 62 63 64"),
        (20, "00000000 61 62 63 64"),
    ],
)
def test_hexdump_when_window_is_narrow_then_fewer_bytes_and_no_longer_lines(columns, line):
    lines = dump(b"abcdefghijklmnop" + bytes(4096), columns=columns).splitlines()

    assert lines[0] == line
    assert max(map(len, lines)) <= columns


def test_hexdump_when_theme_has_colours_then_a_sequence_for_each_run_of_a_class():
    theme = Theme(nul="<0>", printable="<p>", whitespace="<w>", ascii="<c>", high="<h>", offset="<o>", reset="</>")

    assert dump(b"ab \x01\x02\xff\xfe\x00", theme=theme, columns=46) == (
        "  <o>00000000:</>  <p>61 62 <w>20 <c>01 02 <h>ff fe <0>00  <p>ab<w> <c>..<h>..<0>.</>\n"
    )


@pytest.mark.parametrize("theme", [UNCOLORED, *THEMES.values()])
@pytest.mark.parametrize("columns", [80, 46, 20])
def test_hexdump_when_sequences_are_taken_away_then_plain_text(theme, columns):
    data = bytes(range(256)) * 3 + bytes(500)

    assert SGR.sub("", dump(data, theme=theme, columns=columns)) == dump(data, columns=columns)


def test_row_when_it_is_whole_then_as_in_a_block():
    painter = Painter(THEMES["ansi"], shape_for(256, 80))
    data = bytes(range(0x18, 0x28))

    plain = SGR.sub("", painter.row("", 0x10, data))

    assert plain == SGR.sub("", painter.block(painter.fronts(0x10, 16), data)).rstrip("\n")


def test_row_when_bytes_differ_then_marked_in_both_panes():
    painter = Painter(Theme(differ="<", raw="[", reset="/"), shape_for(256, 46))

    row = painter.row("R", 0, b"abcd", unlike=(False, True, True, False), style="[")

    assert row == "[R/ 00000000:  61 <62 63/ 64              a<bc/d"
