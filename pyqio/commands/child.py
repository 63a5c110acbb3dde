"""--child: a command looks at one node of the graph instead of at the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.block import paths
from pyqio.commands.command import Flag
from pyqio.commands.kinds import ChildPath
from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from pyqio.block.image import Image
    from pyqio.block.node import Node
    from pyqio.commands.context import Context

Child = Annotated[str, Flag("", "look at this node alone (see 'children')", long="child", own=True), ChildPath()]
"""The field of a command: the path of a node, "" for the image itself."""


def image_at(context: Context, path: str) -> Image:
    """The image that a command is about: the open one, or a node of it.  Raises Rejected."""
    return context.image.at(node_at(context, path)) if path else context.image


def node_at(context: Context, path: str) -> Node:
    """The node that ``path`` leads to, "" for the top one.  Raises Rejected."""
    root = context.image.node
    node = paths.find(root, path or paths.TOP)
    if node is None:
        known = ", ".join(place.path for place in paths.places(root))
        raise Rejected(f"there is no node '{path}'; there are: {known}", prefixed=True, text=path)
    return node
