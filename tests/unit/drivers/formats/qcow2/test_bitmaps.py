"""The bitmap directory, as others may have left it."""

from __future__ import annotations

import pytest

from pyqio.base.errors import CorruptError, FormatError, OpenError
from pyqio.drivers.formats.qcow2 import bitmaps
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2.bitmaps import AUTO, EXTRA_DATA_COMPATIBLE, IN_USE, Entry
from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, entry, patched

MIB = 1 << 20
AUTOCLEAR = 88


@pytest.mark.parametrize(
    "change",
    [
        {"flags": 8},
        {"kind": 2},
        {"granularity_bits": 8},
        {"granularity_bits": 32},
        {"table_offset": 0},
        {"table_offset": 512},
        {"table_size": 0},
        {"table_size": 1 << 28},
        {"flags": IN_USE, "table_size": 0},
    ],
    ids=str,
)
def test_open_when_an_entry_cannot_be_then_refused(with_bitmaps, change):
    file = with_bitmaps(entry("one"), entry("two").with_fields(**change))

    with pytest.raises(FormatError, match="Bitmap 'two' doesn't satisfy the constraints"):
        Opened(file, read_only=True)


@pytest.mark.parametrize("name", ["", "n" * 1024])
def test_open_when_a_name_cannot_be_then_refused(with_bitmaps, name):
    file = with_bitmaps(entry(name))

    with pytest.raises(FormatError, match=f"Bitmap '{name}' doesn't satisfy the constraints"):
        Opened(file, read_only=True)


def test_open_when_a_bitmap_is_too_short_for_the_disk_then_refused_unless_it_is_in_use(with_bitmaps):
    short = entry("short", granularity_bits=9)
    file = with_bitmaps(short, size=512 << 20, cluster_size=4096)
    unused = with_bitmaps(short.with_fields(flags=IN_USE), size=512 << 20, cluster_size=4096)

    with pytest.raises(FormatError, match="doesn't satisfy the constraints"):
        Opened(file, read_only=True)

    assert Opened(unused).image.info()["bitmaps"][0]["flags"] == ["in-use"]


def test_open_when_tables_take_too_much_then_refused(with_bitmaps, monkeypatch):
    monkeypatch.setattr(bitmaps, "_MAX_TABLE_BYTES", 8)

    with pytest.raises(FormatError, match="Bitmap tables are too large"):
        Opened(with_bitmaps(entry("one"), entry("two")), read_only=True)


def test_open_when_two_bitmaps_have_one_name_then_refused(with_bitmaps):
    with pytest.raises(FormatError, match="Bitmap already exists: same"):
        Opened(with_bitmaps(entry("same"), entry("same")))


@pytest.mark.parametrize(
    ("number", "size", "message"),
    [
        (1, None, "More bitmaps found than specified in header extension"),
        (3, None, "Less bitmaps found than specified in header extension"),
        (2, 40, "Broken bitmap directory"),
        (2, 1 << 20, "Broken bitmap directory"),
    ],
)
def test_open_when_extension_and_directory_disagree_then_refused(with_bitmaps, number, size, message):
    file = with_bitmaps(entry("one"), entry("two"), number=number, directory_size=size)

    with pytest.raises(FormatError, match=message):
        Opened(file, read_only=True)


def test_open_when_the_autoclear_bit_is_not_set_then_bitmaps_do_not_count(with_bitmaps):
    file = patched(with_bitmaps(entry("one").with_fields(kind=9)), (AUTOCLEAR, 8, 0))

    image = Opened(file).image
    image.pwrite(0, b"x")

    assert "bitmaps" not in image.info()
    assert "all bitmaps are now considered inconsistent" in image.graph.remarks[0]


def test_open_when_an_autoclear_bit_is_unknown_then_cleared_and_the_bitmaps_stay(with_bitmaps):
    file = patched(with_bitmaps(entry("one")), (AUTOCLEAR, 8, 1 | 1 << 40))

    image = Opened(file).image

    assert int.from_bytes(file.stable[AUTOCLEAR : AUTOCLEAR + 8], "big") == 1
    assert [bitmap["name"] for bitmap in image.info()["bitmaps"]] == ["one"]


def test_open_when_the_autoclear_bit_stands_without_bitmaps_then_cleared(blank):
    file = patched(blank(MIB), (AUTOCLEAR, 8, 1))

    Opened(file)

    assert int.from_bytes(file.stable[AUTOCLEAR : AUTOCLEAR + 8], "big") == 0


@pytest.mark.parametrize(("flags", "writable"), [(AUTO, False), (AUTO | EXTRA_DATA_COMPATIBLE, True), (0, True)])
def test_open_when_there_is_extra_data_then_written_to_only_where_it_allows(with_bitmaps, flags, writable):
    plain = entry("one", flags=flags)
    strange = Entry(plain.fields._replace(extra_data_size=5), b"extra", plain.name)
    file = with_bitmaps(strange)

    assert Opened(file, read_only=True).image.info()["bitmaps"][0]["name"] == "one"
    assert opens(file) is writable


def opens(file):
    try:
        Opened(Recorder(bytes(file.data)))
    except OpenError as error:
        assert str(error) == "Bitmap extra data is not supported"
        return False
    return True


def test_info_when_open_for_writing_then_all_are_in_use(with_bitmaps):
    file = with_bitmaps(entry("one"), entry("two", flags=0))

    looking, writing = Opened(file, read_only=True).image.info(), Opened(file).image.info()

    assert looking["bitmaps"] == [
        {"flags": ["auto"], "name": "one", "granularity": 65536},
        {"flags": [], "name": "two", "granularity": 65536},
    ]
    assert [bitmap["flags"] for bitmap in writing["bitmaps"]] == [["in-use", "auto"], ["in-use"]]


def test_open_when_the_name_is_no_text_then_shown_all_the_same(with_bitmaps):
    strange = entry("xx")._replace(name=b"\xff\xfe")

    assert Opened(with_bitmaps(strange), read_only=True).image.info()["bitmaps"][0]["name"] == "\udcff\udcfe"


def test_write_when_the_directory_would_be_hit_then_the_image_is_corrupt(with_bitmaps):
    store = Opened(with_bitmaps(entry("one"))).store
    where = headers.bitmaps_extension(store.header)

    with pytest.raises(CorruptError, match="overlaps with bitmap directory"):
        store.guard.check(where.directory_offset, 1)
