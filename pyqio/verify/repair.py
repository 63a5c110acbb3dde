"""One side of a pair made to hold what the other holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.types import MAY_UNMAP
from pyqio.block.emulate import WINDOW, ZEROES, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.base.types import Run
    from pyqio.block.node import Node


def copy_runs(source: Node, target: Node, runs: Iterable[Run]) -> Iterator[int]:
    """Copy bytes to the same offsets, and flush; yields the number of bytes after each step.

    Pieces that are all zero are written as zeroes, which may leave a hole.  Raises BlockError.
    """
    window = bytearray(WINDOW)
    for run in runs:
        for offset, length in pieces(run.start, run.end, grain=WINDOW, largest=WINDOW):
            part = memoryview(window)[:length]
            source.pread(offset, part)
            if window.startswith(ZEROES[:length]):
                target.pwrite_zeroes(offset, length, MAY_UNMAP)
            else:
                target.pwrite(offset, part)
            yield length
    target.flush()
