"""The machine state that a format keeps beside its disk, as a node of its own.

So everything that reads and writes a disk (windows, patterns, write-through) does the same for the state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.record import Record
from pyqio.base.types import Limits, Role, Scheduling
from pyqio.base.units import INT64_MAX
from pyqio.block.driver import Driver

if TYPE_CHECKING:
    from pyqio.block.driver import Opening
    from pyqio.block.node import Node


class VmState(Driver):
    """The state of ``owner``, which serves the requests; as long as an image can be.  It is in no registry."""

    role = Role.FILTER
    scheduling = Scheduling.PARALLEL
    Options = Record

    def __init__(self, owner: Node) -> None:
        self._owner = owner

    @classmethod
    def open(cls, options: Any, opening: Opening) -> VmState:
        """Only an open image has a state."""
        raise NotImplementedError

    def limits(self) -> Limits:
        """Whole sectors where the owner takes nothing else."""
        return Limits(request_alignment=self._owner.limits.request_alignment)

    def length(self) -> int:
        """No end of its own: a read finds zeroes, a write makes room."""
        return INT64_MAX

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """From the owner's state."""
        self._owner.vm_state_pread(offset, buf)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Into the owner's state."""
        self._owner.vm_state_pwrite(offset, buf)

    def flush(self) -> None:
        """Flush the owner."""
        self._owner.flush()

    def close(self) -> None:
        """The owner stays open."""
