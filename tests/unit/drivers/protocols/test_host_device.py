from __future__ import annotations

import errno
import os
import stat
import struct

import pytest

from pyqio.base.errors import OpenError, OptionError, Unsupported
from pyqio.base.types import Cache, OpenFlags
from pyqio.block import registry
from pyqio.block.graph import Graph
from pyqio.drivers.posix import syscalls


def open_device(path, *, read_only=False):
    flags = OpenFlags(read_only=read_only, cache=Cache(writeback=True), discard="unmap")
    return Graph().open(None, {"driver": "host_device", "filename": str(path)}, flags)


@pytest.fixture
def device(tmp_path, monkeypatch):
    """A file of 1 MiB that the driver takes for a block device with blocks of 4096 bytes."""
    path = tmp_path / "disk"
    path.write_bytes(b"x" * 2**20)
    settings = {"read_only": False, "discarded": []}
    monkeypatch.setattr(stat, "S_ISBLK", stat.S_ISREG)
    monkeypatch.setattr(syscalls, "device_is_read_only", lambda fd: settings["read_only"])
    monkeypatch.setattr(syscalls, "logical_block_size", lambda fd: 4096)
    monkeypatch.setattr(syscalls, "discard_blocks", lambda fd, *range_: settings["discarded"].append(range_))
    return path, settings


def test_regular_file_is_refused(tmp_path):
    (tmp_path / "image").touch()

    with pytest.raises(OpenError, match=r"'host_device' driver requires '.*' to be either a character or block device"):
        open_device(tmp_path / "image")


def test_name_is_required():
    with pytest.raises(OpenError, match="The 'host_device' block driver requires a file name"):
        Graph().open(None, {"driver": "host_device"})


def test_name_may_carry_the_prefix():
    with Graph().open("host_device:/dev/null", {"driver": "raw"}) as image:
        assert image.length() == 0


def test_character_device_without_a_size_is_empty():
    with open_device("/dev/zero", read_only=True) as image:
        assert image.length() == 0


def test_read_only_device_is_not_opened_for_writing(device):
    path, settings = device
    settings["read_only"] = True

    with pytest.raises(OpenError, match="The device is not writable: Permission denied"):
        open_device(path)
    with open_device(path, read_only=True) as image:
        assert image.pread(0, 1) == b"x"


def test_discard_reaches_the_device_in_whole_blocks(device):
    path, settings = device

    with open_device(path) as image:
        image.discard(1, 20_000)

    assert (4096, 12_288) in settings["discarded"]


def test_discard_that_the_device_does_not_know_is_ignored(device, monkeypatch):
    path, _ = device

    def refuse(fd, offset, length):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(syscalls, "discard_blocks", refuse)

    with open_device(path) as image:
        image.discard(0, 8192)

        assert image.pread(0, 8192) == b"x" * 8192


def test_write_past_the_end_does_not_grow_the_device(device):
    path, _ = device

    with open_device(path) as image, pytest.raises(Exception, match="past the end"):
        image.node.pwrite(2**20, memoryview(b"x"))

    assert path.stat().st_size == 2**20


@pytest.mark.parametrize(
    ("length", "settings", "message"),
    [
        (2**21, {}, "Cannot grow device files"),
        (2**19, {}, "Cannot resize device files"),
        (2**20, {"prealloc": "falloc"}, "Preallocation mode 'falloc' unsupported for this non-regular file"),
    ],
)
def test_device_keeps_its_size(device, length, settings, message):
    path, _ = device

    with open_device(path) as image, pytest.raises(Unsupported, match=message):
        image.node.truncate(length, **settings)


def test_device_may_be_larger_than_asked_for(device):
    path, _ = device

    with open_device(path) as image:
        image.node.truncate(2**19, exact=False)

        assert image.length() == 2**20


class TestCreate:
    def test_first_sector_is_cleared_and_the_rest_is_kept(self, device):
        path, _ = device

        values = registry.require("host_device").create(f"host_device:{path}", 2**19, {"preallocation": "off"})

        assert values == {"size": 2**19, "preallocation": "off"}
        assert path.read_bytes() == bytes(512) + b"x" * (2**20 - 512)

    def test_device_that_is_too_small_is_left_alone(self, device):
        path, _ = device

        with pytest.raises(OpenError, match="Cannot grow device files"):
            registry.require("host_device").create(str(path), 2**21, {})

        assert path.read_bytes() == b"x" * 2**20

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"nocow": "on"}, "Invalid parameter 'nocow'"),
            ({"preallocation": "full"}, "Unsupported preallocation mode 'full'"),
        ],
    )
    def test_option_that_devices_do_not_have_is_refused(self, device, options, message):
        path, _ = device

        with pytest.raises(OptionError, match=message):
            registry.require("host_device").create(str(path), 512, options)


def test_ioctl_numbers_and_argument_of_a_discard(monkeypatch):
    seen = []
    monkeypatch.setattr(syscalls.fcntl, "ioctl", lambda *arguments: seen.append(arguments))

    syscalls.discard_blocks(7, 4096, 8192)

    assert seen == [(7, 0x1277, struct.pack("QQ", 4096, 8192))]
