"""map and alloc."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import BlockError
from pyqio.base.types import SECTOR_SIZE
from pyqio.block.status import allocation
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Number
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Allocated, Map, Strip
from pyqio.verify.pair import pair_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.base.types import Extent, Run
    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.request import Advance
    from pyqio.commands.results import Result


@command("map", synopsis="", summary="prints the allocated areas of a file")
class ShowMap(Command):
    """Say what is allocated in the top layer."""

    child: Child = ""
    graph: Annotated[bool, Flag("", "draw the disk as a strip, with known mismatches", long="graph", own=True)] = False

    def run(self, context: Context) -> Sequence[Result]:
        """All of the image."""
        image = image_at(context, self.child)
        try:
            with context.progress("map", image.length()) as advance:
                extents = _counted(image.block_status(), advance)
                if self.graph:
                    states = list(_states(image, extents))
                else:
                    runs = list(allocation(extents))
        except BlockError as error:
            raise Rejected(f"Failed to get allocation status: {error.strerror}", prefixed=True) from error
        if self.graph:
            return [Strip(length=image.length(), runs=states, differing=_differing(context, image))]
        return [Map(runs=runs)]


def _counted(extents: Iterable[Extent], advance: Advance) -> Iterator[Extent]:
    for extent in extents:
        yield extent
        advance(extent.length)


def _states(image: Image, extents: Iterable[Extent]) -> Iterator[tuple[int, int, str]]:
    """Neighbours that are in the same state, as one."""
    for state, alike in groupby(extents, partial(_state, image)):
        first, *rest = alike
        last = rest[-1] if rest else first
        yield first.offset, last.offset + last.length - first.offset, state


def _state(image: Image, extent: Extent) -> str:
    if not extent.allocated:
        return "unallocated"
    if extent.zero or not extent.data:
        return "zero"
    if extent.host_offset is None and image.node.driver.locate(extent.offset).kind == "compressed":
        return "compressed"
    return "data"


def _differing(context: Context, image: Image) -> Sequence[Run]:
    """What is known to differ, if the offsets of ``image`` are those of a pair."""
    top = context.image.node
    pair = pair_below(top)
    if pair is None or image.node not in (top, pair, *(edge.node for edge in pair.children.values())):
        return ()
    return context.findings.runs


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
