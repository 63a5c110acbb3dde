from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError
from pyqio.base.types import OpenFlags
from pyqio.block import registry
from pyqio.block.graph import Graph
from pyqio.block.node import Node
from pyqio.drivers.formats.qcow2 import Qcow2
from tests.unit.drivers.formats.qcow2.conftest import WRITEBACK, Opened, Recorder, patched

MIB = 1 << 20
CLUSTER = 65536


def test_registry_finds_the_driver_by_name():
    assert registry.find("qcow2") is Qcow2


@pytest.mark.parametrize(
    ("head", "likely"),
    [
        (b"QFI\xfb\0\0\0\3", 100),
        (b"QFI\xfb\0\0\0\2" + bytes(504), 100),
        (b"QFI\xfb\0\0\0\7", 100),
        (b"QFI\xfb\0\0\0\1", 0),
        (b"QFI\xfb\0\0\0", 0),
        (bytes(512), 0),
    ],
)
def test_probe_takes_the_magic_and_version_2_or_more(head, likely):
    assert Qcow2.probe(head, "x") == likely


def test_info_shows_what_qemu_img_shows(opened):
    assert dict(opened(MIB).image.info()) == {
        "cluster-size": CLUSTER,
        "vm-state-offset": 512 * MIB,
        "compat": "1.1",
        "compression-type": "zlib",
        "lazy-refcounts": False,
        "refcount-bits": 16,
        "corrupt": False,
        "extended-l2": False,
    }


def test_locate_when_a_byte_is_stored_says_where(opened):
    qcow2 = opened(MIB)
    qcow2.image.pwrite(3 * CLUSTER, b"x")

    location = qcow2.driver.locate(3 * CLUSTER + 7)

    assert (location.kind, location.child, location.host_offset) == ("data", "file", 5 * CLUSTER + 7)
    assert location.detail == "L1[0] = 0x8000000000040000, L2[3] = 0x8000000000050000"


