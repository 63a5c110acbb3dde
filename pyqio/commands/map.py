"""map and alloc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import BlockError
from pyqio.base.types import SECTOR_SIZE
from pyqio.block.status import allocation
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, command
from pyqio.commands.kinds import Number
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Allocated, Map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result


@command("map", synopsis="", summary="prints the allocated areas of a file")
class ShowMap(Command):
    """Say what is allocated in the top layer."""

    child: Child = ""

    def run(self, context: Context) -> Sequence[Result]:
        """All of the image."""
        try:
            runs = list(allocation(image_at(context, self.child).block_status()))
        except BlockError as error:
            raise Rejected(f"Failed to get allocation status: {error.strerror}", prefixed=True) from error
        return [Map(runs=runs)]


@command(
    "alloc",
    "a",
    synopsis="offset [count]",
    summary="checks if offset is allocated in the file",
    arguments=(1, 2),
)
class Alloc(Command):
    """Say how much of a range is allocated in the top layer."""

    offset: Annotated[int, Number("offset")]
    count: Annotated[int, Number("count")] = SECTOR_SIZE

    def run(self, context: Context) -> Sequence[Result]:
        """What lies past the end does not count."""
        image = context.image
        length = max(0, min(self.count, image.length() - self.offset))
        try:
            extents = image.block_status(self.offset, length) if length else ()
            allocated = sum(extent.length for extent in extents if extent.allocated)
        except BlockError as error:
            raise Rejected(f"is_allocated failed: {error.strerror}") from error
        return [Allocated(offset=self.offset, length=length, allocated=allocated)]
