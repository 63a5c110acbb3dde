"""Both sides read to be looked at."""

from __future__ import annotations

from pyqio.block.emulate import WINDOW
from pyqio.verify.difference import SMALL, Part, parts
from tests.unit.verify.sides import Side, pair_of


def test_parts_then_both_sides_of_the_range():
    pair = pair_of(Side(bytearray(b"abcdef")), Side(bytearray(b"abcxyz")))

    assert list(parts(pair, 2, 3)) == [Part(2, 3, b"cde", b"cxy")]


def test_parts_when_a_side_ends_then_it_has_fewer_bytes():
    pair = pair_of(Side(bytearray(b"abc")), Side(bytearray(b"abcdef")))

    assert list(parts(pair, 0, 6)) == [Part(0, 6, b"abc", b"abcdef")]
    assert list(parts(pair, 4, 2)) == [Part(4, 2, b"", b"ef")]


def test_parts_when_long_then_in_windows():
    pair = pair_of(Side(bytearray(WINDOW + 100)), Side(bytearray(WINDOW + 100)))

    assert [(part.offset, part.length) for part in parts(pair, 16, WINDOW)] == [(16, WINDOW - 16), (WINDOW, 16)]


def test_parts_when_a_place_is_bad_then_only_it_has_no_bytes():
    raw = Side(bytearray(b"x" * 4 * SMALL), bad=((SMALL, SMALL + 1),))
    pair = pair_of(raw, Side(bytearray(b"x" * 4 * SMALL)))

    found = list(parts(pair, 0, 4 * SMALL))

    assert [part.raw_error for part in found] == ["", "bad place", "", ""]
    assert found[1].raw == b""
    assert found[1].test == b"x" * SMALL
