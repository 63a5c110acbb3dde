"""write and writev."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.errors import BlockError, VerifyError, reason
from pyqio.block.emulate import WINDOW
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import VECTOR, Byte, Count, FileName, Number
from pyqio.commands.pool import QUICK
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import LONG, diverged, filled, ignore, require_sectors, spans, total
from pyqio.commands.results import Failed, Transfer
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.request import Advance, Range, Reporting
    from pyqio.commands.results import Result

PATTERN = 0xCD
"""What is written where no pattern is given."""

_WRITE = """
 writes a range of bytes from the given offset

 Example:
 'write 512 1k' - writes 1 kilobyte at 512 bytes into the open file

 Writes into a segment of the currently open file, using a buffer
 filled with a set pattern (0xcdcdcdcd).
{flags}
"""

_WRITEV = """
 writes a range of bytes from the given offset source from multiple buffers

 Example:
 'writev 512 1k 1k' - writes 2 kilobytes at 512 bytes into the open file

 Writes into a segment of the currently open file, using a buffer
 filled with a set pattern (0xcdcdcdcd).
{flags}
"""


@command(
    "write",
    "w",
    synopsis="[-bcCfnquz] [-P pattern | -s source_file] off len",
    summary="writes a number of bytes at a specified offset",
    about=_WRITE,
    arguments=(2, None),
    writes=True,
    polls=QUICK,
)
class Write(Command):
    """Write a pattern, a file's bytes, or zeroes."""

    vm_state: Annotated[bool, Flag("b", "write to the VM state rather than the virtual disk")] = False
    compressed: Annotated[bool, Flag("c", "write compressed data with blk_write_compressed")] = False
    fua: Annotated[bool, Flag("f", "use Force Unit Access semantics")] = False
    no_fallback: Annotated[bool, Flag("n", "with -z, don't allow slow fallback")] = False
    ignored: Annotated[bool, Flag("p", "ignored for backwards compatibility")] = False
    pattern: Annotated[int | None, Flag("P", "use different pattern to fill file"), Byte()] = None
    source: Annotated[str | None, Flag("s", "use a pattern file to fill the write buffer"), FileName("source_file")] = (
        None
    )
    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    unmap: Annotated[bool, Flag("u", "with -z, allow unmapping")] = False
    zeroes: Annotated[bool, Flag("z", "write zeroes using blk_co_pwrite_zeroes")] = False
    offset: Annotated[int, Number("off")]
    length: Annotated[int, Count("length cannot exceed {maximum} without -n, given {text}", unless="no_fallback")]

    @classmethod
    def check_options(cls, options: Mapping[str, Any], operands: int) -> None:
        """Refuse what makes no sense together, in qemu-io's order."""
        if "vm_state" in options and "zeroes" in options:
            raise Rejected("-b and -z cannot be specified at the same time")
        if "fua" in options and ("vm_state" in options or "compressed" in options):
            raise Rejected("-f and -b or -c cannot be specified at the same time")
        if "no_fallback" in options and "zeroes" not in options:
            raise Rejected("-n requires -z to be specified")
        if "unmap" in options and "zeroes" not in options:
            raise Rejected("-u requires -z to be specified")
        if len({"zeroes", "pattern", "source"} & options.keys()) > 1:
            raise Rejected("Only one of -z, -P, and -s can be specified at the same time")

    def run(self, context: Context) -> Sequence[Result]:
        """Write, and report."""
        if self.vm_state or self.compressed:
            require_sectors(self)
        if self.source is None:
            return transfer(context, self, verb="write", write=self._write)
        with _open_source(self.source, empty=not self.length) as source:
            return transfer(context, self, verb="write", write=partial(self._write_from, source=source))

    def effect(self) -> Effect | None:
        """A write of zeroes, of one byte or of a file's bytes, unless it is to the machine's state."""
        if self.vm_state:
            return None
        if self.zeroes:
            return Effect("zero", self.offset, self.length, 0)
        fill = PATTERN if self.pattern is None else self.pattern
        return Effect("write", self.offset, self.length, fill if self.source is None else None)

    def _target(self, image: Image) -> tuple[Image, bool]:
        """Where to write, and whether compressed, which the machine state never is."""
        return (image.vm_state(), False) if self.vm_state else (image, self.compressed)

    def _write(self, image: Image, advance: Advance) -> None:
        image, compressed = self._target(image)
        if self.zeroes:
            image.zero(self.offset, self.length, unmap=self.unmap, no_fallback=self.no_fallback, fua=self.fua)
        else:
            pattern = PATTERN if self.pattern is None else self.pattern
            write_filled(image, self, pattern, fua=self.fua, compressed=compressed, advance=advance)

    def _write_from(self, image: Image, advance: Advance, *, source: BinaryIO) -> None:
        image, compressed = self._target(image)
        for at, count in spans(image, self, compressed=compressed):
            image.pwrite(at, _take(source, count), fua=self.fua, compressed=compressed)
            advance(count)


