"""Counts of every width, between the bytes of a refcount block and a byte each."""

from __future__ import annotations

import random

import pytest

from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.checking.blocks import pack, unpack

WIDTHS = [1, 2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize("bits", WIDTHS)
def test_unpack_when_counts_are_of_any_width_then_they_are_those_of_the_codec(bits):
    rng = random.Random(bits)
    data = bytearray(rng.choice([0, 0, 1, rng.randrange(256)]) for _ in range(512))

    low, wide = unpack(bytearray(data), bits)

    assert [wide.get(i, count) for i, count in enumerate(low)] == list(Codec(bits).decode(data))


@pytest.mark.parametrize("bits", WIDTHS)
def test_pack_when_counts_were_unpacked_then_it_gives_the_bytes_back(bits):
    rng = random.Random(bits)
    data = bytearray(rng.choice([0, rng.randrange(256)]) for _ in range(512))

    assert pack(*unpack(bytearray(data), bits), bits) == data
