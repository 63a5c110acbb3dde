from __future__ import annotations

import pytest

from pyqio.base.types import Cache
from pyqio.commands.kinds import SINGLE, Byte, CacheMode, DiscardMode, Milliseconds, Number, Pairs, c_integer
from pyqio.commands.rejected import Rejected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("010", 10),
        ("0x1k", 1024),
        ("1.5k", 1536),
        ("+1", 1),
        ("1.0", 1),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_number_when_text_is_a_size_then_bytes(text, value):
    assert Number("off").parse(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1", "1s", "1kk", "1e3", "²", "٣", "1.5", ".5k", "0x"])
def test_number_when_text_is_none_then_qemus_words(text):
    with pytest.raises(Rejected) as caught:
        Number("off").parse(text)

    expected = f"Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- {text}"
    assert (str(caught.value), caught.value.stderr) == (expected, False)


@pytest.mark.parametrize("text", ["9223372036854775808", "8E", "18446744073709551616", "9" * 5000])
def test_number_when_text_is_too_large_then_says_so(text):
    with pytest.raises(Rejected) as caught:
        Number("off").parse(text)

    assert str(caught.value) == f"Parsing error: argument too large -- {text}"


def test_number_when_hexadecimal_has_a_suffix_then_warns():
    warnings = [list(Number("off").warnings(text)) for text in ("0x1k", "0x10", "4k")]

    assert warnings == [["Using a multiplier suffix on hex numbers is deprecated: 0x1k"], [], []]


def test_count_when_one_too_large_then_repeats_the_text():
    assert SINGLE.parse("2147483136") == 2147483136
    with pytest.raises(Rejected, match="length cannot exceed 2147483136, given 0x80000000"):
        SINGLE.parse("0x80000000")


@pytest.mark.parametrize(
    ("text", "number"),
    [("10", 10), ("010", 8), ("0x1F", 31), ("+1", 1), ("-1", -1), ("0", 0), (" 7", 7), ("09", None), ("1k", None),
     ("0x", None), ("", None), ("0b1", None), ("1.0", None)],
)  # fmt: skip
def test_c_integer_when_text_is_given_then_what_strtol_makes_of_it(text, number):
    assert c_integer(text) == number


@pytest.mark.parametrize("text", ["256", "-1", "x", "0x100", "9" * 30])
def test_byte_when_not_in_range_then_says_so(text):
    with pytest.raises(Rejected) as caught:
        Byte().parse(text)

    assert str(caught.value) == f"{text} is not a valid pattern byte"


def test_milliseconds_when_beyond_64_bits_then_cut():
    assert Milliseconds().parse("99999999999999999999") == 2**63 - 1


def test_modes_when_named_then_what_they_stand_for():
    assert CacheMode().parse("none") == Cache(writeback=True, direct=True)
    assert [DiscardMode().parse(word) for word in ("on", "off")] == ["unmap", "ignore"]
    with pytest.raises(Rejected, match="Invalid cache option: fast"):
        CacheMode().parse("fast")


def test_pairs_when_keys_have_no_value_then_on_or_off_and_a_warning():
    kind = Pairs()

    assert kind.parse("driver=raw,,x,size=1k,share,nolock,=y") == {
        "driver": "raw,x",
        "size": "1k",
        "share": "on",
        "lock": "off",
        "": "y",
    }
    assert list(kind.warnings("a=1,nolock")) == [
        "short-form boolean option 'nolock' deprecated\nPlease use lock=off instead"
    ]


def test_c_integer_when_it_has_thousands_of_digits_then_it_is_large():
    assert c_integer("9" * 5000) > 2**64
