"""where: the way of a guest byte down to the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pyqio.block import paths, way
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Number
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Step, Way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 shows the way of one byte through every node down to the host's file

 Example:
 'where 64k' - which L1 and L2 entry lead to the guest byte at 64 KiB, what
 they say, the refcounts, and the offset in the file; of both sides of a pair

 Without an offset it is that of the last command that looked at one.  What
 cannot be right is marked with an exclamation mark.
{flags}
"""


@command(
    "where",
    synopsis="[--raw] [--users] [--child path] [off]",
    summary="shows where a byte is kept, through every node",
    about=_ABOUT,
    arguments=(0, None),
    own=True,
)
class Where(Command):
    """Follow a byte from the top node, or from another one, to the host."""

    raw: Annotated[bool, Flag("", "dump the metadata on the way, field by field", long="raw")] = False
    users: Annotated[bool, Flag("", "look in all tables for others that use its cluster", long="users")] = False
    child: Child = ""
    offset: Annotated[int | None, Number("off")] = None

    def run(self, context: Context) -> Sequence[Result]:
        """Look, and stay there."""
        image = image_at(context, self.child)
        offset = context.position.offset if self.offset is None else self.offset
        if offset >= image.length():
            raise Rejected(
                f"offset {offset:#x} is not inside the {image.length():#x} bytes that there are", prefixed=True
            )
        if not self.child:
            context.position.goto(offset)
        node = paths.top(image.node)
        stops = way.trace(node, offset, path=self.child or paths.TOP, thorough=self.users)
        if self.raw:
            return [structure for stop in stops for structure in stop.explanation.structures]
        return [Way(offset=offset, steps=list(map(step, stops)))]


def step(stop: way.Stop) -> Step:
    """A stop as it is shown."""
    found = stop.explanation
    return Step(
        path=stop.path,
        node=stop.node.name,
        driver=stop.node.driver.name,
        filename=stop.node.filename,
        offset=stop.offset,
        kind=found.kind,
        next=found.next,
        facts=found.facts,
        wrong=found.wrong,
    )
