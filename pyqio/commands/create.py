"""create: what qemu-img create does."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - fields are annotated with it
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.errors import BlockError, UsageError
from pyqio.base.units import INT64_MAX, SizeError, parse_size
from pyqio.block import registry
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Argument, FileName, Pairs, Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Created

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 makes a new image, and does not open it

 Example:
 'create -f qcow2 -o cluster_size=4k test.qcow2 16G' - makes a qcow2 image

 Without a size the image is as large as its backing file.
{flags}
"""


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


@command(
    "create",
    synopsis="[-q] [-f fmt] [-o options] [-b backing_file [-F backing_fmt]] filename [size]",
    summary="makes a new image of size bytes",
    about=_ABOUT,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Create(Command):
    """Make an image."""

    quiet: Annotated[bool, Flag("q", "quiet mode, do not show the options in force")] = False
    format: Annotated[str, Flag("f", "format of the image (raw)"), Word("fmt")] = "raw"
    options: Annotated[Mapping[str, str], Flag("o", "options of the format, key=value,..."), Pairs()] = (
        MappingProxyType({})
    )
    backing_file: Annotated[
        str | None, Flag("b", "image that shows where the new one has nothing"), FileName("backing_file")
    ] = None
    backing_format: Annotated[str | None, Flag("F", "format of the backing file"), Word("backing_fmt")] = None
    filename: Annotated[str, FileName("filename")]
    size: Annotated[int | None, _ImageSize()] = None

    def run(self, context: Context) -> Iterator[Result]:
        """Show the options in force, and create."""
        driver = registry.find(self.format)
        if driver is None:
            raise self._refuse(f"Unknown file format '{self.format}'")
        options = dict(self.options)
        if self.backing_file is not None:
            options["backing_file"] = self.backing_file
        if self.backing_format is not None:
            options["backing_fmt"] = self.backing_format
        if self.format == "raw" and options.keys() & {"backing_file", "backing_fmt"}:
            raise self._refuse("Backing file not supported for file format 'raw'")
        size = self._settle_size(context, options)
        try:
            shown = driver.create_options(self.filename, size, options, secrets=context.secrets)
            if not self.quiet:
                yield Created(filename=self.filename, format=self.format, options=shown)
            driver.create(self.filename, size, options, secrets=context.secrets)
        except (UsageError, BlockError) as error:
            raise self._refuse(str(error)) from error

    def _settle_size(self, context: Context, options: dict[str, str]) -> int:
        given = options.pop("size", None)
        if given is not None and self.size is not None:
            raise self._refuse("The image size must be specified only once")
        if given is not None:
            return _ImageSize().parse(given)
        if self.size is not None:
            return self.size
        if "backing_file" not in options:
            raise self._refuse("Image creation needs a size parameter")
        return self._backing_length(context, options)

    def _backing_length(self, context: Context, options: Mapping[str, str]) -> int:
        import os

        from pyqio.base.types import OpenFlags
        from pyqio.block.filename import protocol_prefix
        from pyqio.block.graph import Graph

        name = options["backing_file"]
        if protocol_prefix(name) is None:
            name = os.path.join(os.path.dirname(self.filename), name)
        spec = {"driver": options["backing_fmt"]} if "backing_fmt" in options else {}
        try:
            with Graph(secrets=context.secrets).open(name, spec, OpenFlags(read_only=True)) as image:
                return image.length()
        except BlockError as error:
            raise self._refuse(f"{error.message}\nCould not open backing image.") from error

    def _refuse(self, message: str) -> Rejected:
        return Rejected(f"{self.filename}: {message}", prefixed=True)
