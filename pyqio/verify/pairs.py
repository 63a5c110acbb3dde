"""The verified pairs below a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node


class Pair(NamedTuple):
    """A verifying node and its two sides; offsets are the same on all three."""

    node: Node
    raw: Node
    test: Node

    @property
    def length(self) -> int:
        """Bytes of the longer side: to the end of that one the other has to read as zeroes."""
        return max(self.raw.length(), self.test.length())

    def side(self, key: str) -> Node:
        """The side that goes by ``key``: raw or test."""
        return self.raw if key == "raw" else self.test


def pairs(node: Node) -> Iterator[Pair]:
    """All pairs at ``node`` and below it, an outer one before those inside it, each once."""
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop(0)
        if node.name in seen:
            continue
        seen.add(node.name)
        children = {key: edge.node for key, edge in node.children.items()}
        if {"raw", "test"} <= children.keys():
            yield Pair(node, children["raw"], children["test"])
        waiting += children.values()
