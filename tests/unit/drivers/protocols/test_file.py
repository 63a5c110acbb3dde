from __future__ import annotations

import errno
import os
import socket

import pytest

from pyqio.base.errors import BlockError, OpenError, OptionError, PermissionConflict, Unsupported
from pyqio.base.types import Cache
from pyqio.block.graph import Graph
from pyqio.drivers.posix import syscalls
from tests.unit.drivers.protocols.conftest import DIRECT, WRITEBACK, open_file


class TestOpen:
    def test_missing_file_says_so(self, tmp_path):
        with pytest.raises(OpenError, match=f"Could not open '{tmp_path}/nonex': No such file or directory") as caught:
            open_file(tmp_path / "nonex")

        assert caught.value.errno == errno.ENOENT

    def test_no_name_is_refused(self):
        with pytest.raises(OpenError, match="The 'file' block driver requires a file name"):
            Graph().open(None, {"driver": "file"})

    def test_directory_is_refused_for_writing(self, tmp_path):
        with pytest.raises(OpenError, match=f"Could not open '{tmp_path}': Is a directory"):
            open_file(tmp_path)

    @pytest.mark.parametrize("read_only", [True, False])
    def test_fifo_is_refused_without_waiting_for_a_writer(self, tmp_path, read_only):
        os.mkfifo(tmp_path / "fifo")

        with pytest.raises(OpenError, match=r"'file' driver requires '.*/fifo' to be a regular file"):
            open_file(tmp_path / "fifo", read_only=read_only)

    def test_socket_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("sock")

            with pytest.raises(OpenError, match="Could not open 'sock': No such device or address"):
                open_file("sock")

    def test_device_is_refused(self):
        with pytest.raises(OpenError, match="'file' driver requires '/dev/null' to be a regular file"):
            open_file("/dev/null")

    def test_file_that_cannot_be_measured_is_refused(self):
        with pytest.raises(OpenError, match="Could not refresh total sector count: Invalid argument"):
            open_file("/proc/version", read_only=True)

    def test_file_system_without_direct_access_says_so(self):
        with pytest.raises(OpenError, match="Could not open '/proc/version': filesystem does not support O_DIRECT"):
            open_file("/proc/version", read_only=True, cache=DIRECT)

    @pytest.mark.parametrize("name", ["a\0b", "\ud800"])
    def test_name_that_no_file_can_have_is_refused(self, name):
        with pytest.raises(OpenError, match="Invalid argument"):
            open_file(name)

    def test_native_aio_wants_direct_access(self, path):
        with pytest.raises(OpenError, match=r"aio=native was specified, but it requires cache\.direct=on"):
            open_file(path, aio="native")

    def test_unknown_reservation_manager_is_refused(self, path):
        with pytest.raises(OpenError, match="No persistent reservation manager with id 'm'"):
            open_file(path, **{"pr-manager": "m"})

    def test_refused_open_leaves_no_descriptor(self, tmp_path):
        before = os.listdir("/proc/self/fd")

        for name in (tmp_path, "/dev/null", "/proc/version"):
            with pytest.raises(OpenError):
                open_file(name, read_only=True)

        assert os.listdir("/proc/self/fd") == before

    @pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.EPERM])
    def test_refused_writing_falls_back_to_reading_where_allowed(self, path, monkeypatch, code):
        refuse_writing(monkeypatch, code)

        with open_file(path, auto_read_only=True) as image:
            assert image.read_only
            assert image.pread(0, 3) == b"xxx"

    def test_refused_writing_is_an_error_where_nothing_else_is_allowed(self, path, monkeypatch):
        refuse_writing(monkeypatch, errno.EACCES)

        with pytest.raises(OpenError, match="Permission denied"):
            open_file(path)

    def test_second_user_in_conflict_is_told_what_holds_it(self, path):
        with open_file(path) as image:
            image.node.driver.set_permissions(3, 13)

            with pytest.raises(PermissionConflict) as caught:
                open_file(path)

        assert caught.value.message == 'Failed to get "write" lock'
        assert caught.value.hint == f"Is another process using the image [{path}]?"


class TestLength:
    def test_last_partial_sector_counts_whole_and_ends_in_zeroes(self, tmp_path):
        path = tmp_path / "image"
        path.write_bytes(b"x" * 1700)

        with open_file(path, read_only=True) as image:
            assert image.length() == 2048
            buf = bytearray(b"\xee" * 448)
            image.pread_into(1600, buf)
            assert buf == b"x" * 100 + bytes(348)

    def test_write_inside_the_last_sector_makes_the_file_no_longer_than_it_must(self, tmp_path):
        path = tmp_path / "image"
        path.write_bytes(b"x" * 1700)

        with open_file(path) as image:
            image.pwrite(1600, b"y" * 101)

        assert path.stat().st_size == 1701

    def test_node_grows_by_writes_past_its_end(self, path):
        with open_file(path) as image:
            image.node.pwrite(100_000, memoryview(b"new"))

            assert image.length() == 100_352
            assert image.pread(65536, 34_467) == bytes(34_464) + b"new"

    @pytest.mark.parametrize("zero", [lambda n, *a: n.pwrite_zeroes(*a), lambda n, *a: n.pwrite_zeroes(*a, 2)])
    def test_node_grows_by_zeroes_past_its_end(self, path, zero):
        with open_file(path) as image:
            zero(image.node, 60_000, 40_000)

            assert image.length() == 100_352
            assert image.pread(0, 100_352) == b"x" * 60_000 + bytes(40_352)

    def test_write_at_no_possible_offset_is_an_error(self, path):
        with open_file(path) as image, pytest.raises(BlockError) as caught:
            image.node.pwrite(2**63, memoryview(b"x"))

        assert caught.value.errno == errno.EFBIG