def test_block_status_when_kinds_differ_names_each(opened):
    qcow2 = opened(6 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 2 * CLUSTER)
    qcow2.image.zero(CLUSTER, 2 * CLUSTER)
    qcow2.image.pwrite(4 * CLUSTER, b"c" * CLUSTER, compressed=True)

    found = [(e.length // CLUSTER, e.data, e.zero, e.allocated, e.host_offset) for e in qcow2.image.block_status()]

    assert found == [
        (1, True, False, True, 5 * CLUSTER),
        (1, False, True, True, 6 * CLUSTER),
        (1, False, True, True, None),
        (1, False, True, False, None),
        (1, True, False, True, None),
        (1, False, True, False, None),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lazy-refcounts": "maybe"}, "Parameter 'lazy-refcounts' expects 'on' or 'off'"),
        ({"l2-cache-size": "3M", "cache-size": "2M"}, "l2-cache-size may not exceed cache-size"),
        ({"refcount-cache-size": "3M", "cache-size": "2M"}, "refcount-cache-size may not exceed cache-size"),
        (
            {"l2-cache-size": "1M", "refcount-cache-size": "1M", "cache-size": "2M"},
            "cache-size, l2-cache-size and refcount-cache-size may not be set at the same time",
        ),
        ({"l2-cache-entry-size": "3"}, "L2 cache entry size must be a power of two between 512 and the cluster size"),
        ({"overlap-check": "foo"}, "Unsupported value 'foo' for qcow2 option 'overlap-check'"),
        ({"overlap-check.foo": "on"}, "Block format 'qcow2' does not support the option 'overlap-check.foo'"),
        ({"overlap-check.main-header": "2"}, "Parameter 'overlap-check.main-header' expects 'on' or 'off'"),
        ({"cache-clean-interval": "3000000000000"}, "Cache clean interval too big"),
        ({"cache-size": "7E"}, "Refcount cache size too big"),
        ({"encrypt": {"format": "luks"}}, "No encryption in image header, but options specified format 'luks'"),
        ({"bogus": "1"}, "Block format 'qcow2' does not support the option 'bogus'"),
    ],
)
def test_open_when_an_option_is_wrong_says_why(blank, options, message):
    from pyqio.base.options import nest

    with pytest.raises(OpenError) as caught:
        Opened(blank(MIB), **nest(options))

    assert str(caught.value).startswith(message)


def test_open_when_lazy_refcounts_are_asked_of_version_2_is_refused(blank):
    with pytest.raises(OpenError, match="Lazy refcounts require a qcow2 image"):
        Opened(blank(MIB, compat="0.10"), **{"lazy-refcounts": "on"})


def test_open_when_the_image_is_encrypted_and_no_secret_is_named_says_so(blank):
    with pytest.raises(OpenError, match=r"^Parameter 'encrypt.key-secret' is required for cipher$"):
        Opened(patched(blank(MIB), (32, 4, 1)))


def test_open_when_the_l2_cache_is_small_serves_all_the_same(blank):
    image = Opened(blank(8 * MIB, cluster_size=512), **{"l2-cache-size": "1k", "refcount-cache-size": "1k"}).image

    for at in range(0, 8 * MIB, 32 * 1024):
        image.pwrite(at, at.to_bytes(4, "big"))

    assert [image.pread(at, 4) for at in range(0, 8 * MIB, 32 * 1024)] == [
        at.to_bytes(4, "big") for at in range(0, 8 * MIB, 32 * 1024)
    ]


def test_open_when_the_backing_file_is_named_in_the_header_finds_it_beside_the_image(tmp_path):
    base, top = tmp_path / "base", tmp_path / "top"
    base.write_bytes(b"b" * 1024)
    Qcow2.create(str(top), 2048, {"backing_file": "base", "backing_fmt": "raw"})

    with Graph().open(str(top)) as image:
        data = image.pread(0, 2048)

    assert data == b"b" * 1024 + bytes(1024)


def test_open_when_backing_is_null_has_none(tmp_path):
    base, top = tmp_path / "base", tmp_path / "top"
    base.write_bytes(b"b" * 1024)
    Qcow2.create(str(top), 2048, {"backing_file": "base", "backing_fmt": "raw"})
    base.unlink()

    with Graph().open(str(top), {"driver": "qcow2", "backing": None}) as image:
        data = image.pread(0, 2048)

    assert data == bytes(2048)


def test_open_when_the_backing_file_is_missing_says_which(tmp_path):
    base, top = tmp_path / "base", tmp_path / "top"
    base.write_bytes(b"b" * 1024)
    Qcow2.create(str(top), 2048, {"backing_file": "base", "backing_fmt": "raw"})
    base.unlink()

    with pytest.raises(OpenError, match=r"Could not open backing file: Could not open '.*base': No such file"):
        Graph().open(str(top))


def test_open_when_an_image_names_itself_as_backing_file_ends(tmp_path):
    path, base = tmp_path / "loop", tmp_path / "base"
    Qcow2.create(str(base), 2048, {})
    Qcow2.create(str(path), 2048, {"backing_file": "base", "backing_fmt": "qcow2"})
    base.unlink()
    base.symlink_to(path)

    with pytest.raises(OpenError, match="does a backing file name itself"):
        Graph().open(str(path), {"driver": "qcow2", "read-only": "on"})


def test_reopen_when_options_say_the_same_thing_the_new_one_counts(tmp_path):
    path = tmp_path / "image"
    Qcow2.create(str(path), MIB, {})

    with Graph().open(str(path), {"driver": "qcow2", "overlap-check": "constant"}) as image:
        image.reopen(options={"overlap-check": {"template": "none"}})
        sections = image.node.driver._store.settings.sections

    assert sections == 0


def test_open_when_backing_options_name_no_file_the_header_s_file_is_taken(tmp_path):
    base, top = tmp_path / "base", tmp_path / "top"
    base.write_bytes(b"b" * 1024)
    Qcow2.create(str(top), 2048, {"backing_file": "base", "backing_fmt": "raw"})

    with Graph().open(str(top), {"driver": "qcow2", "backing": {"driver": "raw", "offset": "512"}}) as image:
        data = image.pread(0, 1024)

    assert data == b"b" * 512 + bytes(512)


def test_reopen_when_made_read_only_and_writable_again_keeps_the_data(tmp_path):
    path = tmp_path / "image"
    Qcow2.create(str(path), MIB, {})

    with Graph().open(str(path)) as image:
        image.pwrite(0, b"x" * CLUSTER)
        image.reopen(read_only=True)
        read_only = image.pread(0, 1)
        image.reopen(read_only=False)
        image.pwrite(1, b"y")
        data = image.pread(0, 3)

    assert (read_only, data) == (b"x", b"xyx")


DATA_FILE = (72, 8, 4)


@pytest.mark.parametrize(
    ("edits", "options", "message"),
    [
        ((), {"data-file": {"driver": "null-co"}}, "'data-file' can only be set for images with an external data file"),
        ((), {"data-file": "nosuch"}, "Cannot find device='nosuch' nor node-name='nosuch'"),
        ((), {"data-file": {"driver": "file"}}, "The 'file' block driver requires a file name"),
        ((DATA_FILE,), {}, "'data-file' is required for this image"),
        ((DATA_FILE,), {"data-file": None}, "'data-file' is required for this image"),
        ((DATA_FILE, (112, 16, 0x44415441_00000000 << 64)), {}, "The 'file' block driver requires a file name"),
        (
            (DATA_FILE, (112, 24, 0x44415441_00000006_6E6F_0061_6263_0000 << 64)),
            {},
            "Could not open 'no': No such file or directory",
        ),
    ],
)
def test_open_when_the_data_file_is_wrong_says_what_qemu_says(blank, edits, options, message):
    with pytest.raises(OpenError) as caught:
        Opened(patched(blank(MIB), *edits), **options)

    assert caught.value.message == message


@pytest.fixture
def external(blank):
    """An open image and the file of its data."""
    file = patched(blank(MIB), DATA_FILE, (112, 24, 0x44415441_00000004_64617461_00000000 << 64), (88, 8, 1 << 40 | 2))
    data = Recorder(bytes(MIB))
    node = Node("data", data, OpenFlags(cache=WRITEBACK, discard="unmap"))
    return Opened(file, **{"data-file": node}), data


def test_open_when_the_data_file_is_raw_keeps_that_and_clears_what_is_unknown(external):
    opened, _ = external

    assert opened.file.data[88:96] == (2).to_bytes(8, "big")
    assert opened.image.info()["data-file-raw"] is True


def test_flush_when_the_data_is_external_puts_it_on_the_disk_before_the_tables(external):
    opened, data = external
    seen = []
    opened.image.pwrite(0, b"x" * 512)
    opened.file.on_change = lambda: seen.append(data.stable[:512])

    opened.image.flush()

    assert seen[-1] == b"x" * 512
    assert data.stable[:512] == b"x" * 512


def test_locate_when_the_data_is_external_leads_to_its_file(external):
    opened, _ = external
    opened.image.pwrite(65536, b"x" * 512)

    location = opened.image.node.locate(65537)

    assert (location.kind, location.child, location.host_offset) == ("data", "data-file", 65537)
