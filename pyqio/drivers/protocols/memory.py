"""``memory``: a sparse image in the process's own memory, gone when it is closed.

Pages that were never written, or were zeroed or discarded whole, are not kept.  Simple on purpose: the other
drivers are compared with it.
"""

from __future__ import annotations

import errno
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, Unsupported
from pyqio.base.kinds import Size
from pyqio.base.options import rebind
from pyqio.base.record import Record
from pyqio.base.types import MAY_UNMAP, SECTOR_SIZE, Caps, Extent, OpenFlags, Role, Scheduling
from pyqio.block.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.block.driver import Opening

PAGE: Final = 4096
_LARGEST: Final = 2**63 - 2**30


class MemoryOptions(Record):
    """``size`` in bytes."""

    size: Annotated[int, Size(maximum=_LARGEST)]


class Memory(Driver):
    """Pages by number; a missing one is a hole."""

    name = "memory"
    role = Role.PROTOCOL
    scheduling = Scheduling.SERIAL
    Options = MemoryOptions
    prefix = "memory"

    def __init__(self, options: MemoryOptions) -> None:
        self._options = options
        self._pages: dict[int, bytearray] = {}
        self._length = _whole_sectors(options.size)

    @classmethod
    def open(cls, options: MemoryOptions, opening: Opening) -> Memory:
        """An image of zeroes."""
        return cls(options)

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """``memory:SIZE``."""
        return {"size": filename.removeprefix("memory:")}

    def length(self) -> int:
        """The size, in whole sectors."""
        return self._length

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Copy pages, zeroes for holes."""
        for number, start, count, at in _pieces(offset, len(buf)):
            page = self._pages.get(number)
            buf[at : at + count] = page[start : start + count] if page else bytes(count)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Copy into pages, new ones for holes."""
        for number, start, count, at in _pieces(offset, len(buf)):
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = bytearray(PAGE)
            page[start : start + count] = buf[at : at + count]

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """Holes, where the range may be unmapped and covers whole pages; otherwise stored zeroes."""
        if flags & MAY_UNMAP:
            self._clear(offset, length)
            return
        for number, start, count, _ in _pieces(offset, length):
            self._pages.setdefault(number, bytearray(PAGE))[start : start + count] = bytes(count)

    def pdiscard(self, offset: int, length: int) -> None:
        """Zeroes, and holes for whole pages."""
        self._clear(offset, length)

    def _clear(self, offset: int, length: int) -> None:
        """Drop the pages that lie whole in the range, zero the rest of it; takes as long as there are pages."""
        end = offset + length
        for number in self._present(offset, end):
            start, stop = max(offset - number * PAGE, 0), min(end - number * PAGE, PAGE)
            if stop - start == PAGE:
                del self._pages[number]
            else:
                self._pages[number][start:stop] = bytes(stop - start)

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Nothing is preallocated."""
        if prealloc != "off":
            raise Unsupported(f"Unsupported preallocation mode: {prealloc}")
        if length > _LARGEST:
            raise BlockError(errno=errno.EFBIG)
        if length < self._length:
            self._clear(length, -(-self._length // PAGE) * PAGE - length)
        self._length = _whole_sectors(length)

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """Runs of pages that are there, and of pages that are not."""
        end = offset + length
        for present, start, stop in self._runs(offset, end):
            yield Extent(start, stop - start, data=present, zero=not present, allocated=True, host_offset=start)

    def _runs(self, offset: int, end: int) -> Iterator[tuple[bool, int, int]]:
        at = offset
        for _, numbers in groupby(enumerate(sorted(self._present(offset, end))), lambda pair: pair[1] - pair[0]):
            run = [number for _, number in numbers]
            start, stop = max(run[0] * PAGE, offset), min((run[-1] + 1) * PAGE, end)
            if start > at:
                yield False, at, start
            yield True, start, stop
            at = stop
        if at < end:
            yield False, at, end

    def _present(self, offset: int, end: int) -> list[int]:
        """Numbers of the pages that are there and have bytes in the range; by the shorter way to find them."""
        numbers = range(offset // PAGE, -(-end // PAGE))
        if len(numbers) < len(self._pages):
            return [number for number in numbers if number in self._pages]
        return [number for number in self._pages if number in numbers]

    def caps(self) -> Caps:
        """Memory is as stable as this storage gets."""
        return Caps(fua=True, may_unmap=True, zero_init=True)

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Flags mean nothing here; the size is changed by truncate."""
        rebind(self._options, options)

    def close(self) -> None:
        """Forget everything."""
        self._pages.clear()


def _whole_sectors(length: int) -> int:
    return -(-length // SECTOR_SIZE) * SECTOR_SIZE


def _pieces(offset: int, length: int) -> Iterator[tuple[int, int, int, int]]:
    """Page by page: its number, first byte and number of bytes in it, and where that is in the request."""
    at = 0
    while at < length:
        number, start = divmod(offset + at, PAGE)
        count = min(PAGE - start, length - at)
        yield number, start, count, at
        at += count
