"""The nodes of an open image, by the way that leads to them: ``raw``, ``test.file``, ``backing.file``.

A path is made of the keys under which parents have their children.  A bare raw format above a filter, which a name
such as blkverify:RAW:TEST puts there, has no part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.types import ChildRole, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node

TOP: Final = "."
"""The path of the top node."""
_MOST: Final = 1000


class Place(NamedTuple):
    """A node and how it is reached; ``role``: what it is to its parent, None for the top."""

    path: str
    node: Node
    role: ChildRole | None
    depth: int


def top(node: Node) -> Node:
    """The node where paths start: ``node``, or what it does nothing but pass on to."""
    while (below := _wrapped(node)) is not None:
        node = below
    return node


def places(root: Node) -> Iterator[Place]:
    """All nodes from the top down, parents before their children; a node with two parents comes twice."""
    left = _MOST
    waiting = [Place(TOP, top(root), None, 0)]
    while waiting and left:
        place = waiting.pop()
        yield place
        left -= 1
        edges = reversed(list(place.node.children.values()))
        prefix = "" if place.path == TOP else f"{place.path}."
        waiting += [Place(f"{prefix}{edge.key}", edge.node, edge.role, place.depth + 1) for edge in edges]


def find(root: Node, path: str) -> Node | None:
    """The node that ``path`` leads to, or that has it for a name; None where there is none."""
    node = top(root)
    if path == TOP:
        return node
    for key in path.split("."):
        if key not in node.children:
            return next((place.node for place in places(root) if place.node.name == path), None)
        node = node.children[key].node
    return node


def _wrapped(node: Node) -> Node | None:
    edge = node.children.get("file")
    if node.driver.name != "raw" or edge is None or edge.node.driver.role is not Role.FILTER:
        return None
    return edge.node if edge.node.length() == node.length() else None
