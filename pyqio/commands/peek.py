"""peek and poke: single values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pyqio.base.errors import BlockError, UsageError, VerifyError
from pyqio.base.types import PERM_WRITE
from pyqio.block.paths import TOP
from pyqio.commands.child import Child, image_at, node_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import VALUE_TYPE, ChildPath, Number, Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged, past_end
from pyqio.commands.results import Failed, Said
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

SIDES: Final = ("raw", "test")
"""Nodes of a pair that have its offsets."""

_PEEK = """
 shows one value: its bytes, and the number, text, identifier or time in them

 Example:
 'peek u32le 0x1b8' - the signature of a disk with a master boot record

 Without an offset it is the value at the position.
{flags}
"""

_POKE = """
 writes one value

 Example:
 'poke u16be 0x1fe 0x55aa' - writes two bytes

 A pair writes it to both sides; 'poke --child test u8 0x400 1' writes it to the
 test side alone, which makes the sides differ.  A format's own file is not
 written to while the format is open.
{flags}
"""


@command(
    "peek",
    synopsis="[--child path] type [off]",
    summary="shows one value",
    about=_PEEK,
    arguments=(1, None),
    own=True,
)
class Peek(Command):
    """Read one value."""

    child: Child = ""
    type: Annotated[str, VALUE_TYPE]
    offset: Annotated[int | None, Number("off")] = None

    def run(self, context: Context) -> Sequence[Result]:
        """Show it, and stay there."""
        from pyqio.commands.typed import show

        return show(context, self.type, self.offset, None, child=self.child)


@command(
    "poke",
    synopsis="[--child path] type off value",
    summary="writes one value",
    about=_POKE,
    arguments=(3, None),
    writes=True,
    own=True,
)
class Poke(Command):
    """Write one value."""

    child: Annotated[str, Flag("", "write to this node alone (see 'children')", long="child"), ChildPath()] = ""
    type: Annotated[str, VALUE_TYPE]
    offset: Annotated[int, Number("off")]
    value: Annotated[str, Word("value")]

    def run(self, context: Context) -> Sequence[Result]:
        """Write it as any request would be; tell where it went if that is one node alone."""
        image = self._image(context)
        try:
            data = self._data()
        except UsageError as error:
            raise Rejected(str(error), prefixed=True, text=self.value) from error
        written = _Range(self.offset, len(data))
        if refusal := past_end(image, written):
            return [Failed(verb="poke", error=refusal)]
        try:
            image.pwrite(self.offset, data)
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            return [Failed(verb="poke", error=error)]
        if not self.child:
            return ()
        return [Said(text=f"wrote {len(data)} bytes at offset {self.offset:#x} of {self.child} alone")]

    def effect(self) -> Effect | None:
        """A write, to one side at least; what lies elsewhere has offsets of its own."""
        from pyqio.verify.structures.values import VALUES

        length = VALUES[self.type].size or len(self.value.encode("utf-8", "surrogateescape"))
        return Effect("write", self.offset, length) if self.child in ("", TOP, *SIDES) else None

    def _data(self) -> bytes:
        from pyqio.verify.structures.values import encode

        return encode(self.type, self.value)

    def _image(self, context: Context) -> Image:
        node = node_at(context, self.child)
        if node.read_only:
            raise Rejected(f"{self.child or 'the image'} is read-only", prefixed=True)
        for edge in node.parents if self.child else ():
            if not edge.shared & PERM_WRITE:
                name = edge.parent.driver.name if edge.parent else "its user"
                raise Rejected(f"{self.child} belongs to {name}, which lets nobody else write to it", prefixed=True)
        return image_at(context, self.child)


class _Range:
    """A range of bytes."""

    def __init__(self, offset: int, length: int) -> None:
        self.offset = offset
        self.length = length
