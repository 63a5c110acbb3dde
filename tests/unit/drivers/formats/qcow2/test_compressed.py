from __future__ import annotations

import sys

import pytest

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2.compressed import Deflate, Zstd
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

CLUSTER = 65536
STREAMS = [Deflate(), Zstd()]
ZSTD_TYPE = [(72, 8, 8), (104, 1, 1)]


@pytest.mark.parametrize("stream", STREAMS)
def test_unpack_when_other_bytes_follow_the_stream_ignores_them(stream):
    packed = bytearray(stream.pack(b"data" * 1000))

    assert stream.unpack(packed + b"\xff" * 300, 4000) == b"data" * 1000


@pytest.mark.parametrize("stream", STREAMS)
def test_unpack_when_the_stream_holds_more_stops_at_the_size(stream):
    packed = bytearray(stream.pack(bytes(64 << 20)))

    assert stream.unpack(packed, CLUSTER) == bytes(CLUSTER)


@pytest.mark.parametrize("stream", STREAMS)
def test_unpack_when_the_stream_ends_early_gives_what_there_is(stream):
    packed = bytearray(stream.pack(b"short"))

    assert stream.unpack(packed, CLUSTER) == b"short"


@pytest.mark.parametrize("stream", STREAMS)
def test_unpack_when_the_bytes_are_no_stream_is_an_input_output_error(stream):
    with pytest.raises(BlockError, match="Input/output error"):
        stream.unpack(bytearray(b"\xff" * 512), CLUSTER)


def test_unpack_when_zstd_data_is_in_several_frames_joins_them():
    packed = Zstd().pack(b"one") + Zstd().pack(b"two")

    assert Zstd().unpack(bytearray(packed), 6) == b"onetwo"


def test_pwrite_compressed_when_the_image_is_of_the_zstd_type_is_read_again(blank):
    qcow2 = Opened(patched(blank(4 * CLUSTER), *ZSTD_TYPE))

    qcow2.image.pwrite(CLUSTER, b"packed!!" * (CLUSTER // 8), compressed=True)
    qcow2.image.close()

    again = Opened(qcow2.file)
    assert again.image.pread(CLUSTER, CLUSTER) == b"packed!!" * (CLUSTER // 8)
    assert again.image.info()["compression-type"] == "zstd"
    assert b"\x28\xb5\x2f\xfd" in bytes(qcow2.file.data)


def test_pwrite_compressed_when_the_library_is_missing_names_the_extra(blank, monkeypatch):
    monkeypatch.setitem(sys.modules, "backports.zstd", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    qcow2 = Opened(patched(blank(4 * CLUSTER), *ZSTD_TYPE))

    with pytest.raises(BlockError, match=r"pip install 'pyqio\[zstd\]'"):
        qcow2.image.pwrite(0, bytes(CLUSTER), compressed=True)