class TestBlockStatus:
    def test_holes_and_data_are_told_apart(self, sparse):
        with open_file(sparse) as image:
            extents = [(e.offset, e.length, e.data, e.zero, e.allocated, e.host_offset) for e in image.block_status()]

        assert extents == [
            (0, 65536, False, True, True, 0),
            (65536, 65536, True, False, True, 65536),
            (131072, 918016, False, True, True, 131072),
        ]

    def test_last_partial_sector_is_one_extent(self, tmp_path):
        path = tmp_path / "image"
        path.write_bytes(b"x" * 1700)

        with open_file(path) as image:
            assert [(e.offset, e.length, e.data) for e in image.block_status()] == [(0, 2048, True)]

    def test_everything_is_data_where_the_host_cannot_tell(self, sparse, monkeypatch):
        refuse_seeking(monkeypatch)

        with open_file(sparse) as image:
            assert [(e.offset, e.length, e.data) for e in image.block_status()] == [(0, 1_049_088, True)]

    def test_many_extents_come_in_portions_without_gaps(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pyqio.drivers.posix.hostfile.EXTENTS_AT_ONCE", 3)
        path = tmp_path / "image"
        with path.open("wb") as file:
            for number in range(10):
                file.seek(number * 131072)
                file.write(b"x" * 4096)

        with open_file(path) as image:
            extents = list(image.block_status())

        assert [e.offset for e in extents if e.data] == [number * 131072 for number in range(10)]
        assert sum(e.length for e in extents) == 9 * 131072 + 4096


class TestZeroes:
    def test_unmapped_zeroes_become_a_hole(self, path):
        with open_file(path) as image:
            image.zero(0, 65536, unmap=True)

        assert path.stat().st_blocks == 0

    def test_zeroes_that_stay_keep_their_place(self, sparse):
        before = sparse.stat().st_blocks

        with open_file(sparse) as image:
            image.zero(0, 65536)

        assert sparse.stat().st_blocks == before + 128

    def test_discard_frees_the_place(self, path):
        with open_file(path) as image:
            image.discard(0, 65536)

        assert path.stat().st_blocks == 0

    def test_operation_that_the_file_system_lacks_is_asked_for_once(self, path, monkeypatch):
        calls = refuse_fallocate(monkeypatch, errno.EOPNOTSUPP)

        with open_file(path) as image:
            image.zero(0, 4096)
            image.zero(4096, 4096)
            image.discard(0, 4096)
            assert image.pread(0, 8193) == bytes(8192) + b"x"

        assert calls == [syscalls.ZERO_RANGE, syscalls.PUNCH_HOLE]

    def test_zeroing_without_fallback_is_not_supported_there(self, path, monkeypatch):
        refuse_fallocate(monkeypatch, errno.EOPNOTSUPP)

        with open_file(path) as image, pytest.raises(Unsupported):
            image.zero(0, 4096, no_fallback=True)

    def test_full_disk_is_an_error_and_no_reason_to_write_zeroes(self, path, monkeypatch):
        refuse_fallocate(monkeypatch, errno.ENOSPC)

        with open_file(path) as image, pytest.raises(BlockError, match="No space left on device"):
            image.zero(0, 4096)


class TestTruncate:
    @pytest.mark.parametrize("mode", ["falloc", "full"])
    def test_preallocated_bytes_have_their_place(self, path, mode):
        with open_file(path) as image:
            image.truncate(1_048_576, prealloc=mode)
            assert image.pread(65536, 983_040) == bytes(983_040)

        assert path.stat().st_blocks >= 2048

    def test_plain_growth_is_sparse(self, path):
        with open_file(path) as image:
            image.truncate(2**30)

        assert path.stat().st_blocks <= 136

    @pytest.mark.parametrize("cache", [WRITEBACK, DIRECT])
    @pytest.mark.parametrize(("length", "blocks"), [(4096, 8), (2**20, 8)])
    def test_empty_file_gets_a_first_block_to_find_the_alignment_by(self, tmp_path, cache, length, blocks):
        path = tmp_path / "image"
        path.touch()

        with open_file(path, cache=cache) as image:
            image.truncate(length)

        assert path.stat().st_blocks == blocks

    @pytest.mark.parametrize(
        ("length", "mode", "message"),
        [
            (2**20, "metadata", "Unsupported preallocation mode: metadata"),
            (512, "falloc", "Cannot use preallocation for shrinking files"),
            (512, "full", "Cannot use preallocation for shrinking files"),
            (2**63 - 512, "off", "Could not resize file: File too large"),
            (2**63 - 512, "falloc", "Could not preallocate new data: File too large"),
            (2**64, "falloc", "Could not resize file: File too large"),
        ],
    )
    def test_impossible_length_or_mode_changes_nothing(self, path, length, mode, message):
        with open_file(path) as image:
            with pytest.raises(BlockError, match=message):
                image.truncate(length, prealloc=mode)

            assert image.length() == 65536
        assert path.read_bytes() == b"x" * 65536

    def test_growth_that_fails_half_way_is_undone(self, path, monkeypatch):
        def fail(fd):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", fail)

        with open_file(path) as image:
            with pytest.raises(BlockError, match="Could not write zeros for preallocation: No space left on device"):
                image.truncate(2**20, prealloc="full")

            assert image.length() == 65536
        assert path.stat().st_size == 65536


class TestDirect:
    def test_file_that_is_no_whole_number_of_blocks_is_not_opened_for_writing(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pyqio.drivers.posix.direct.request_alignment", lambda fd: 4096)
        path = tmp_path / "image"
        path.write_bytes(bytes(4096 + 512))

        with pytest.raises(PermissionConflict, match="Image size is not a multiple of request alignment"):
            open_file(path, cache=DIRECT)
        with open_file(path, cache=DIRECT, read_only=True) as image:
            assert image.pread(4096, 512) == bytes(512)


class TestReopen:
    def test_writable_again_after_the_name_is_gone(self, path):
        with open_file(path, read_only=True) as image:
            path.unlink()

            image.reopen(read_only=False)
            image.pwrite(0, b"y")

            assert image.pread(0, 2) == b"yx"

    def test_direct_access_can_be_switched(self, path):
        with open_file(path) as image:
            image.reopen(cache=DIRECT)
            image.pwrite(0, b"direct")
            image.reopen(cache=WRITEBACK)

            assert image.node.limits.request_alignment == 1
            assert image.pread(0, 7) == b"directx"

    def test_locks_move_along(self, path):
        with open_file(path) as image:
            image.reopen(cache=DIRECT)
            for unshared in (1, 2):
                with open_file(path) as other, pytest.raises(PermissionConflict):
                    other.node.driver.set_permissions(1, 15 - unshared)

    def test_other_options_stay(self, path):
        with open_file(path) as image:
            for option, value in {"locking": "off", "filename": "other", "aio": "io_uring", "nonsense": "1"}.items():
                with pytest.raises(OptionError, match=f"Cannot change the option '{option}'"):
                    image.reopen(options={option: value})

            image.reopen(options={"drop-cache": "off", "locking": "auto"})
            assert image.pread(0, 1) == b"x"

    def test_no_descriptor_is_left(self, path):
        with open_file(path) as image:
            before = os.listdir("/proc/self/fd")

            image.reopen(read_only=True)
            image.reopen(read_only=False)

            assert os.listdir("/proc/self/fd") == before


def test_short_reads_and_writes_are_completed(path, monkeypatch):
    preadv, pwrite = os.preadv, os.pwrite
    monkeypatch.setattr(os, "preadv", lambda fd, buffers, at: preadv(fd, [buffers[0][:1000]], at))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:1000], at))

    with open_file(path) as image:
        image.pwrite(100, b"y" * 5000)

        assert image.pread(0, 6000) == b"x" * 100 + b"y" * 5000 + b"x" * 900


