"""The verified pairs in a graph of nodes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.types import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.base.errors import VerifyError
    from pyqio.block.node import Node


class File(NamedTuple):
    """A file of the host as it was at some moment; times are ns since 1970 UTC.  ``path``: without symbolic links."""

    path: str
    size: int
    mtime_ns: int
    inode: int


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


def host_path(node: Node) -> str | None:
    """The absolute path of the file that ``node`` keeps its bytes in, None where it is no file of this host."""
    while node.driver.role is not Role.PROTOCOL:
        if "file" not in node.children:
            return None
        node = node.children["file"].node
    return os.path.abspath(node.filename) if node.driver.name in ("file", "host_device") and node.filename else None


def file_at(path: str) -> File:
    """The file as it is now.  Raises OSError."""
    found = os.stat(path)
    return File(os.path.realpath(path), found.st_size, found.st_mtime_ns, found.st_ino)


def pair_files(node: Node) -> tuple[File, File] | None:
    """The files, as they are now, of the raw and the test side of the pair at or below ``node``.

    None where there is no pair, or one that is not kept in two files.
    """
    found = pair_below(node)
    if found is None:
        return None
    raw, test = (host_path(found.children[key].node) for key in ("raw", "test"))
    try:
        return (file_at(raw), file_at(test)) if raw and test else None
    except OSError:
        return None
