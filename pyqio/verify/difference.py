"""Both sides of a pair, read for a person who looks at the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.block.emulate import WINDOW, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node
    from pyqio.verify.pairs import Pair


class Part(NamedTuple):
    """What the sides hold from ``offset`` on (bytes).

    A side that ends before, or that cannot be read, has fewer bytes or none; ``raw_error``, ``test_error`` say why
    one cannot be read, "" where it can.
    """

    offset: int
    raw: bytes
    test: bytes
    raw_error: str = ""
    test_error: str = ""


def parts(pair: Pair, offset: int, length: int) -> Iterator[Part]:
    """The range in parts, one after the other."""
    for at, count in pieces(offset, offset + length, grain=WINDOW, largest=WINDOW):
        raw, raw_error = _read(pair.raw, at, count)
        test, test_error = _read(pair.test, at, count)
        yield Part(at, raw, test, raw_error, test_error)


def _read(node: Node, offset: int, length: int) -> tuple[bytes, str]:
    data = bytearray(max(0, min(length, node.length() - offset)))
    try:
        node.pread(offset, memoryview(data))
    except BlockError as error:
        return b"", error.message
    return bytes(data), ""