@command(
    "writev",
    synopsis="[-Cfq] [-P pattern] off len [len..]",
    summary="writes a number of bytes at a specified offset",
    about=_WRITEV,
    arguments=(2, None),
    writes=True,
    polls=QUICK,
)
class Writev(Command):
    """Write a pattern from several buffers."""

    pattern: Annotated[int, Flag("P", "use different pattern to fill file"), Byte()] = PATTERN
    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    fua: Annotated[bool, Flag("f", "use Force Unit Access semantics")] = False
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    offset: Annotated[int, Number("off")]
    first: Annotated[int, VECTOR]
    more: Annotated[tuple[int, ...], VECTOR] = ()

    @property
    def length(self) -> int:
        """Bytes in all buffers."""
        return total((self.first, *self.more))

    def run(self, context: Context) -> Sequence[Result]:
        """Write, and report."""

        def write(image: Image, advance: Advance) -> None:
            write_filled(image, self, self.pattern, fua=self.fua, advance=advance)

        return transfer(context, self, verb="writev", write=write)

    def effect(self) -> Effect:
        """A write of one byte."""
        return Effect("write", self.offset, self.length, self.pattern)


def transfer(
    context: Context, request: Reporting, *, verb: str, write: Callable[[Image, Advance], None]
) -> Sequence[Result]:
    """Do ``write`` and report it; a failure is called ``verb`` failed."""
    started = context.clock()
    try:
        if request.length < LONG:
            write(context.image, ignore)
        else:
            with context.progress(verb, request.length) as advance:
                write(context.image, advance)
    except VerifyError as error:
        error.widen(request.offset, request.length)
        return [diverged(context.image, error)]
    except BlockError as error:
        return [Failed(verb=verb, error=error)]
    elapsed = context.clock() - started
    if request.quiet:
        return ()
    wrote = Transfer(
        verb="wrote", offset=request.offset, length=request.length, elapsed=elapsed, machine=request.machine
    )
    return [wrote]


def write_filled(
    image: Image, request: Range, pattern: int, *, fua: bool, compressed: bool = False, advance: Advance = ignore
) -> None:
    """Write one byte all over the range; ``advance`` is told of each step."""
    buffer = memoryview(filled(pattern))
    for at, count in spans(image, request, compressed=compressed):
        data = buffer[:count] if count <= WINDOW else memoryview(bytes((pattern,)) * count)
        image.pwrite(at, data, fua=fua, compressed=compressed)
        advance(count)


def _open_source(path: str, *, empty: bool) -> BinaryIO:
    """A file to be read again and again: one that is shorter than a window is repeated until it is longer.

    ``empty``: no byte is wanted, and the file then passes for an empty one, whatever it is.
    """
    try:
        if empty and os.access(path, os.R_OK):
            raise Rejected(f"{path}: file is empty", stderr=True)
        source = open(path, "rb")  # noqa: SIM115 - the caller closes it
        head = source.read(WINDOW)
    except (OSError, ValueError) as error:
        raise Rejected(f"{path}: {reason(error)}", stderr=True) from None
    if len(head) < WINDOW:
        source.close()
        if not head:
            raise Rejected(f"{path}: file is empty", stderr=True)
        return io.BytesIO(head * (WINDOW // len(head) + 1))
    source.seek(0)
    return source


def _take(source: BinaryIO, count: int) -> bytes:
    """The next ``count`` bytes, from the start again after the end."""
    taken = source.read(count)
    while len(taken) < count:
        source.seek(0)
        taken += source.read(count - len(taken))
    return taken
