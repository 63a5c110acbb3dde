"""Guessing the format of an image from its first bytes.

A guess can be made by whoever writes those bytes, so a guessed raw image must not be turned into another format by
writing to it (the raw driver sees to that).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.types import Role
from pyqio.block import registry

if TYPE_CHECKING:
    from pyqio.block.driver import Driver
    from pyqio.block.node import Node

PROBE_LENGTH = 512
"""Bytes at the start of an image that decide."""


def guess(head: bytes, filename: str) -> type[Driver]:
    """The format driver that is surest of ``head``; raw where no other is."""
    return max(registry.every(Role.FORMAT), key=lambda driver: driver.probe(head, filename))


def guess_node(node: Node) -> type[Driver]:
    """The format driver for what ``node`` holds.  Raises BlockError where it cannot be read."""
    head = bytearray(min(PROBE_LENGTH, node.length()))
    node.pread(0, memoryview(head))
    return guess(bytes(head), node.filename)
