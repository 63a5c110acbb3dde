"""The verified pairs in a graph of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.base.errors import VerifyError
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


def named(node: Node) -> str:
    """What a person calls a node: the file that it was opened by, else its name."""
    return node.filename or node.name


def pair_below(node: Node) -> Node | None:
    """The verified pair that requests to ``node`` come to, through nodes of one child; None where there is none."""
    while not {"raw", "test"} <= node.children.keys():
        if len(node.children) != 1:
            return None
        (edge,) = node.children.values()
        node = edge.node
    return node


def pair(error: VerifyError, nodes: Mapping[str, Node]) -> tuple[Node, Node] | None:
    """The raw and the test side of the pair that raised ``error``; None where the pair is not open any more."""
    node = nodes.get(error.node or "")
    if node is None or not {"raw", "test"} <= node.children.keys():
        return None
    return node.children["raw"].node, node.children["test"].node
