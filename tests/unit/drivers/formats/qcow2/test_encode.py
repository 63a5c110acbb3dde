from __future__ import annotations

import errno

import pytest

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2.encode import encode, feature_names, place_backing_name, with_extensions
from pyqio.drivers.formats.qcow2.header import Extension
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched
from tests.unit.drivers.formats.qcow2.test_header import EXTENSIONS, MIB, parse

FIRST, SECOND, NEW = 0x11111111, 0x22222222, 0x33333333


def parse_bytes(data):
    return headers.parse(lambda offset, length: data[offset : offset + length].ljust(length, b"\0"), writable=True)


def extended(file, *extensions):
    """The header of ``file`` with nothing but these extensions."""
    return place_backing_name(parse(file)._replace(extensions=extensions, backing_name=b"base"))


@pytest.mark.parametrize("version", ["0.10", "1.1"])
def test_encode_when_parsed_again_gives_the_same_header(blank, version):
    header = extended(blank(5 * MIB, compat=version, cluster_size=1024), Extension(FIRST, b"odd length"))

    assert parse_bytes(encode(header)) == header


def test_encode_when_a_new_image_is_parsed_gives_its_bytes(blank):
    file = blank(MIB)

    data = encode(parse(file))

    assert bytes(file.data[:65536]) == data.ljust(65536, b"\0")


def test_encode_when_the_header_is_larger_than_a_cluster_raises(blank):
    header = extended(blank(MIB, cluster_size=512), Extension(FIRST, bytes(512)))

    with pytest.raises(BlockError) as caught:
        encode(header)

    assert caught.value.errno == errno.ENOSPC


def test_feature_names_when_encoded_are_rows_of_48_bytes():
    kind, data = feature_names()

    assert kind == headers.EXT_FEATURE_NAMES
    assert data[48 * 2 : 48 * 3] == b"\0\2external data file".ljust(48, b"\0")


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, [FIRST, SECOND, FIRST]),
        ({FIRST: b"new"}, [FIRST, SECOND]),
        ({SECOND: b"new"}, [FIRST, SECOND, FIRST]),
        ({SECOND: None, NEW: b"new"}, [FIRST, FIRST, NEW]),
        ({FIRST: None}, [SECOND]),
        ({NEW: None}, [FIRST, SECOND, FIRST]),
    ],
)
def test_with_extensions_when_kinds_change_keeps_the_order(blank, changes, kinds):
    header = extended(blank(MIB), Extension(FIRST, b"a"), Extension(SECOND, b"bb"), Extension(FIRST, b"c"))

    changed = with_extensions(header, changes)

    assert [extension.kind for extension in changed.extensions] == kinds
    assert all(changed.extension(kind) == data for kind, data in changes.items())
    assert parse_bytes(encode(changed)) == changed


def test_update_extensions_when_a_header_is_unusual_keeps_what_it_does_not_know(blank):
    unusual = (
        (100, 4, 120),
        (112, 8, 0x1122334455667788),
        (120, 16, 0x12345678_00000005_68656C6C6F000000),
        (136, 8, 0),
        (80, 8, 1 << 40),
    )
    file = patched(blank(MIB), *unusual)
    opened = Opened(file)

    opened.store.update_extensions({NEW: b"new"}, autoclear_features=1)
    opened.image.close()

    header = parse(file)
    assert header.tail[8:] == bytes.fromhex("1122334455667788")
    assert header.extensions == (Extension(0x12345678, b"hello"), Extension(NEW, b"new"))
    assert (header.fields.autoclear_features, header.fields.compatible_features) == (1, 1 << 40)


def test_update_extensions_when_there_is_a_backing_name_moves_it(blank, tmp_path):
    (tmp_path / "base").write_bytes(bytes(512))
    plain = blank(MIB)
    header = extended(plain, Extension(headers.EXT_BACKING_FORMAT, b"raw"))
    plain.data[:65536] = encode(header).ljust(65536, b"\0")
    opened = Opened(plain, backing={"driver": "file", "filename": str(tmp_path / "base")})

    opened.store.update_extensions({NEW: bytes(100)})

    moved = parse(plain)
    assert moved.backing_file == "base"
    assert moved.fields.backing_file_offset == header.fields.backing_file_offset + 8 + 104


def test_update_extensions_when_they_do_not_fit_leaves_the_header_alone(blank):
    file = blank(MIB, cluster_size=512)
    opened = Opened(file)
    before = bytes(file.data)

    with pytest.raises(BlockError) as caught:
        opened.store.update_extensions({NEW: bytes(512 - EXTENSIONS - 8)})

    assert caught.value.errno == errno.ENOSPC
    assert bytes(file.data) == before
    assert opened.store.header.extension(NEW) is None


def test_update_extensions_when_done_is_one_write_and_a_flush(blank):
    file = blank(MIB)
    opened = Opened(file)
    changes, flushes = file.changes, file.flushes

    opened.store.update_extensions({NEW: b"new"})

    assert (file.changes, file.flushes) == (changes + 1, flushes + 1)
