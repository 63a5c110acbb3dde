"""create: what qemu-img create does."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - fields are annotated with it
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, OpenError, UsageError
from pyqio.base.units import INT64_MAX, SizeError, parse_size
from pyqio.block import registry
from pyqio.block.creation import options_of, prepare
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.image_options import doubt_driver
from pyqio.commands.kinds import Argument, FileName, Pairs, Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Created, CreateOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.block.driver import Driver
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 makes a new image, and does not open it

 Example:
 'create -f qcow2 -o cluster_size=4k test.qcow2 16G' - makes a qcow2 image

 Without a size the image is as large as its backing file.
{flags}
"""


_HELP: Final = MappingProxyType({"help": ""})
"""What stands for the question which options there are."""


class _ImageSize(Argument):
    name = "size"

    def parse(self, value: Any) -> int:
        try:
            return parse_size(value)
        except SizeError as error:
            if error.too_large:
                what = f"Must be between 0 and {INT64_MAX}."
            else:
                what = (
                    "You may use k, M, G, T, P or E suffixes for\n"
                    "kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes."
                )
            raise Rejected(f"Invalid image size specified. {what}", prefixed=True) from None


class _CreateOptions(Pairs):
    """Options of a format; a word ``help`` or ``?`` asks which there are."""

    def __init__(self, format: str = "raw") -> None:  # noqa: A002
        super().__init__()
        self.format = format

    def parse(self, value: Any) -> Mapping[str, str]:
        if not {"help", "?"}.isdisjoint(value.split(",")):
            return _HELP
        if not value or value[0] == "," or len(value) - len(value.rstrip(",")) & 1:
            raise Rejected(f"Invalid option list: {value}", prefixed=True)
        return super().parse(value)

    def warnings(self, text: str) -> Iterable[str]:
        return ()

    def among(self, words: Sequence[str]) -> Argument:
        named = [after for flag, after in pairwise(words) if flag == "-f"]
        return _CreateOptions(named[-1]) if named else self

    def complete(self, prefix: str) -> Iterable[str]:
        driver = registry.find(self.format)
        table = {} if driver is None else driver.creation()
        before, comma, last = prefix.rpartition(",")
        name, equals, value = last.partition("=")
        if not equals:
            found = (f"{known}=" for known in table if known.startswith(name))
        else:
            found = (f"{name}={known}" for known in (table[name].kind.complete(value) if name in table else ()))
        return (before + comma + text for text in found)

    def meaning(self, value: str) -> str:
        name, equals, rest = value.rpartition(",")[2].partition("=")
        driver = registry.find(self.format)
        option = driver.creation().get(name) if driver and equals and not rest else None
        return option.meaning if option else ""


class _Format(Word):
    def doubt(self, text: str, context: Context) -> Rejected | None:
        return doubt_driver(text, what="file format")

    def complete(self, prefix: str) -> Iterable[str]:
        return (driver.name for driver in registry.every() if driver.name.startswith(prefix) and driver.creation())


@command(
    "create",
    synopsis="[-q] [-f fmt] [-b backing_file [-F backing_fmt]] [-u] [-o options] filename [size]",
    summary="makes a new image of size bytes",
    about=_ABOUT,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Create(Command):
    """Make an image."""

    quiet: Annotated[bool, Flag("q", "quiet mode, do not show the options in force")] = False
    format: Annotated[str, Flag("f", "format of the image (raw)"), _Format("fmt")] = "raw"
    options: Annotated[
        Mapping[str, str], Flag("o", "options of the format, key=value,..., or help to list them"), _CreateOptions()
    ] = MappingProxyType({})
    backing_file: Annotated[
        str | None, Flag("b", "image that shows where the new one has nothing"), FileName("backing_file")
    ] = None
    backing_format: Annotated[str | None, Flag("F", "format of the backing file"), _Format("backing_fmt")] = None
    unsafe: Annotated[bool, Flag("u", "do not open the backing file")] = False
    filename: Annotated[str | None, FileName("filename")] = None
    size: Annotated[int | None, _ImageSize()] = None

    def run(self, context: Context) -> Iterator[Result]:
        """Show the options in force, and create."""
        if self.options == _HELP:
            yield self._help()
            return
        if self.filename is None:
            raise Rejected("Expecting image file name", prefixed=True)
        try:
            creation = prepare(
                self._driver(),
                self.filename,
                self.options,
                size=self.size,
                backing_file=self.backing_file,
                backing_format=self.backing_format,
                unsafe=self.unsafe,
                secrets=context.secrets,
            )
            if not self.quiet:
                yield Created(filename=self.filename, format=self.format, options=creation.shown())
            with context.progress("create", 0):
                creation.run()
        except (UsageError, BlockError) as error:
            raise Rejected(f"{self.filename}: {error}", prefixed=True) from error

    def _help(self) -> CreateOptions:
        try:
            options = options_of(self._driver(), self.filename)
        except BlockError as error:
            raise Rejected(str(error), prefixed=True) from error
        return CreateOptions(format=self.format, whole=self.filename is not None, options=options)

    def _driver(self) -> type[Driver]:
        driver = registry.find(self.format)
        if driver is None:
            raise OpenError(f"Unknown file format '{self.format}'")
        return driver
