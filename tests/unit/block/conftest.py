"""A driver over a bytearray whose limits and abilities a test chooses, and which remembers what reached it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pyqio.base.errors import Unsupported
from pyqio.base.types import Caps, Extent, Limits, OpenFlags, Role
from pyqio.block.driver import Driver
from pyqio.block.node import Node

DISCARDING = OpenFlags(discard="unmap")


@dataclass
class Plain(Driver):
    name = "plain"
    role = Role.PROTOCOL

    data: bytearray
    own_limits: Limits = field(default_factory=Limits)
    own_caps: Caps = field(default_factory=Caps)
    zeroes: bool = False
    holes: tuple[tuple[int, int], ...] = ()
    calls: list[tuple] = field(default_factory=list)
    error: Exception | None = None

    @classmethod
    def open(cls, options, opening):
        raise NotImplementedError

    def length(self):
        return len(self.data)

    def limits(self):
        return self.own_limits

    def caps(self):
        return self.own_caps

    def pread(self, offset, buf, flags):
        self._note("pread", offset, len(buf), flags)
        buf[:] = self.data[offset : offset + len(buf)]

    def pwrite(self, offset, buf, flags):
        self._note("pwrite", offset, len(buf), flags)
        self.data[offset : offset + len(buf)] = buf

    def pwrite_zeroes(self, offset, length, flags):
        if not self.zeroes:
            raise Unsupported
        self._note("pwrite_zeroes", offset, length, flags)
        self.data[offset : offset + length] = bytes(length)

    def pdiscard(self, offset, length):
        self._note("pdiscard", offset, length)

    def flush(self):
        self._note("flush")

    def truncate(self, length, *, prealloc="off", exact=True):
        self._note("truncate", length)
        self.data[:] = self.data[:length].ljust(length, b"\0")

    def block_status(self, offset, length):
        for start, stop in self.holes:
            if start <= offset < stop:
                yield Extent(offset, stop - offset, data=False, zero=True, allocated=False)
                return
        yield Extent(offset, 512, data=True, zero=False, allocated=True, host_offset=offset)

    def close(self):
        self._note("close")

    def _note(self, *call):
        if self.error is not None:
            raise self.error
        self.calls.append(call)


@pytest.fixture
def plain():
    """Return a function that makes a node over a Plain driver of 4096 counted bytes."""

    def make(*, flags: OpenFlags = DISCARDING, **settings) -> Node:
        data = bytearray(i // 16 % 256 for i in range(4096))
        return Node("under-test", Plain(data, **settings), flags)

    return make
