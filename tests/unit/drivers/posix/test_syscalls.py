from __future__ import annotations

import errno
import os

import pytest

from pyqio.drivers.posix import syscalls


@pytest.fixture
def fd(tmp_path):
    fd = os.open(tmp_path / "image", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def test_fallocate_makes_the_file_longer(fd):
    syscalls.fallocate(fd, syscalls.ALLOCATE, 0, 5000)

    assert os.fstat(fd).st_size == 5000


def test_punched_hole_reads_as_zeroes_and_keeps_the_size(fd):
    os.pwrite(fd, b"x" * 8192, 0)

    syscalls.fallocate(fd, syscalls.PUNCH_HOLE, 4096, 8192)

    assert os.pread(fd, 10000, 0) == b"x" * 4096 + bytes(4096)


def test_fallocate_of_nothing_is_not_asked_of_the_kernel():
    syscalls.fallocate(-1, syscalls.ALLOCATE, 0, 0)


def test_fallocate_that_fails_tells_why():
    with pytest.raises(OSError) as caught:
        syscalls.fallocate(-1, syscalls.ALLOCATE, 0, 1)

    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize(
    "call",
    [
        syscalls.device_is_read_only,
        syscalls.logical_block_size,
        lambda fd: syscalls.discard_blocks(fd, 0, 512),
    ],
)
def test_device_call_on_a_file_is_refused(fd, call):
    with pytest.raises(OSError) as caught:
        call(fd)

    assert caught.value.errno == errno.ENOTTY
