from __future__ import annotations

from typing import NamedTuple

from pyqio.base.records import U8, U16, U32, U64, codec, pack, unpack


class Sample(NamedTuple):
    kind: U8
    width: U16
    count: U32
    offset: U64 = 5


def test_pack_when_unpacked_again_gives_the_record_back():
    sample = Sample(1, 2, 3, 2**64 - 1)

    assert unpack(Sample, pack(sample)) == sample


def test_pack_is_big_endian_and_without_gaps():
    assert pack(Sample(1, 0x0203, 4)) == b"\x01\x02\x03\0\0\0\x04" + bytes(7) + b"\x05"
    assert codec(Sample).size == 15


def test_unpack_when_an_offset_is_given_starts_there():
    assert unpack(Sample, b"??" + pack(Sample(9, 8, 7)), 2).kind == 9
