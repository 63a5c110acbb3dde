"""read -t: bytes as values, or as a structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError, VerifyError
from pyqio.block import paths
from pyqio.commands.child import image_at, node_at
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged
from pyqio.commands.results import Failed
from pyqio.verify.structures import STRUCTURES, view
from pyqio.verify.structures.source import MOST_FIELDS, Source, structure
from pyqio.verify.structures.values import VALUES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_TEXT: Final = 256
"""Bytes of a text that are shown where nobody says how many."""


def show(context: Context, name: str, offset: int | None, length: int | None, *, child: str) -> Sequence[Result]:
    """``length`` bytes from ``offset`` on as values, or a structure, of the type ``name``.

    Without an offset it is the position, or where the structure belongs.  Raises Rejected.
    """
    metadata = "" if child or name in VALUES else STRUCTURES[name].metadata
    image = _holding(context, metadata) if metadata else image_at(context, child)
    source = Source(image, image.filename or image.node.name)
    if offset is not None and offset >= source.end:
        raise Rejected(f"offset {offset:#x} is not inside the {source.end:#x} bytes of {source.name}", prefixed=True)
    try:
        if name in STRUCTURES:
            return list(view(name, source, offset, length))
        at = context.position.offset if offset is None else offset
        if not child:
            context.position.goto(at)
        return [_values(source, name, at, length)]
    except VerifyError as error:
        return [diverged(context.image, error)]
    except BlockError as error:
        return [Failed(verb="read", error=error)]


def _holding(context: Context, driver: str) -> Image:
    """The file that holds a format's metadata; the image itself where there is no such format."""
    wanted = ("luks", "qcow2") if driver == "luks" else (driver,)
    for place in paths.places(context.image.node):
        if place.node.driver.name in wanted and "file" in place.node.children:
            return context.image.at(place.node.children["file"].node)
    return context.image.at(node_at(context, ""))


def _values(source: Source, name: str, offset: int, length: int | None) -> Result:
    from pyqio.base.structure import NUMBER, TEXT, Field

    kind = VALUES[name]
    size = kind.size or min(length or _TEXT, source.end - offset)
    total = size if length is None else length
    count = total // size if size else 0
    if count > MOST_FIELDS or not count:
        raise Rejected(f"{total} bytes are not 1 to {MOST_FIELDS} values of {size} bytes", prefixed=True)
    data = source.read(offset, count * size)
    if len(data) < count * size:
        raise Rejected(f"{count * size} bytes at {offset:#x} are not inside the {source.end:#x} bytes", prefixed=True)
    parts = []
    for at in range(0, count * size, size):
        piece = data[at : at + size]
        value, meaning = kind.decode(piece)
        form = TEXT if isinstance(value, str) else NUMBER
        parts.append(Field(offset=offset + at, data=piece, name=name, value=value, form=form, meaning=meaning))
    return structure(source, name, offset, parts)
