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


def known_zeroes(node: Node, offset: int, length: int) -> Iterator[tuple[int, int, bool]]:
    """Which parts of a range are known to be zeroes without reading them: (offset, length, known), without gaps.

    Looks down the whole chain of backing files; what lies past the end of a node is zero.  Raises BlockError.
    """
    below = node.children.get("backing")
    for extent in node.block_status(offset, length):
        if extent.zero or extent.allocated or below is None:
            yield extent.offset, extent.length, extent.zero
        else:
            yield from known_zeroes(below.node, extent.offset, extent.length)


def reads_as_zero(node: Node, offset: int, length: int) -> bool:
    """Whether all of a range is known to be zeroes without reading it."""
    return all(known for _, _, known in known_zeroes(node, offset, length))
