"""Sides of a pair whose bytes, known zeroes and bad places a test chooses."""

from __future__ import annotations

import errno
import threading
import time
from dataclasses import dataclass, field

from pyqio.base.errors import BlockError
from pyqio.base.types import Extent, Limits, OpenFlags, Role, Run
from pyqio.block.driver import Driver
from pyqio.block.node import Node
from pyqio.verify.pair import Pair


@dataclass
class Side(Driver):
    name = "side"
    role = Role.PROTOCOL

    data: bytearray
    zeroes: tuple[tuple[int, int], ...] = ()
    bad: tuple[tuple[int, int], ...] = ()
    broken_status: bool = False
    alignment: int = 1
    seconds: float = 0.0
    reads: list[Run] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    flushed: int = 0

    @classmethod
    def open(cls, options, opening):
        raise NotImplementedError

    def length(self):
        return len(self.data)

    def limits(self):
        return Limits(request_alignment=self.alignment)

    def pread(self, offset, buf, flags):
        run = Run(offset, offset + len(buf))
        self.reads.append(run)
        self.threads.add(threading.current_thread().name)
        time.sleep(self.seconds)
        if any(start < run.end and run.start < end for start, end in self.bad):
            raise BlockError("bad place", errno=errno.EILSEQ)
        buf[:] = self.data[run.start : run.end]

    def pwrite(self, offset, buf, flags):
        self.data[offset : offset + len(buf)] = buf

    def flush(self):
        self.flushed += 1

    def block_status(self, offset, length):
        if self.broken_status:
            raise BlockError("no status")
        for start, end in self.zeroes:
            if start <= offset < end:
                yield Extent(offset, min(end, offset + length) - offset, data=False, zero=True, allocated=True)
                return
        end = min([offset + length, *(start for start, _ in self.zeroes if start > offset)])
        yield Extent(offset, end - offset, data=True, zero=False, allocated=True, host_offset=offset)

    def close(self):
        pass


def pair_of(raw: Side, test: Side) -> Pair:
    """The sides as a pair that nothing has opened."""
    sides = [Node(name, side, OpenFlags()) for name, side in (("raw", raw), ("test", test))]
    return Pair(Node("pair", Side(bytearray()), OpenFlags()), *sides)
