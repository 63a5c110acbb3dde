"""read and readv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, VerifyError
from pyqio.block.emulate import WINDOW
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import SINGLE, VECTOR, Byte, ChildPath, FileName, Number, ViewType
from pyqio.commands.pool import QUICK
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import Expected, diverged, fetch, following, require_sectors, total
from pyqio.commands.results import Failed, Transfer
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_READ = """
 reads a range of bytes from the given offset

 Example:
 'read -v 512 1k' - dumps 1 kilobyte read from 512 bytes into the file

 Reads a segment of the currently open file, optionally dumping it to the
 standard output stream (with -v option) for subsequent inspection.
{flags}
"""

_READV = """
 reads a range of bytes from the given offset into multiple buffers

 Example:
 'readv -v 512 1k 1k ' - dumps 2 kilobytes read from 512 bytes into the file

 Reads a segment of the currently open file, optionally dumping it to the
 standard output stream (with -v option) for subsequent inspection.
 Uses multiple iovec buffers if more than one byte range is specified.
{flags}
"""


_OWN: Final[dict[str, Any]] = {"own": True, "also": ("special", True)}


@command(
    "read",
    "r",
    synopsis="[-abCqv] [-P pattern [-s off] [-l len]] off len",
    summary="reads a number of bytes at a specified offset",
    about=_READ,
    arguments=(2, None),
    polls=QUICK,
)
class Read(Command):
    """Read a range; compare all or a part of it with a pattern, or show it."""

    vm_state: Annotated[bool, Flag("b", "read from the VM state rather than the virtual disk")] = False
    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    pattern_length: Annotated[
        int | None, Flag("l", "length for pattern verification (only with -P)"), Number("len")
    ] = None
    ignored: Annotated[bool, Flag("p", "ignored for backwards compatibility")] = False
    pattern: Annotated[int | None, Flag("P", "use a pattern to verify read data"), Byte()] = None
    quiet: Annotated[bool, Flag("q", "quiet mode, do not show I/O statistics")] = False
    pattern_start: Annotated[
        int | None, Flag("s", "start offset for pattern verification (only with -P)"), Number("off")
    ] = None
    verbose: Annotated[bool, Flag("v", "dump buffer to standard output")] = False
    view: Annotated[
        str | None,
        Flag(
            "t",
            "show values (u32le, guid, ...) or a structure (mbr, l2, ...)",
            long="type",
            frees=True,
            group="output",
            **_OWN,
        ),
        ViewType(),
    ] = None
    child: Annotated[str, Flag("", "read this node alone (see 'children')", long="child", **_OWN), ChildPath()] = ""
    output: Annotated[
        str, Flag("o", "write the bytes to this file", long="output", group="output", **_OWN), FileName()
    ] = ""
    raw: Annotated[
        bool, Flag("", "write the bytes to standard output as they are", long="raw", group="output", **_OWN)
    ] = False
    special: bool = False
    """Any option of pyqio's own is given."""
    offset: Annotated[int, Number("off")]
    length: Annotated[int, SINGLE]

    def run(self, context: Context) -> Sequence[Result]:
        """Read, compare, show."""
        if self.special:
            return self._run_own(context)
        if self.pattern is None and (self.pattern_start is not None or self.pattern_length is not None):
            raise Rejected(usage=True)
        if self.pattern is not None or self.verbose or self.vm_state:
            return self._run_special(context, context.image)
        started = context.clock()
        try:
            if self.length <= WINDOW:
                context.image.pread_into(self.offset, context.view[: self.length])
            else:
                with following(context, "read", self.length) as advance:
                    for part in context.image.stream(self.offset, self.length, context.view):
                        advance(len(part))
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            return [Failed(verb="read", error=error)]
        elapsed = context.clock() - started
        if self.quiet:
            return ()
        return [Transfer(verb="read", offset=self.offset, length=self.length, elapsed=elapsed, machine=self.machine)]

    def effect(self) -> Effect | None:
        """A read of the disk, unless it is of the machine's state, of a node or of metadata."""
        return None if self.vm_state or self.child or self.view else Effect("read", self.offset, self.length)

    def following(self) -> str | None:
        """The dump of the bytes after these."""
        if not self.verbose or not self.length or self.view is not None or self.output or self.raw:
            return None
        return self.replace(offset=self.offset + self.length).line()

    def _run_own(self, context: Context) -> Sequence[Result]:
        if self.view is not None:
            from pyqio.commands.typed import show

            return show(context, self.view, self.offset, self.length, child=self.child)
        from pyqio.commands.child import image_at

        image = image_at(context, self.child)
        if not self.output and not self.raw:
            return self._run_special(context, image)
        from pyqio.commands.output import hand_on, save

        return save(context, image, self, self.output) if self.output else hand_on(context, image, self)

    def _run_special(self, context: Context, image: Image) -> Sequence[Result]:
        start = self.pattern_start or 0
        length = max(self.length - start, 0) if self.pattern_length is None else self.pattern_length
        if self.pattern is not None and start + length > self.length:
            raise Rejected("pattern verification range exceeds end of read data")
        if self.vm_state:
            require_sectors(self)
            try:
                image = image.vm_state()
            except BlockError as error:
                return [Failed(verb="read", error=error)]
        expected = (
            None if self.pattern is None else Expected(pattern=self.pattern, offset=self.offset + start, length=length)
        )
        with following(context, "read", self.length) as advance:
            return fetch(
                image, self, context.clock, verb="read", expected=expected, window=context.window, advance=advance
            )


@command(
    "readv",
    synopsis="[-Cqv] [-P pattern] off len [len..]",
    summary="reads a number of bytes at a specified offset",
    about=_READV,
    arguments=(2, None),
    polls=QUICK,
)
class Readv(Command):
    """Read a range into several buffers; compare it with a pattern, or show it."""

    machine: Annotated[bool, Flag("C", "report statistics in a machine parsable format")] = False
    pattern: Annotated[int | None, Flag("P", "use a pattern to verify read data"), Byte()] = None
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
        """Read, compare, show."""
        expected = (
            None if self.pattern is None else Expected(pattern=self.pattern, offset=self.offset, length=self.length)
        )
        image, clock, window = context.image, context.clock, context.window
        with following(context, "readv", self.length) as advance:
            return fetch(image, self, clock, verb="readv", expected=expected, window=window, advance=advance)

    def effect(self) -> Effect:
        """A read."""
        return Effect("read", self.offset, self.length)

    def following(self) -> str | None:
        """The dump of the bytes after these."""
        return self.replace(offset=self.offset + self.length).line() if self.verbose and self.length else None
