from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError, OptionError
from pyqio.base.types import OpenFlags
from pyqio.block.graph import Graph
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
        ({"extended_l2": "on", "cluster_size": "512"}, "Extended L2 entries are only supported with cluster sizes"),
        ({"data_file_raw": "on"}, "data-file-raw requires data-file"),
        ({"encryption": "on"}, "Parameter 'encrypt.key-secret' is required for cipher"),
        ({"backing_file": "b", "preallocation": "full"}, "Backing file and preallocation can only be used at the same"),
        ({"backing_file": "b" * 1024, "backing_fmt": "raw"}, "Could not assign backing file 'bbb"),
        ({"encrypt.iter-time": "9"}, "Parameter 'encrypt.format' is missing"),
        ({"encrypt.format": "des"}, "Parameter 'format' does not accept value 'des'"),
        ({"encrypt.format": "luks", "encryption": "on"}, "'encrypt.format' and its alias 'encryption' can't be used"),
        ({"backing_fmt": "raw"}, "Backing format cannot be used without backing file"),
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


def test_create_when_the_data_file_cannot_be_made_removes_the_image(path):
    with pytest.raises(OpenError, match=r"^Could not create 'nodir/data': No such file or directory$"):
        Qcow2.create(str(path), MIB, {"data_file": "nodir/data"})

    assert not path.exists()


@pytest.mark.parametrize("existed", [False, True])
def test_create_when_it_fails_removes_the_data_file_that_it_made(path, tmp_path, existed):
    data = tmp_path / "data"
    present = [data] * existed
    for file in present:
        file.touch()

    with pytest.raises(OpenError, match=r"^Cluster size"):
        Qcow2.create(str(path), MIB, {"data_file": str(data), "cluster_size": "3k"})

    assert list(tmp_path.iterdir()) == present


def test_create_when_the_data_file_is_the_image_refuses_and_leaves_nothing(path):
    with pytest.raises(OpenError, match=r'^Failed to get shared "resize" lock'):
        Qcow2.create(str(path), MIB, {"data_file": str(path)})

    assert not path.exists()


def test_create_when_options_are_the_protocol_s_hands_them_on(path):
    with pytest.raises(OpenError, match=r"^Extent size hint is too large$"):
        Qcow2.create(str(path), MIB, {"extent_size_hint": "5G"})

    assert not path.exists()


def test_create_with_a_data_file_gives_it_the_guest_s_size(path, tmp_path):
    data = tmp_path / "data"

    Qcow2.create(str(path), 70000, {"data_file": str(data)})

    assert data.stat().st_size == 70144


def test_create_when_everything_is_asked_for_says_it_in_the_header(path, tmp_path):
    options = {
        "extended_l2": "on",
        "compression_type": "zstd",
        "lazy_refcounts": "on",
        "refcount_bits": "1",
        "data_file": str(tmp_path / "data"),
        "data_file_raw": "on",
    }

    Qcow2.create(str(path), MIB, options)

    with Graph().open(str(path), flags=OpenFlags(read_only=True)) as image:
        info = image.info()
    assert info == {
        "cluster-size": 65536,
        "vm-state-offset": 256 * MIB,
        "compat": "1.1",
        "compression-type": "zstd",
        "lazy-refcounts": True,
        "refcount-bits": 1,
        "data-file": str(tmp_path / "data"),
        "data-file-raw": True,
        "corrupt": False,
        "extended-l2": True,
    }
