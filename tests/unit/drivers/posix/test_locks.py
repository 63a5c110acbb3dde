from __future__ import annotations

import errno
import fcntl
import os
import struct

import pytest

from pyqio.base.errors import PermissionConflict
from pyqio.base.types import PERM_ALL, PERM_CONSISTENT_READ, PERM_RESIZE, PERM_WRITE
from pyqio.drivers.posix.locks import ImageLocks

READ_WRITE = PERM_CONSISTENT_READ | PERM_WRITE
FLOCK = struct.Struct("hhqqi4x")


@pytest.fixture
def open_file(tmp_path):
    path = tmp_path / "image"
    path.touch()
    descriptors = []

    def open_again():
        descriptors.append(os.open(path, os.O_RDWR))
        return descriptors[-1]

    yield open_again
    for fd in descriptors:
        os.close(fd)


@pytest.fixture
def held(open_file):
    """The bytes that somebody holds, as a stranger sees them."""

    def look():
        fd = open_file()
        bytes_ = [*range(100, 104), *range(200, 204)]
        answers = {
            byte: fcntl.fcntl(fd, fcntl.F_OFD_GETLK, FLOCK.pack(fcntl.F_WRLCK, 0, byte, 1, 0)) for byte in bytes_
        }
        return [byte for byte, answer in answers.items() if FLOCK.unpack(answer)[0] != fcntl.F_UNLCK]

    return look


def change(locks, fd, perm, shared):
    locks.change(fd, perm, shared, filename="x.img")


@pytest.mark.parametrize(
    ("perm", "shared", "expected"),
    [
        pytest.param(READ_WRITE, PERM_ALL, [100, 101], id="raw"),
        pytest.param(PERM_CONSISTENT_READ, PERM_ALL, [100], id="raw-read-only"),
        pytest.param(READ_WRITE | PERM_RESIZE, 5, [100, 101, 103, 201, 203], id="qcow2"),
        pytest.param(PERM_CONSISTENT_READ, 5, [100, 201, 203], id="qcow2-read-only"),
        pytest.param(0, PERM_ALL, [], id="nothing"),
    ],
)
def test_change_holds_the_bytes_that_qemu_holds(open_file, held, perm, shared, expected):
    change(ImageLocks("on"), open_file(), perm, shared)

    assert held() == expected


def test_change_to_less_gives_bytes_back(open_file, held):
    locks, fd = ImageLocks("on"), open_file()
    change(locks, fd, READ_WRITE, 0)

    change(locks, fd, PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE)

    assert held() == [100, 201]


def test_taking_what_another_does_not_share_is_refused(open_file):
    change(ImageLocks("on"), open_file(), PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE)

    with pytest.raises(PermissionConflict) as caught:
        change(ImageLocks("on"), open_file(), READ_WRITE, PERM_ALL)

    assert caught.value.message == 'Failed to get "write" lock'
    assert caught.value.hint == "Is another process using the image [x.img]?"


def test_not_sharing_what_another_takes_is_refused(open_file):
    change(ImageLocks("on"), open_file(), READ_WRITE, PERM_ALL)

    with pytest.raises(PermissionConflict, match='Failed to get shared "write" lock'):
        change(ImageLocks("on"), open_file(), PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE)


def test_refused_change_keeps_the_former_locks(open_file, held):
    other, other_fd = ImageLocks("on"), open_file()
    locks, fd = ImageLocks("on"), open_file()
    change(locks, fd, PERM_CONSISTENT_READ, PERM_ALL)
    change(other, other_fd, 0, PERM_ALL & ~PERM_RESIZE)

    with pytest.raises(PermissionConflict):
        change(locks, fd, READ_WRITE | PERM_RESIZE, 0)

    assert held() == [100, 203]


def test_off_holds_nothing_and_sees_nobody(open_file, held):
    change(ImageLocks("on"), open_file(), READ_WRITE, 0)

    change(ImageLocks("off"), open_file(), READ_WRITE, 0)

    assert held() == [100, 101, 200, 201, 202, 203]


def test_copy_holds_the_same_through_another_descriptor(open_file, held):
    locks, fd, other = ImageLocks("on"), open_file(), open_file()
    change(locks, fd, READ_WRITE, PERM_ALL)

    locks.copy(other)
    for byte in (100, 101):
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, FLOCK.pack(fcntl.F_UNLCK, 0, byte, 1, 0))

    assert held() == [100, 101]


class TestFileSystemWithoutLocks:
    @pytest.fixture(autouse=True)
    def no_locks(self, monkeypatch):
        def refuse(fd, command, argument):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr("pyqio.drivers.posix.locks.fcntl.fcntl", refuse)

    def test_auto_does_without(self, open_file):
        locks, fd = ImageLocks("auto"), open_file()

        change(locks, fd, READ_WRITE, 0)
        change(locks, fd, READ_WRITE, PERM_ALL)

    def test_on_is_refused(self, open_file):
        with pytest.raises(PermissionConflict, match="No locks available"):
            change(ImageLocks("on"), open_file(), READ_WRITE, 0)
