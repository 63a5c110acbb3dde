"""Both sides of a pair as plain rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.types import Run
from pyqio.commands.results import Diff
from pyqio.render.diff import Gap, Layout, Row, Unread, diff_lines, rows
from pyqio.verify.difference import Part

ROW = bytes(range(16))
OTHER = bytes(range(16, 32))


def shown(raw: bytes, test: bytes, *, offset: int = 0, squeeze: bool = True) -> list:
    """What is shown of the rows: the row's number, or how many are counted."""
    part = Part(offset, max(len(raw), len(test)), raw, test)
    lines = rows([part], 16, squeeze=squeeze)
    return [line.offset // 16 if isinstance(line, Row) else line for line in lines]


def diff(raw: bytes, test: bytes, *, offset: int = 0, **more) -> Diff:
    length = max(len(raw), len(test))
    return Diff(
        raw="raw.img", test="test.qcow2", offset=offset, length=length, parts=[Part(offset, length, raw, test)], **more
    )


# Which rows


def test_rows_when_equal_then_all_but_repeated_ones():
    data = ROW + OTHER * 3 + ROW

    assert shown(data, data) == [0, 1, Gap(2, 32, 64, same=True), 4]


def test_rows_when_one_differs_then_its_neighbours_are_shown_and_other_equal_ones_counted():
    raw = bytes(range(160))
    test = raw[:83] + b"!" + raw[84:]

    assert shown(raw, test) == [0, Gap(3, 16, 64, same=False), 4, 5, 6, Gap(3, 112, 160, same=False)]


def test_rows_when_pairs_of_differing_rows_repeat_then_they_are_counted():
    raw, test = b"\xcd" * 64 + ROW, bytes(64) + ROW

    assert shown(raw, test) == [0, Gap(3, 16, 64, same=True), 4]


def test_rows_when_differing_rows_differ_from_one_another_then_none_is_counted():
    raw, test = b"".join(bytes((n,)) * 16 for n in range(1, 6)), bytes(80)

    assert shown(raw, test) == [0, 1, 2, 3, 4]


def test_rows_when_only_one_side_repeats_then_none_is_counted():
    assert shown(ROW * 2, bytes(16) + OTHER) == [0, 1]


def test_rows_when_not_squeezed_then_all_are_shown():
    assert shown(bytes(64), bytes(64), squeeze=False) == [0, 1, 2, 3]


def test_rows_when_many_are_equal_then_they_are_counted_at_once():
    data = bytes(1 << 20)

    assert shown(data, b"x" + data[1:]) == [0, 1, Gap((1 << 16) - 2, 32, 1 << 20, same=False)]


def test_rows_when_a_chunk_repeats_then_it_is_counted_at_once():
    assert shown(b"\xcd" * 16384, bytes(16384)) == [0, Gap(1023, 16, 16384, same=True)]


def test_rows_when_the_last_is_short_then_it_is_shown():
    assert shown(ROW + b"ab", ROW + b"ac") == [0, 1]


def test_rows_when_a_side_ends_and_the_rest_is_zero_then_equal():
    assert shown(ROW, ROW + bytes(32)) == [0, 1, Gap(1, 32, 48, same=True)]


def test_rows_when_a_part_cannot_be_read_then_this_is_said():
    parts = [Part(0, 16, ROW, ROW), Part(16, 4096, b"", OTHER, raw_error="bad place"), Part(4112, 16, ROW, OTHER)]

    assert list(rows(parts, 16, squeeze=True)) == [
        Row(0, ROW, ROW),
        Unread("R", 16, 4112, "bad place"),
        Row(4112, ROW, OTHER),
    ]


ROWS = st.lists(st.tuples(st.sampled_from([bytes(16), ROW, OTHER]), st.integers(1, 400)), min_size=1, max_size=6)


@given(raw=ROWS, test=ROWS)
def test_rows_of_any_sides_cover_all_and_hide_no_row_that_differs_from_the_one_above(raw, test):
    raw, test = (b"".join(row * count for row, count in side) for side in (raw, test))
    whole = list(rows([Part(0, max(len(raw), len(test)), raw, test)], 16, squeeze=False))

    at = 0
    for line in rows([Part(0, max(len(raw), len(test)), raw, test)], 16, squeeze=True):
        hidden = whole[at : at + line.rows] if isinstance(line, Gap) else []
        for number, row in enumerate(hidden, at):
            before = whole[number - 1]
            assert (row.raw, row.test) == (before.raw, before.test) or not any(row.unlike)
        assert isinstance(line, Gap) or line == whole[at]
        at += len(hidden) or 1

    assert at == len(whole)


# How they look


def test_diff_lines_then_r_stands_above_t_and_marks_below():
    raw, test = ROW + b"Hello, World! ..", ROW + b"Hello, world! .."

    assert list(diff_lines(diff(raw, test, offset=0x3F0))) == [
        "  000003f0:  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................",
        "R 00000400:  48 65 6c 6c 6f 2c 20 57  6f 72 6c 64 21 20 2e 2e  Hello, World! ..",
        "T 00000400:  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 20 2e 2e  Hello, world! ..",
        "                                  ^^",
    ]


def test_diff_lines_when_equal_then_the_rows_stand_once():
    assert list(diff_lines(diff(ROW, ROW))) == [
        "  00000000:  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................",
        "equal: [0x0, 0x10) 16 bytes",
    ]


def test_diff_lines_when_a_side_ends_then_hyphens_stand_for_its_bytes():
    lines = list(diff_lines(diff(b"ab", b"abc" + bytes(29))))

    assert lines == [
        "R 00000000:  61 62 -- -- -- -- -- --  -- -- -- -- -- -- -- --  ab",
        "T 00000000:  61 62 63 00 00 00 00 00  00 00 00 00 00 00 00 00  abc.............",
        "                   ^^",
        "T 00000010:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................",
    ]


def test_diff_lines_when_a_difference_is_known_then_it_is_named_and_its_rest_told_of():
    result = diff(ROW, OTHER, run=Run(0, 4096), number=3, count=17)

    first, *_, last = diff_lines(result)

    assert first == "difference 3 of 17: [0x0, 0x1000) 4 KiB"
    assert last == "* the difference goes on up to 0x1000: diff 0x10"


def test_diff_lines_when_side_by_side_then_one_row_has_both():
    lines = list(diff_lines(diff(ROW, ROW[:-1] + b"x", side=True)))

    assert lines == [
        "             R raw.img                                                          | T test.qcow2",
        "! 00000000:  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................"
        " | 00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 78  ...............x",
        "                                                           ^^                  "
        " |                                               ^^",
    ]
    assert max(map(len, lines)) <= 150


def test_diff_lines_when_nothing_can_be_read_then_no_equality_is_claimed():
    result = diff(b"", b"").replace(length=16, parts=[Part(0, 16, b"", b"", "bad\nplace", "bad place")])

    assert list(diff_lines(result)) == [
        "R 0x0-0xf cannot be read: bad\\nplace",
        "T 0x0-0xf cannot be read: bad place",
    ]


@pytest.mark.parametrize(("end", "digits", "width"), [(1, 8, 16), (1 << 32, 8, 16), (1 << 36, 9, 16), (1 << 37, 10, 8)])
def test_layout_when_offsets_grow_then_rows_fit_eighty_columns(end, digits, width):
    layout = Layout(end)

    assert (layout.digits, layout.width) == (digits, width)
    assert len(layout.row("R", end - 1, b"x" * width)) <= 80
