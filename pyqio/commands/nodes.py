"""children and tree: the nodes of the open image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.block import paths
from pyqio.commands.command import Command, command
from pyqio.commands.results import Column, Leaf, Table, Tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_CHILDREN = """
 lists the nodes of the open image: a pair and its sides, formats, their files

 A path such as test.file, or a node's name, is what --child takes.

 Example:
 'children; where --child test 0' - the nodes, then the way of the first byte of
 the test side of a pair alone
"""

_TREE = """
 draws the nodes of the open image below one another

 Example:
 'tree' - a pair, its sides, and the files that these are kept in

 Shows of each its key, driver, size, rw or ro, name and file.
"""

_COLUMNS = (
    Column("path"),
    Column("driver"),
    Column("role"),
    Column("size", "size"),
    Column("access"),
    Column("node"),
    Column("file"),
)


@command("children", summary="lists the nodes of the open image", about=_CHILDREN, own=True)
class Children(Command):
    """Say which nodes there are."""

    def run(self, context: Context) -> Sequence[Result]:
        """A row for each."""
        rows = [
            (leaf.path, leaf.driver, leaf.role, leaf.size, "ro" if leaf.read_only else "rw", leaf.node, leaf.filename)
            for leaf in _leaves(context)
        ]
        return [Table(name="children", columns=_COLUMNS, rows=rows)]


@command("tree", summary="draws the nodes of the open image", about=_TREE, own=True)
class DrawTree(Command):
    """Say how the nodes hang together."""

    def run(self, context: Context) -> Sequence[Result]:
        """All nodes from the top down."""
        return [Tree(nodes=_leaves(context))]


def _leaves(context: Context) -> list[Leaf]:
    return [
        Leaf(
            depth=place.depth,
            path=place.path,
            node=place.node.name,
            driver=place.node.driver.name,
            role=place.role.value if place.role else "",
            size=place.node.length(),
            read_only=place.node.read_only,
            filename=place.node.filename,
        )
        for place in paths.places(context.image.node)
    ]
