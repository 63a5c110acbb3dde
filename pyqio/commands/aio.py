"""aio_read, aio_write and aio_flush."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.errors import BlockError, VerifyError
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import VECTOR, Byte, Count, Number
from pyqio.commands.pool import QUICK, REFUSED, SYNCED
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import Expected, diverged, fetch, past_end, total
from pyqio.commands.results import Failed, Transfer
from pyqio.commands.write import PATTERN, write_filled
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_READ = """
 asynchronously reads a range of bytes from the given offset

 Example:
 'aio_read -v 512 1k 1k ' - dumps 2 kilobytes read from 512 bytes into the file

 Reads a segment of the currently open file, optionally dumping it to the
 standard output stream (with -v option) for subsequent inspection.
 The read is performed asynchronously and the aio_flush command must be
 used to ensure all outstanding aio requests have been completed.
 Note that due to its asynchronous nature, this command will be
 considered successful once the request is submitted, independently
 of potential I/O errors or pattern mismatches.
{flags}
"""

_WRITE = """
 asynchronously writes a range of bytes from the given offset source
 from multiple buffers

 Example:
 'aio_write 512 1k 1k' - writes 2 kilobytes at 512 bytes into the open file

 Writes into a segment of the currently open file, using a buffer
 filled with a set pattern (0xcdcdcdcd).
 The write is performed asynchronously and the aio_flush command must be
 used to ensure all outstanding aio requests have been completed.
 Note that due to its asynchronous nature, this command will be
 considered successful once the request is submitted, independently
 of potential I/O errors or pattern mismatches.
{flags}
"""


@command(
    "aio_read",
    synopsis="[-Ciqv] [-P pattern] off len [len..]",
    summary="asynchronously reads a number of bytes",
    about=_READ,
    arguments=(2, None),
)
class AioRead(Command):
    """Start a read."""

    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    pattern: Annotated[int | None, Flag("P", "use a pattern to verify read data"), Byte()] = None
    invalid: Annotated[
        bool,
        Flag("i", "treat request as invalid, for exercising stats", answer="injecting invalid read request"),
    ] = False
    verbose: Annotated[bool, Flag("v", "dump buffer to standard output")] = False
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    offset: Annotated[int, Number("off")]
    first: Annotated[int, VECTOR]
    more: Annotated[tuple[int, ...], VECTOR] = ()

    @property
    def length(self) -> int:
        """Bytes in all buffers."""
        return total((self.first, *self.more))

    def run(self, context: Context) -> Sequence[Result]:
        """Hand the read to the pool."""
        image, clock = context.image, context.clock
        expected = (
            None if self.pattern is None else Expected(pattern=self.pattern, offset=self.offset, length=self.length)
        )
        context.pool.submit(
            lambda: fetch(image, self, clock, verb="readv", expected=expected),
            REFUSED if past_end(image, self) else QUICK,
        )
        return ()

    def effect(self) -> Effect:
        """A read."""
        return Effect("read", self.offset, self.length)


@command(
    "aio_write",
    synopsis="[-Cfiquz] [-P pattern] off len [len..]",
    summary="asynchronously writes a number of bytes",
    about=_WRITE,
    arguments=(2, None),
    writes=True,
)
class AioWrite(Command):
    """Start a write."""

    pattern: Annotated[int, Flag("P", "use different pattern to fill file"), Byte()] = PATTERN
    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    fua: Annotated[bool, Flag("f", "use Force Unit Access semantics")] = False
    invalid: Annotated[
        bool,
        Flag("i", "treat request as invalid, for exercising stats", answer="injecting invalid write request"),
    ] = False
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    unmap: Annotated[bool, Flag("u", "with -z, allow unmapping")] = False
    zeroes: Annotated[bool, Flag("z", "write zeroes using blk_aio_pwrite_zeroes")] = False
    offset: Annotated[int, Number("off")]
    first: Annotated[int, Count(VECTOR.excess, unless="zeroes")]
    more: Annotated[tuple[int, ...], VECTOR] = ()

    @property
    def length(self) -> int:
        """Bytes in all buffers."""
        return self.first if self.zeroes else total((self.first, *self.more))

    @classmethod
    def check_options(cls, options: Mapping[str, Any], operands: int) -> None:
        """Refuse what makes no sense together, in qemu-io's order."""
        if "unmap" in options and "zeroes" not in options:
            raise Rejected("-u requires -z to be specified")
        if "zeroes" in options and operands > 2:
            raise Rejected("-z supports only a single length parameter")

    def run(self, context: Context) -> Sequence[Result]:
        """Hand the write to the pool."""
        image = context.image
        synced = self.fua or not image.node.flags.cache.writeback
        rank = REFUSED if past_end(image, self) else SYNCED if synced else QUICK
        started = context.clock()

        def job() -> Sequence[Result]:
            try:
                self._write(image)
            except VerifyError as error:
                error.widen(self.offset, self.length)
                return [diverged(image, error)]
            except BlockError as error:
                return [Failed(verb="aio_write", error=error, delayed=True)]
            elapsed = context.clock() - started
            if self.quiet:
                return ()
            return [
                Transfer(verb="wrote", offset=self.offset, length=self.length, elapsed=elapsed, machine=self.machine)
            ]

        context.pool.submit(job, rank)
        return ()

    def effect(self) -> Effect:
        """A write of zeroes or of one byte."""
        if self.zeroes:
            return Effect("zero", self.offset, self.length, 0)
        return Effect("write", self.offset, self.length, self.pattern)

    def _write(self, image: Image) -> None:
        if self.zeroes:
            image.zero(self.offset, self.length, unmap=self.unmap, fua=self.fua)
        else:
            write_filled(image, self, self.pattern, fua=self.fua)


@command("aio_flush", summary="completes all outstanding aio requests")
class AioFlush(Command):
    """Wait for all asynchronous requests."""

    def run(self, context: Context) -> Sequence[Result]:
        """They report for themselves."""
        context.drain()
        return ()
