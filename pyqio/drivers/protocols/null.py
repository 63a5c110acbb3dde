"""``null-co`` and ``null-aio``: writes vanish, reads cost nothing; what a test of everything above needs."""

from __future__ import annotations

import errno
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import OpenError
from pyqio.base.kinds import Bool, Integer, Size
from pyqio.base.options import rebind
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE, Caps, Extent, OpenFlags, Role, Scheduling
from pyqio.block.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.block.driver import Opening

_UNTOUCHED: Final = b"\xab"
"""QEMU's drivers leave the reader's buffer as it is, and qemu-io fills it with this before a read."""

_LARGEST: Final = 2**63 - 2**30


class NullOptions(Record):
    """``size`` in bytes; ``latency_ns``: how long each read, write and flush takes."""

    size: Annotated[int, Size()] = 2**30
    latency_ns: Annotated[int, Integer("nanoseconds", minimum=-(2**62), maximum=2**62)] = 0
    read_zeroes: Annotated[bool, Bool()] = False


class Null(Driver):
    """A node without bytes.  Reads give 0xab, or zeroes with read-zeroes=on."""

    role = Role.PROTOCOL
    scheduling = Scheduling.PARALLEL
    Options = NullOptions

    def __init__(self, options: NullOptions) -> None:
        self._options = options
        self._latency = options.latency_ns / 1e9

    @classmethod
    def open(cls, options: NullOptions, opening: Opening) -> Null:
        """Nothing to open, but options can be wrong."""
        if options.latency_ns < 0:
            raise OpenError("latency-ns is invalid")
        if options.size > _LARGEST:
            raise OpenError("Could not refresh total sector count: File too large", errno=errno.EFBIG)
        return cls(options)

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """``null-co://`` and nothing after it."""
        if filename != f"{cls.prefix}://":
            raise OpenError(f"The only allowed filename for this driver is '{cls.prefix}://'")
        return {}

    def length(self) -> int:
        """The size asked for, in whole sectors."""
        return -(-self._options.size // SECTOR_SIZE) * SECTOR_SIZE

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Fill the buffer with the one byte that there is."""
        self._wait()
        buf[:] = bytes(len(buf)) if self._options.read_zeroes else _UNTOUCHED * len(buf)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Forget it."""
        self._wait()

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """Forget it."""
        self._wait()

    def pdiscard(self, offset: int, length: int) -> None:
        """Nothing to give up."""

    def flush(self) -> None:
        """As long as any request."""
        self._wait()

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """Nothing is stored; with read-zeroes the node at least decides what is read."""
        zero = self._options.read_zeroes
        yield Extent(offset, length, data=False, zero=zero, allocated=zero, host_offset=offset if zero else None)

    def caps(self) -> Caps:
        """Everything, since there is nothing to do."""
        return Caps(fua=True, may_unmap=True, zero_init=self._options.read_zeroes)

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Flags mean nothing here; options stay."""
        rebind(self._options, options)

    def close(self) -> None:
        """Nothing is held."""

    def _wait(self) -> None:
        if self._latency:
            sleep(self._latency)


class NullCo(Null):
    """Serves each request in its caller's thread."""

    name = "null-co"
    prefix = "null-co"


class NullAio(Null):
    """The same; QEMU serves it by callbacks, and an image's user cannot tell."""

    name = "null-aio"
    prefix = "null-aio"
