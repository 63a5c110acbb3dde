"""search: where some bytes are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, UsageError, VerifyError
from pyqio.base.types import SECTOR_SIZE
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import VALUE_TYPE, Argument, Number, Word, c_integer
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged
from pyqio.commands.results import Column, Failed, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result
    from pyqio.verify.search import Needle

_ABOUT = """
 looks for bytes from the position, or from an offset, to the end

 Example:
 'search "boot failed"' - a text
 'search 0x55aa', 'search "55 aa"' - bytes, in hexadecimal digits
 'search -x "eb ?? 90"' - where ? is any digit
 'search -t u32le 0xdeadbeef' - a value, see 'help types'

 Shows the first place and stays there; Enter on an empty line goes on from it.
 Ranges that are known to be zero are not read.
{flags}
"""

_MOST: Final = 10_000
_SHOWN: Final = 16
_DIGITS: Final = re.compile(r"0x(?:[0-9a-fA-F]{2})+|[0-9a-fA-F]{2}(?: +[0-9a-fA-F]{2})+")
_COLUMNS: Final = (
    Column("offset", "offset"),
    Column("sector", "number"),
    Column("byte", "offset"),
    Column("data"),
)


class _Hits(Argument):
    """A number of places."""

    name = "count"

    def parse(self, value: Any) -> int:
        """1 to _MOST."""
        number = c_integer(value)
        if number is None or not 0 < number <= _MOST:
            raise Rejected(f"count must be 1 to {_MOST}, not {value}", prefixed=True, text=value)
        return number


@command(
    "search",
    synopsis="[-x | -t type] [--all | -n count] [--child path] pattern [off [len]]",
    summary="looks for bytes",
    about=_ABOUT,
    arguments=(1, None),
    own=True,
)
class Search(Command):
    """Find a pattern, and go there."""

    digits: Annotated[bool, Flag("x", "hexadecimal digits, ? for any", long="hex", group="pattern")] = False
    type: Annotated[str, Flag("t", "a value of this type", long="type", group="pattern"), VALUE_TYPE] = ""
    all: Annotated[bool, Flag("", "show all places", long="all", group="count")] = False
    count: Annotated[int, Flag("n", "show so many places", long="count", group="count"), _Hits()] = 1
    child: Child = ""
    pattern: Annotated[str, Word("pattern")]
    offset: Annotated[int | None, Number("off")] = None
    length: Annotated[int | None, Number("len")] = None

    def run(self, context: Context) -> Sequence[Result]:
        """Look; what was found last is not found again."""
        from pyqio.verify.search import hits

        image = image_at(context, self.child)
        start = context.position.offset if self.offset is None else self.offset
        end = image.length() if self.length is None else start + self.length
        if start > image.length() or end > image.length():
            raise Rejected(f"{start:#x} to {end:#x} is not inside the {image.length():#x} bytes", prefixed=True)
        needle = self._needle()
        most = _MOST if self.all else self.count
        found: list[int] = []
        try:
            with context.progress("search", end - start) as advance:
                for place in hits(image, needle, start, end, advance):
                    found.append(place)
                    if len(found) == most:
                        break
            rows = [_row(image, place) for place in found]
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            return [Failed(verb="search", error=error)]
        if found and not self.child:
            context.position.goto(found[0])
        note = f"there may be more than these {_MOST}" if len(found) == _MOST else ""
        empty = f"not found from {start:#x} to {end:#x}"
        return [Table(name="hit", columns=_COLUMNS, rows=rows, note=note, empty=empty)]

    def following(self) -> str | None:
        """The next place, from the byte after this one."""
        if self.all or self.count != 1 or self.child:
            return None
        given = {name: value for name, value in vars(self).items() if name not in ("offset", "length")}
        return f"{Search(**given).line()} .+1"

    def _needle(self) -> Needle:
        from pyqio.verify.search import Needle, from_digits
        from pyqio.verify.structures.values import encode

        try:
            if self.type:
                return Needle(encode(self.type, self.pattern))
            if self.digits or _DIGITS.fullmatch(self.pattern):
                return from_digits(self.pattern)
            return Needle(self.pattern.encode("utf-8", "surrogateescape"))
        except UsageError as error:
            raise Rejected(str(error), prefixed=True, text=self.pattern) from error


def _row(image: Image, place: int) -> tuple[int, int, int, str]:
    data = image.pread(place, min(_SHOWN, image.length() - place))
    return place, *divmod(place, SECTOR_SIZE), data.hex(" ")
