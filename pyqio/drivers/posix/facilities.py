"""What the host's file system can do for the drivers, tried out on a file that has no name."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.base.types import PERM_ALL, PERM_CONSISTENT_READ
from pyqio.drivers.posix import syscalls
from pyqio.drivers.posix.direct import request_alignment
from pyqio.drivers.posix.locks import ImageLocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOLE: Final = 1 << 20
_DATA: Final = 1 << 16


def facilities(folder: str) -> Iterator[tuple[str, str, str]]:
    """(name, what it gives or "", why it is missing or "") of each facility in ``folder``.  Raises OSError.

    The error is that of making a file there.
    """
    from tempfile import TemporaryFile

    with TemporaryFile(dir=folder) as file:
        fd = file.fileno()
        os.pwrite(fd, bytes(_DATA), _HOLE)
        for name, attempt in _ATTEMPTS.items():
            try:
                yield name, attempt(fd), ""
            except OSError as error:
                yield name, "", error.strerror or str(error)
            except BlockError as error:
                yield name, "", error.message


def _direct(fd: int) -> str:
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT)
    try:
        return f"works, in units of {request_alignment(fd)} bytes"
    finally:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def _locks(fd: int) -> str:
    ImageLocks("on").change(fd, PERM_CONSISTENT_READ, PERM_ALL, filename="")
    return "works"


def _punch(fd: int) -> str:
    syscalls.fallocate(fd, syscalls.PUNCH_HOLE, _HOLE, _DATA // 2)
    return "works"


def _zero(fd: int) -> str:
    syscalls.fallocate(fd, syscalls.ZERO_RANGE, _HOLE, _DATA)
    return "works"


def _holes(fd: int) -> str:
    if os.lseek(fd, 0, os.SEEK_DATA) == 0:
        raise OSError(0, "holes are not told from data")
    return "works"


_ATTEMPTS: Final[dict[str, Callable[[int], str]]] = {
    "O_DIRECT": _direct,
    "OFD locks": _locks,
    "SEEK_DATA": _holes,
    "zero range": _zero,
    "punch hole": _punch,
}
