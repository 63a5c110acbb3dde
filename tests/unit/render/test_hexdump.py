from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pyqio.render.hexdump import LINES, ROW, hexdump

BLOCK = LINES * ROW


def expected(offset, data):
    """The same dump, a byte at a time."""
    lines = []
    for at in range(0, len(data), ROW):
        row = data[at : at + ROW]
        digits = "".join(f"{byte:02x} " for byte in row)
        shown = "".join(chr(byte) if byte < 128 and chr(byte).isalnum() else "." for byte in row)
        lines.append(f"{offset + at:08x}:  {digits} {shown}\n")
    return "".join(lines).encode()


def dumped(offset, windows):
    return b"".join(bytes(text) for text in hexdump(offset, windows))


def test_hexdump_when_bytes_are_text_then_only_letters_and_digits_are_shown():
    line = dumped(0, [b"Hello, World! \xe9_09"])

    assert line == (
        b"00000000:  48 65 6c 6c 6f 2c 20 57 6f 72 6c 64 21 20 e9 5f  Hello..World....\n00000010:  30 39  09\n"
    )


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize(
    "offset", [0, 1, 15, 16, 0xFFF0, 0xFFF1, 5000, 2**32 - BLOCK - 7, 2**36 - 2 * BLOCK, 2**52 + 7]
)
def test_hexdump_when_range_is_given_then_each_line_is_right(offset, length):
    data = random.Random(length).randbytes(length)

    assert dumped(offset, [data]) == expected(offset, data)


def test_hexdump_when_bytes_come_in_pieces_then_the_same():
    data = random.Random(1).randbytes(300_000)
    sizes = [1, 7, 16, 4096, 65536, 100_000, 130_344]
    cuts = [sum(sizes[:at]) for at in range(len(sizes) + 1)]
    windows = [memoryview(data)[a:b] for a, b in pairwise(cuts)]

    assert dumped(5, windows) == expected(5, data)


def test_hexdump_when_blocks_are_alike_then_offsets_still_change():
    data = b"\xcd" * (5 * BLOCK)

    assert dumped(0, [data]) == expected(0, data)
