"""Both sides of a pair, read for a person who looks at the difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.block.emulate import WINDOW, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node
    from pyqio.verify.pair import Pair


SMALL: Final = 4096
"""Bytes that are read at a time where more cannot be read."""


class Part(NamedTuple):
    """What the sides hold in ``length`` bytes from ``offset``.

    A side that ends before, or that cannot be read, has fewer bytes or none; ``raw_error`` and ``test_error`` say why
    one cannot be read, "" where it can.
    """

    offset: int
    length: int
    raw: bytes
    test: bytes
    raw_error: str = ""
    test_error: str = ""


def parts(pair: Pair, offset: int, length: int, *, largest: int = WINDOW) -> Iterator[Part]:
    """The range in parts of up to ``largest`` bytes, smaller ones where something cannot be read."""
    for at, count in pieces(offset, offset + length, grain=largest, largest=largest):
        raw, raw_error = _read(pair.raw, at, count)
        test, test_error = _read(pair.test, at, count)
        if (raw_error or test_error) and largest > SMALL:
            yield from parts(pair, at, count, largest=SMALL)
        else:
            yield Part(at, count, raw, test, raw_error, test_error)


def _read(node: Node, offset: int, length: int) -> tuple[bytes, str]:
    data = bytearray(max(0, min(length, node.length() - offset)))
    try:
        node.pread(offset, memoryview(data))
    except BlockError as error:
        return b"", error.message
    return bytes(data), ""