def test_error_of_the_host_carries_node_and_offset(path, monkeypatch):
    def fail(fd, buffers, offset):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with open_file(path) as image:
        monkeypatch.setattr(os, "preadv", fail)
        with pytest.raises(BlockError) as caught:
            image.pread(1024, 512)

    assert (caught.value.errno, caught.value.offset) == (errno.EIO, 1024)
    assert caught.value.node == image.node.name


def test_unsafe_cache_never_flushes(path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fdatasync", flushed.append)

    with open_file(path, cache=Cache(writeback=True, no_flush=True)) as image:
        image.pwrite(0, b"x", fua=True)
        image.flush()

    assert flushed == []


def refuse_writing(monkeypatch, code):
    real = os.open

    def refuse(name, mode, *arguments, **keywords):
        if mode & os.O_RDWR:
            raise OSError(code, os.strerror(code))
        return real(name, mode, *arguments, **keywords)

    monkeypatch.setattr(os, "open", refuse)


def refuse_seeking(monkeypatch):
    real = os.lseek

    def refuse(fd, offset, whence):
        if whence in (os.SEEK_DATA, os.SEEK_HOLE):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(fd, offset, whence)

    monkeypatch.setattr(os, "lseek", refuse)


def refuse_fallocate(monkeypatch, code):
    calls = []

    def refuse(fd, mode, offset, length):
        calls.append(mode)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(syscalls, "fallocate", refuse)
    return calls
