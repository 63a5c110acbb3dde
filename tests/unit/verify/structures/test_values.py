"""Values in bytes, and the bytes of values."""

from __future__ import annotations

import pytest

from pyqio.base.errors import UsageError
from pyqio.verify.structures.values import VALUES, decode, encode

GUID = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"


@pytest.mark.parametrize(
    ("name", "data", "value", "more"),
    [
        ("u8", "ff", 255, "0xff"),
        ("i8", "ff", -1, "0xff"),
        ("u16le", "0102", 0x201, "0x201"),
        ("u16be", "0102", 0x102, "0x102"),
        ("i32be", "fffffffe", -2, "0xfffffffe"),
        ("u64le", "0100000000000080", 0x8000000000000001, "0x8000000000000001"),
        ("f32le", "0000803f", "1.0", ""),
        ("f64be", "7ff0000000000000", "inf", ""),
        ("time32be", "00000000", 0, "1970-01-01 00:00:00 UTC"),
        ("time64le", "ffffffffffffff7f", 2**63 - 1, "no date of the calendar"),
        ("guid", "28732ac11ff8d211ba4b00a0c93ec93b", GUID, ""),
        ("uuid", GUID.replace("-", ""), GUID, ""),
        ("ascii", "41ff4200ff", "A\\xffB", ""),
        ("utf8", "c3a4ff00", "ä\\xff", ""),
    ],
)
def test_decode_when_bytes_are_of_a_type_then_their_value(name, data, value, more):
    assert decode(name, bytes.fromhex(data)) == (value, more)


@pytest.mark.parametrize("name", [name for name, value in VALUES.items() if value.size])
def test_encode_when_it_is_what_was_decoded_then_the_same_bytes(name):
    data = bytes(range(1, VALUES[name].size + 1))

    assert encode(name, str(decode(name, data)[0])) == data


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("u8", "256", "256 is not between 0 and 255"),
        ("i8", "-129", "-129 is not between -128 and 127"),
        ("u16le", "1k", "'1k' is not a whole number"),
        ("f32be", "1e300", "'1e300' is not a number that fits 32 bits"),
        ("guid", "x", "'x' is not of the form 01234567-89ab-cdef-0123-456789abcdef"),
        ("ascii", "ä", "'ä' is no ascii text"),
    ],
)
def test_encode_when_the_text_is_no_such_value_then_refused(name, text, told):
    with pytest.raises(UsageError) as caught:
        encode(name, text)

    assert str(caught.value) == told
