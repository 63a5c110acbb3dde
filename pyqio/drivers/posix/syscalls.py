"""System calls that the os module does not have.  All raise OSError."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# linux/falloc.h
ALLOCATE: Final = 0
PUNCH_HOLE: Final = 0x02 | 0x01  # the kernel wants FALLOC_FL_KEEP_SIZE with it
ZERO_RANGE: Final = 0x10
ZERO_RANGE_KEEP_SIZE: Final = 0x10 | 0x01

# linux/fs.h
_BLKROGET: Final = 0x125E
_BLKSSZGET: Final = 0x1268
_BLKDISCARD: Final = 0x1277
_FS_IOC_GETFLAGS: Final = 0x80086601
_FS_IOC_SETFLAGS: Final = 0x40086602
_FS_NOCOW_FL: Final = 0x00800000
_FS_IOC_FSGETXATTR: Final = 0x801C581F
_FS_IOC_FSSETXATTR: Final = 0x401C5820
_FS_XFLAG_EXTSIZE: Final = 0x00000800
_FSXATTR: Final = struct.Struct("5I8x")


@cache
def _fallocate() -> Callable[[int, int, int, int], int]:
    import ctypes  # 5 ms: only for those who zero, discard or preallocate

    libc = ctypes.CDLL(None, use_errno=True)
    function = libc.fallocate64 if hasattr(libc, "fallocate64") else libc.fallocate
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)

    def call(fd: int, mode: int, offset: int, length: int) -> int:
        return 0 if function(fd, mode, offset, length) == 0 else ctypes.get_errno()

    return call


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """The system call itself: os.posix_fallocate has no modes, and writes zeroes where the file system cannot."""
    if not length:
        return
    while code := _fallocate()(fd, mode, offset, length):
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))


def device_is_read_only(fd: int) -> bool:
    """Whether a block device refuses writes, which open(2) does not tell."""
    return _get_int(fd, _BLKROGET) != 0


def logical_block_size(fd: int) -> int:
    """The unit, in bytes, in which a block device is read and written."""
    return _get_int(fd, _BLKSSZGET)


def discard_blocks(fd: int, offset: int, length: int) -> None:
    """Give up a range of a block device; both in bytes."""
    fcntl.ioctl(fd, _BLKDISCARD, struct.pack("QQ", offset, length))


def set_nocow(fd: int) -> None:
    """Turn copy-on-write off for an empty file, where the file system (btrfs) has it."""
    flags = _get_int(fd, _FS_IOC_GETFLAGS) | _FS_NOCOW_FL
    fcntl.ioctl(fd, _FS_IOC_SETFLAGS, struct.pack("i", flags))


def set_extent_size_hint(fd: int, hint: int) -> None:
    """Ask the file system (XFS) to allocate in steps of ``hint`` bytes."""
    flags, _, extents, project, cow = _FSXATTR.unpack(fcntl.ioctl(fd, _FS_IOC_FSGETXATTR, bytes(_FSXATTR.size)))
    fcntl.ioctl(fd, _FS_IOC_FSSETXATTR, _FSXATTR.pack(flags | _FS_XFLAG_EXTSIZE, hint, extents, project, cow))


def _get_int(fd: int, request: int) -> int:
    value: int = struct.unpack("i", fcntl.ioctl(fd, request, bytes(4)))[0]
    return value
