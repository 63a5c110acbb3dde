"""Image locking: how programs that use the same image file find out about one another.

Permission bit b is told to others by read locks on single bytes of the file:

    byte 100 + b   somebody takes permission b
    byte 200 + b   somebody does not share permission b

Read locks never stand in each other's way.  A clash is found by asking who else holds the byte of opposite meaning.
The locks are open file description locks (fcntl_locking(2)), so they belong to the descriptor and go with it.
The layout is the one that QEMU's tools use, as seen in /proc/locks.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from typing import Final

from pyqio.base.errors import PermissionConflict
from pyqio.base.types import PERM_ALL
from pyqio.block.edge import NAMES

_FLOCK: Final = struct.Struct("hhqqi4x")
_TAKEN: Final = 100
_UNSHARED: Final = 200
_NO_LOCKS_HERE: Final = (errno.ENOLCK, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class ImageLocks:
    """The locks held through one descriptor.

    ``mode``: "on", "off", or "auto", which does without where the file system has no such locks.
    """

    __slots__ = ("_held", "_mode")

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._held: set[int] = set()

    def change(self, fd: int, perm: int, shared: int, *, filename: str) -> None:
        """Hold what ``perm`` and ``shared`` ask for.  Raises PermissionConflict and keeps the former locks then."""
        if self._mode == "off":
            return
        taken, unshared = _bits(perm), _bits(PERM_ALL & ~shared)
        wanted = {_TAKEN + bit for bit in taken} | {_UNSHARED + bit for bit in unshared}
        added: set[int] = set()
        try:
            for byte in sorted(wanted - self._held):
                _set(fd, byte, fcntl.F_RDLCK)
                added.add(byte)
            _check(fd, taken, other=_UNSHARED, what="", filename=filename)
            _check(fd, unshared, other=_TAKEN, what="shared ", filename=filename)
        except OSError as error:
            _drop(fd, added)
            if self._mode == "on" or error.errno not in _NO_LOCKS_HERE:
                raise PermissionConflict(f"Failed to lock the image: {error.strerror}", errno=error.errno) from error
            self._mode = "off"
            return
        except PermissionConflict:
            _drop(fd, added)
            raise
        _drop(fd, self._held - wanted)
        self._held = wanted

    def copy(self, fd: int) -> None:
        """Hold the same locks through another descriptor of the same file as well.  Raises OSError."""
        for byte in sorted(self._held):
            _set(fd, byte, fcntl.F_RDLCK)


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(PERM_ALL.bit_length()) if mask >> bit & 1]


def _set(fd: int, byte: int, kind: int) -> None:
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, 0, byte, 1, 0))


def _drop(fd: int, held: set[int]) -> None:
    for byte in held:
        _set(fd, byte, fcntl.F_UNLCK)


def _check(fd: int, bits: list[int], *, other: int, what: str, filename: str) -> None:
    for bit in bits:
        answer = fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, 0, other + bit, 1, 0))
        if _FLOCK.unpack(answer)[0] != fcntl.F_UNLCK:
            raise PermissionConflict(
                f'Failed to get {what}"{NAMES[1 << bit]}" lock',
                hint=f"Is another process using the image [{filename}]?",
            )
