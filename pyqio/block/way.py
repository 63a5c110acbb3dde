"""The way of a guest byte from a node down to the host, through every node and on both sides of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.base.structure import Explanation
from pyqio.block.paths import TOP

if TYPE_CHECKING:
    from pyqio.block.node import Node

_MOST: Final = 200
"""Nodes on the way: a chain of backing files is at most half as long."""


class Stop(NamedTuple):
    """A node on the way: the byte is at ``offset`` of it."""

    path: str
    node: Node
    offset: int
    explanation: Explanation


def trace(node: Node, offset: int, *, path: str = TOP, thorough: bool = False) -> list[Stop]:
    """Every node that has a part in the byte at ``offset`` of ``node``, parents before children.

    ``path``: the node's own.  ``thorough``: see Driver.explain.  Raises nothing: what fails is part of what is found.
    """
    stops: list[Stop] = []
    waiting = [(path, node, offset)]
    while waiting and len(stops) < _MOST:
        path, node, offset = waiting.pop()
        try:
            found = node.explain(offset, thorough=thorough)
        except BlockError as error:
            found = Explanation(kind="unknown", wrong=(error.message,))
        stops.append(Stop(path, node, offset, found))
        prefix = "" if path == TOP else f"{path}."
        waiting += [
            (f"{prefix}{key}", node.children[key].node, at) for key, at in reversed(found.next) if key in node.children
        ]
    return stops
