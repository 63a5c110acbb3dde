from __future__ import annotations

import pytest

from pyqio.base.types import OpenFlags
from pyqio.block.node import Node
from pyqio.drivers.formats.qcow2.cache import MIN_TABLES, Codec, TableCache
from tests.unit.drivers.formats.qcow2.conftest import Recorder

SIZE = 8192


@pytest.fixture
def file():
    return Recorder(bytes(64 * SIZE))


@pytest.fixture
def cache(file):
    def make(bits=64, check=lambda offset, length: None):
        made = TableCache(
            Node("file", file, OpenFlags()),
            Codec(bits),
            size=SIZE,
            capacity=0,
            check=check,
            make_clean=lambda: made.write_back(),
        )
        return made

    return make


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16, 32, 64])
def test_codec_when_encoded_and_decoded_gives_the_entries_back(bits):
    data = bytes(range(256)) * 2
    codec = Codec(bits)

    entries = codec.decode(data)

    assert len(entries) == len(data) * 8 // bits
    assert codec.encode(entries) == data


def test_codec_when_narrow_starts_with_the_lowest_bits():
    assert list(Codec(2).decode(b"\xe4")) == [0, 1, 2, 3]


def test_codec_when_wide_is_big_endian():
    assert list(Codec(16).decode(b"\x01\x02")) == [0x0102]


def test_write_back_when_one_entry_changed_writes_its_page_alone(cache, file):
    tables = cache()
    table = tables.get(SIZE)
    table.entries[600] = 7
    tables.touch(table, 600, 601)

    tables.write_back()

    assert [(offset, len(data)) for offset, data in file.pending] == [(SIZE + 4096, 4096)]
    assert int.from_bytes(file.data[SIZE + 4800 : SIZE + 4808], "big") == 7
    assert not tables.dirty


def test_get_when_the_cache_is_full_writes_before_it_forgets(cache, file):
    tables = cache()
    table = tables.get(0)
    table.entries[0] = 9
    tables.touch(table, 0, 1)

    for number in range(1, MIN_TABLES + 1):
        tables.get(number * SIZE)

    assert int.from_bytes(file.data[:8], "big") == 9
    assert tables.get(0) is not table
    assert tables.get(0).entries[0] == 9


def test_write_back_when_the_check_refuses_keeps_the_table(cache, file):
    def refuse(offset, length):
        raise RuntimeError(f"{offset} {length}")

    tables = cache(check=refuse)
    tables.touch(tables.get(SIZE), 0, 1)

    with pytest.raises(RuntimeError, match=f"{SIZE} 4096"):
        tables.write_back()

    assert tables.dirty
    assert not file.pending
