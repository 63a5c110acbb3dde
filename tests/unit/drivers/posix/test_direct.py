from __future__ import annotations

import errno
import os

import pytest

from pyqio.base.errors import OpenError
from pyqio.drivers.posix import direct


@pytest.fixture
def fd(tmp_path):
    fd = os.open(tmp_path / "image", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def unaligned(length):
    return memoryview(bytearray(length + 1))[1:]


def test_bounce_passes_more_than_its_own_size(fd):
    data = os.urandom(direct.BOUNCE_SIZE + 8192)
    bounce, back = direct.Bounce(), unaligned(len(data))

    bounce.pwrite(fd, 4096, memoryview(data))
    bounce.pread(fd, 4096, back)

    assert back == data


def test_bounce_reads_zeroes_past_the_end(fd):
    os.pwrite(fd, b"x" * 700, 0)
    back = unaligned(2048)
    back[:] = b"y" * 2048

    direct.Bounce().pread(fd, 0, back)

    assert back == b"x" * 700 + bytes(1348)


@pytest.mark.parametrize(("enforced", "expected"), [(1, 4096), (512, 512), (4096, 4096)])
def test_alignment_is_the_smallest_that_the_host_takes(fd, monkeypatch, enforced, expected):
    def read(fd, buffers, offset):
        if len(buffers[0]) % enforced:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return len(buffers[0])

    monkeypatch.setattr(os, "preadv", read)

    assert direct.request_alignment(fd) == expected


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.EINVAL, "Could not find working O_DIRECT alignment"), (errno.EIO, "Could not read the image")],
)
def test_alignment_that_cannot_be_found_is_an_error(fd, monkeypatch, code, message):
    def read(fd, buffers, offset):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "preadv", read)

    with pytest.raises(OpenError, match=message):
        direct.request_alignment(fd)
