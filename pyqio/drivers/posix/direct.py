"""O_DIRECT: transfers past the host's page cache, which want aligned offsets, lengths and memory."""

from __future__ import annotations

import errno
import os
import threading
from mmap import mmap
from typing import Final

from pyqio.base.errors import BlockError, OpenError
from pyqio.base.types import SECTOR_SIZE

BOUNCE_SIZE: Final = 1024 * 1024
_PAGE: Final = 4096


def request_alignment(fd: int) -> int:
    """The unit that a file opened with O_DIRECT is read in, found by trying.  Raises OpenError."""
    page = memoryview(mmap(-1, _PAGE))
    for size in (1, 512, 1024, 2048, _PAGE):
        try:
            os.preadv(fd, (page[:size],), 0)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise OpenError(f"Could not read the image: {error.strerror}", errno=error.errno) from error
        else:
            # A host that takes single bytes checks nothing: then whole pages are what costs it least.
            return _PAGE if size == 1 else size
    raise OpenError("Could not find working O_DIRECT alignment", hint="Try cache.direct=off")


class Bounce(threading.local):
    """An aligned buffer for each thread, through which any memory is transferred."""

    def __init__(self) -> None:
        self._page_aligned = memoryview(mmap(-1, BOUNCE_SIZE))

    def pread(self, fd: int, offset: int, buf: memoryview) -> None:
        """Fill ``buf``; what lies past the end of the file is zero."""
        done, total = 0, len(buf)
        while done < total:
            window = self._page_aligned[: min(BOUNCE_SIZE, total - done)]
            count = os.preadv(fd, (window,), offset + done)
            buf[done : done + count] = window[:count]
            done += count
            if not count or count % SECTOR_SIZE:  # the end of the file
                buf[done:] = bytes(total - done)
                return

    def pwrite(self, fd: int, offset: int, buf: memoryview) -> None:
        """Store all of ``buf``."""
        for start in range(0, len(buf), BOUNCE_SIZE):
            part = buf[start : start + BOUNCE_SIZE]
            window = self._page_aligned[: len(part)]
            window[:] = part
            if os.pwrite(fd, window, offset + start) != len(window):
                raise BlockError(errno=errno.ENOSPC)
