"""What expressions come to in a session: the open image and the session's bookmarks give their names a value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError
from pyqio.base.expression import CLUSTER, END, HERE, NO_NUMBER, ExpressionError
from pyqio.base.expression import evaluate as value_of
from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from pyqio.block.node import Node
    from pyqio.commands.context import Context

_NO_IMAGE: Final = "no image is open"


def evaluate(context: Context, text: str) -> int:
    """The number of bytes that ``text`` comes to.  Raises Rejected; an ExpressionError is its cause."""
    try:
        return value_of(text, partial(look_up, context))
    except ExpressionError as error:
        wrong = error.text[error.at :] or error.text
        raise Rejected(f"Parsing error: {_reason(error)} -- {error.text}", text=wrong) from error


def look_up(context: Context, name: str) -> int:
    """What a name of an expression stands for.  Raises UsageError."""
    if name == HERE:
        return context.position.offset
    if name == END:
        if not context.has_image:
            raise UsageError(_NO_IMAGE)
        return context.image.length()
    if name == CLUSTER:
        size = cluster_size(context)
        if size is None:
            raise UsageError("the open image has no clusters" if context.has_image else _NO_IMAGE)
        return size
    if name not in context.position.marks:
        raise UsageError(f"there is no mark '{name}'")
    return context.position.marks[name]


def cluster_size(context: Context) -> int | None:
    """Bytes in a cluster of the open image, or of the format below its filters; of a pair, the tested side's.

    None where there are no clusters.
    """
    return _cluster_size(context.image.node) if context.has_image else None


def _cluster_size(node: Node) -> int | None:
    if size := node.driver.info().get("cluster-size"):
        return int(size)
    below = node.children.get("test") or node.children.get("file")
    return _cluster_size(below.node) if below else None


def _reason(error: ExpressionError) -> str:
    """What is wrong; in qemu-io's words for a text that is one number and no more."""
    if error.at == 0 and not any(sign in error.text for sign in "+-*/%()$"):
        if error.too_large:
            return "argument too large"
        if error.what == NO_NUMBER:
            return "non-numeric argument, or extraneous/unrecognized suffix"
    return f"{error.what}, at character {error.at + 1}"
