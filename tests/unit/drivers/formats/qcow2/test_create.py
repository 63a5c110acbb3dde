from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError, OptionError
from pyqio.drivers.formats.qcow2 import Qcow2

MIB = 1 << 20


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.qcow2"


def test_create_returns_the_options_in_force_in_qemu_img_s_order(path):
    options = Qcow2.create(str(path), 1000, {"preallocation": "metadata", "compat": "1.1", "cluster_size": "4k"})

    assert list(options.items()) == [
        ("cluster_size", 4096),
        ("extended_l2", False),
        ("preallocation", "metadata"),
        ("compression_type", "zlib"),
        ("size", 1000),
        ("compat", "1.1"),
        ("lazy_refcounts", False),
        ("refcount_bits", 16),
    ]


def test_create_when_large_is_sparse(path):
    Qcow2.create(str(path), 1 << 44, {})

    assert path.stat().st_size == 3 * 65536 + 32768 * 8
    assert path.stat().st_blocks * 512 < 65536 * 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"foo": "1"}, "Invalid parameter 'foo'"),
        ({"cluster_size": "256"}, "Cluster size must be a power of two between 512 and 2048k"),
        ({"cluster_size": "4M"}, "Cluster size must be a power of two between 512 and 2048k"),
        ({"cluster_size": "3000"}, "Cluster size must be a power of two between 512 and 2048k"),
        ({"compat": "2"}, "Parameter 'version' does not accept value '2'"),
        ({"refcount_bits": "3"}, "Refcount width must be a power of two and may not exceed 64 bits"),
        ({"refcount_bits": "0"}, "Refcount width must be a power of two and may not exceed 64 bits"),
        ({"refcount_bits": "8", "compat": "0.10"}, "Different refcount widths than 16 bits require compatibility"),
        ({"lazy_refcounts": "on", "compat": "0.10"}, "Lazy refcounts only supported with compatibility level 1.1"),
        ({"lazy_refcounts": "maybe"}, "Parameter 'lazy_refcounts' expects 'on' or 'off'"),
        ({"preallocation": "foo"}, "Parameter 'preallocation' does not accept value 'foo'"),
        ({"compression_type": "lz4"}, "Parameter 'compression-type' does not accept value 'lz4'"),
        ({"compression_type": "zstd", "compat": "v2"}, "Non-zlib compression type is only supported with"),
        ({"compression_type": "zstd"}, "qcow2 images with zstd compression are not supported"),
        ({"extended_l2": "on", "cluster_size": "512"}, "Extended L2 entries are only supported with cluster sizes"),
        ({"data_file_raw": "on"}, "data-file-raw requires data-file"),
        ({"data_file": "x"}, "qcow2 images with an external data file are not supported"),
        ({"encryption": "on"}, "qcow2 images with encryption are not supported"),
        ({"backing_fmt": "raw"}, "Backing format cannot be used without backing file"),
        ({"backing_file": "nosuch", "backing_fmt": "raw"}, "Could not open '"),
    ],
)
def test_create_when_an_option_is_wrong_says_so_and_leaves_nothing(path, options, message):
    with pytest.raises((OpenError, OptionError)) as caught:
        Qcow2.create(str(path), MIB, options)

    assert str(caught.value).startswith(message)
    assert not path.exists()


def test_create_when_the_size_is_too_large_leaves_nothing(path):
    with pytest.raises(OpenError, match="The image size is too large for file format 'qcow2'"):
        Qcow2.create(str(path), 1 << 57, {})

    assert not path.exists()


def test_create_when_the_backing_format_is_missing_says_what_was_found(path, tmp_path):
    (tmp_path / "base").write_bytes(bytes(1024))

    with pytest.raises(OpenError) as caught:
        Qcow2.create(str(path), MIB, {"backing_file": "base"})

    assert str(caught.value) == "Backing file specified without backing format\nDetected format of raw."
