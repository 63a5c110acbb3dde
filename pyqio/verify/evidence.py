"""What a verified pair's sides hold where they do not agree, and where they keep it.

The sides are read again, each for itself and unverified.  Nothing here raises: what cannot be found out is part of
the evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.block.emulate import WINDOW
from pyqio.verify.pair import pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.base.errors import MismatchError
    from pyqio.base.types import Location
    from pyqio.block.node import Node

ROW: Final = 16
"""Bytes before the first difference that are read too: what surrounds it helps to recognise it."""

_MAX_HOPS: Final = 100


class Hop(NamedTuple):
    """A node on the way from a guest byte down to the host, the byte's offset in it, and what its driver says."""

    node: Node
    offset: int
    location: Location


class Side(NamedTuple):
    """One side of a pair: ``key`` is raw or test.

    ``data``: what it reads from ``offset`` on (bytes), None where that failed for the reason ``error``.
    ``hops``: where its first differing byte lives, from the side's own node down; ends early where a driver fails.
    """

    key: str
    node: Node
    offset: int
    data: bytes | None
    error: str
    hops: tuple[Hop, ...]


def walk(node: Node, offset: int) -> tuple[Hop, ...]:
    """The way of one guest byte from ``node`` to the host, as far as the drivers know it."""
    hops: list[Hop] = []
    try:
        while len(hops) < _MAX_HOPS:
            location = node.locate(offset)
            hops.append(Hop(node, offset, location))
            if location.child not in node.children or location.host_offset is None:
                break
            node, offset = node.children[location.child].node, location.host_offset
    except BlockError:
        pass
    return tuple(hops)


def gather(error: MismatchError, nodes: Mapping[str, Node]) -> tuple[Side, Side] | None:
    """Both sides of the pair at its first run of differing bytes, and a row before it; None as for ``pair``."""
    sides = pair(error, nodes)
    if sides is None:
        return None
    start = max(0, error.first - error.first % ROW - ROW)
    end = min(error.runs[0].end, start + WINDOW)
    raw, test = sides
    return _side("raw", raw, start, end, error.first), _side("test", test, start, end, error.first)


def _side(key: str, node: Node, start: int, end: int, first: int) -> Side:
    buf = bytearray(min(-(-end // ROW) * ROW, max(node.length(), end)) - start)
    data, reason = None, ""
    try:
        node.pread(start, memoryview(buf))
        data = bytes(buf)
    except BlockError as error:
        reason = error.message
    return Side(key=key, node=node, offset=start, data=data, error=reason, hops=walk(node, first))
