"""Where the verified pair is in a graph of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.base.errors import VerifyError
    from pyqio.block.node import Node


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
