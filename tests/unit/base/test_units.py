"""Sizes: the grammar of qemu-io 7.2, found by trying."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.units import INT64_MAX, SizeError, has_hex_multiplier, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512b", 512),
        ("010", 10),
        ("0x200", 512),
        ("0X1f", 31),
        ("1k", 1024),
        ("1K", 1024),
        ("1.5k", 1536),
        ("1.55555k", 1592),
        ("2M", 2 << 20),
        ("3G", 3 << 30),
        ("1T", 1 << 40),
        ("1P", 1 << 50),
        ("7E", 7 << 60),
        ("+5", 5),
        (" 5", 5),
        ("0x10k", 16384),
        ("9223372036854775807", INT64_MAX),
    ],
)
def test_size_in_qemus_spelling_is_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "1s", "0x", "1e3", "1.5", "1.5b", "1kk", "inf", "0b1", "0x1.8", "k", "-1", "1 k"])
def test_text_that_is_no_size_is_refused(text):
    with pytest.raises(SizeError) as caught:
        parse_size(text)

    assert not caught.value.too_large


@pytest.mark.parametrize("text", ["8E", "16E", "9223372036854775808", "99999999999999999999"])
def test_size_above_int64_is_too_large(text):
    with pytest.raises(SizeError) as caught:
        parse_size(text)

    assert caught.value.too_large


@given(st.integers(0, INT64_MAX))
def test_any_size_survives_decimal_and_hexadecimal(size):
    assert parse_size(str(size)) == parse_size(hex(size)) == size


@pytest.mark.parametrize(("text", "expected"), [("0x10k", True), ("0x10", False), ("10k", False), ("x", False)])
def test_hexadecimal_with_a_suffix_is_noticed(text, expected):
    assert has_hex_multiplier(text) is expected


def test_size_with_thousands_of_leading_zeroes_is_the_number_behind_them():
    assert parse_size("0" * 5000 + "512") == 512
