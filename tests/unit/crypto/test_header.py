"""Headers that are damaged, each with QEMU's words for it."""

from __future__ import annotations

import struct

import pytest

from pyqio.base.errors import FormatError
from pyqio.crypto import header as headers


def u32(value):
    return struct.pack(">I", value)


def slot(number, field):
    return 208 + 48 * number + {"state": 0, "iterations": 4, "material": 40, "stripes": 44}[field]


def damaged(start, *edits):
    data = bytearray(start)
    for offset, change in edits:
        data[offset : offset + len(change)] = change
    return bytes(data[: headers.HEADER_BYTES])


def test_parse_when_header_is_sound_then_its_names_and_offsets(start):
    header = headers.parse(damaged(start))

    assert (header.names.algorithm.name, header.names.mode, header.names.ivgen) == ("aes-256", "xts", "plain64")
    assert (header.names.ivgen_hash, header.names.hash_name) == (None, "sha256")
    assert header.payload_offset == len(start) == 2068480
    assert [slot.active for slot in header.slots] == [True] + [False] * 7


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([(0, b"X")], "Volume is not in LUKS format"),
        ([(0, bytes(592))], "Volume is not in LUKS format"),
        ([(6, b"\0\2")], "LUKS version 2 is not supported"),
        ([(8, b"a" * 32), (72, b"a" * 32)], "LUKS header cipher name is not NUL terminated"),
        ([(40, b"a" * 32)], "LUKS header cipher mode is not NUL terminated"),
        ([(72, b"a" * 32)], "LUKS header hash spec is not NUL terminated"),
        ([(8, b"foo\0")], "Algorithm 'foo' with key size 32 bytes not supported"),
        ([(8, b"\xff\0")], r"Algorithm '\xff' with key size 32 bytes not supported"),
        ([(40, b"xts\0")], "Unexpected cipher mode string format 'xts'"),
        ([(40, b"foo-plain\0"), (8, b"foo\0")], "Cipher mode 'foo' not supported"),
        ([(40, b"xts-foo\0")], "IV generator 'foo' not supported"),
        ([(40, b"xts-foo:bar\0")], "Hash algorithm 'bar' not supported"),
        ([(40, b"xts-essiv\0")], "Missing IV generator hash specification"),
        ([(40, b"cbc-plain64\0")], "Algorithm 'aes' with key size 64 bytes not supported"),
        ([(72, b"SHA256\0")], "Hash algorithm 'SHA256' not supported"),
        ([(104, u32(0))], "LUKS payload is overlapping with the header"),
        ([(104, u32(4039))], "Keyslot 7 is overlapping with the encrypted payload"),
        ([(108, u32(0))], "Algorithm 'aes' with key size 0 bytes not supported"),
        ([(108, u32(63))], "Algorithm 'aes' with key size 31 bytes not supported"),
        ([(108, u32(65))], "Keyslots 0 and 1 are overlapping in the header"),
        ([(108, u32(2**32 - 1))], "Keyslot 0 is overlapping with the encrypted payload"),
        ([(164, u32(0))], "LUKS key iteration count is zero"),
        ([(164, u32(2**32 - 1))], "LUKS key iteration count 4294967295 is too large"),
        ([(slot(0, "state"), u32(5))], "Keyslot 0 state (active/disable) is corrupted"),
        ([(slot(0, "iterations"), u32(0))], "Keyslot 0 iteration count is zero"),
        ([(slot(0, "iterations"), u32(2**32 - 1))], "Keyslot 0 iteration count 4294967295 is too large"),
        ([(slot(0, "material"), u32(7))], "Keyslot 0 is overlapping with the LUKS header"),
        ([(slot(0, "material"), u32(9))], "Keyslots 0 and 1 are overlapping in the header"),
        ([(slot(0, "material"), u32(2**32 - 1))], "Keyslot 0 is overlapping with the encrypted payload"),
        ([(slot(7, "material"), u32(4040))], "Keyslot 7 is overlapping with the encrypted payload"),
        ([(slot(0, "stripes"), u32(0))], "Keyslot 0 is corrupted (stripes 0 != 4000)"),
        ([(slot(3, "stripes"), u32(2**32 - 1))], "Keyslot 3 is corrupted (stripes -1 != 4000)"),
    ],
)
def test_parse_when_header_is_damaged_then_qemus_words(start, edits, message):
    with pytest.raises(FormatError) as caught:
        headers.parse(damaged(start, *edits))

    assert str(caught.value) == message


def test_parse_when_an_unused_slot_counts_no_iterations_then_it_is_sound(start):
    assert headers.parse(damaged(start, (slot(1, "iterations"), u32(0)))).slots[1].iterations == 0
