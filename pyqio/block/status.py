"""Extents joined into what a person asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.base.types import Extent
    from pyqio.block.node import Node


def allocation(extents: Iterable[Extent]) -> Iterator[tuple[int, int, bool]]:
    """Neighbouring extents that are alike in being allocated, as one: (offset, length, allocated)."""
    start = end = 0
    state: bool | None = None
    for extent in extents:
        if extent.allocated is not state:
            if state is not None:
                yield start, end - start, state
            start, state = extent.offset, extent.allocated
        end = extent.offset + extent.length
    if state is not None:
        yield start, end - start, state


def reads_as_zero(node: Node, offset: int, length: int) -> bool:
    """Whether a range is known to be zeroes without reading it, down the whole chain of backing files.

    What lies past the end of a node is zero.
    """
    inside = min(length, node.length() - offset)
    below = node.children.get("backing")
    for extent in node.block_status(offset, inside) if inside > 0 else ():
        if extent.zero:
            continue
        if extent.allocated or below is None or not reads_as_zero(below.node, extent.offset, extent.length):
            return False
    return True
