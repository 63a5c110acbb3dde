"""Sides of a verified pair that lie, fail, fall short, or take their time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from pyqio.base.errors import BlockError, Unsupported
from pyqio.base.types import Caps, Extent, Limits, OpenFlags, Role
from pyqio.block.driver import Driver
from pyqio.block.node import Node
from pyqio.drivers.filters.blkverify import BlkVerify

SIZE = 1 << 20
FLAGS = OpenFlags(discard="unmap")


@dataclass
class Side(Driver):
    """A bytearray that can be made to fail, to wait, and to treat a discard in its own way."""

    name = "side"
    role = Role.PROTOCOL

    data: bytearray = field(default_factory=lambda: bytearray(b"\xcd" * SIZE))
    own_limits: Limits = field(default_factory=Limits)
    own_caps: Caps = field(default_factory=Caps)
    zeroing: bool = True
    discarded: bytes = b"\xcd"
    claims_zero: bool = False
    errors: dict[str, BlockError] = field(default_factory=dict)
    seconds: float = 0.0
    calls: list[tuple] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

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
        self._serve("pread", offset, len(buf), flags)
        buf[:] = self.data[offset : offset + len(buf)]

    def pwrite(self, offset, buf, flags):
        self._serve("pwrite", offset, len(buf), flags)
        self.data[offset : offset + len(buf)] = buf

    def pwrite_zeroes(self, offset, length, flags):
        if not self.zeroing:
            raise Unsupported
        self._serve("pwrite_zeroes", offset, length, flags)
        self.data[offset : offset + length] = bytes(length)

    def pdiscard(self, offset, length):
        self._serve("pdiscard", offset, length)
        self.data[offset : offset + length] = (self.discarded * length)[:length]

    def flush(self):
        self._serve("flush")

    def truncate(self, length, *, prealloc="off", exact=True):
        self._serve("truncate", length, prealloc)
        self.data[:] = self.data[:length].ljust(length, b"\0")

    def block_status(self, offset, length):
        zero = self.claims_zero
        yield Extent(offset, length, data=not zero, zero=zero, allocated=True, host_offset=offset)

    def close(self):
        pass

    def _serve(self, *call):
        self.calls.append(call)
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        if error := self.errors.get(call[0]):
            raise error


@dataclass
class Pair:
    raw: Side
    test: Side
    node: Node
    driver: BlkVerify

    def pread(self, offset: int, length: int) -> bytes:
        data = bytearray(length)
        self.node.pread(offset, memoryview(data))
        return bytes(data)

    def sides(self, start: int, end: int) -> tuple[bytes, bytes]:
        return bytes(self.raw.data[start:end]), bytes(self.test.data[start:end])

    def calls(self) -> tuple[list[tuple], list[tuple]]:
        return self.raw.calls, self.test.calls


@pytest.fixture
def make_pair():
    drivers = []

    def make(raw: Side | None = None, test: Side | None = None) -> Pair:
        raw, test = raw or Side(), test or Side()
        driver = BlkVerify(Node("raw", raw, FLAGS), Node("test", test, FLAGS))
        drivers.append(driver)
        return Pair(raw, test, Node("pair", driver, FLAGS), driver)

    yield make
    for driver in drivers:
        driver.close()


@pytest.fixture
def pair(make_pair):
    return make_pair()
