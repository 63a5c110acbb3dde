"""open, close and reopen."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - fields are annotated with it
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from pyqio.base.errors import BlockError, OpenError, UsageError, VerifyError
from pyqio.base.options import nest
from pyqio.base.types import CACHE_MODES, Cache, OpenFlags
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.image_options import ImageName, ImageOptions, ReopenOptions
from pyqio.commands.kinds import AioMode, CacheMode, DiscardMode, Pairs
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Diverged, OpenFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_OPEN = """
 opens a new file in the requested mode

 Example:
 'open -n -o driver=raw /tmp/data' - opens raw data file read-write, uncached

 Opens a file for subsequent use by all of the other qemu-io commands.
{flags}"""

_REOPEN = """
 Changes the open options of an already opened image

 Example:
 'reopen -o lazy-refcounts=on' - activates lazy refcount writeback on a qcow2 image

{flags}
"""


@command(
    "open",
    "o",
    synopsis="[-rsCnkU] [-t cache] [-d discard] [-o options] [path]",
    summary="open the file specified by path",
    about=_OPEN,
    arguments=(1, None),
    needs_image=False,
)
class Open(Command):
    """Open an image; there may be one at a time."""

    read_only: Annotated[bool, Flag("r", "open file read-only")] = False
    snapshot: Annotated[bool, Flag("s", "use snapshot file")] = False
    copy_on_read: Annotated[bool, Flag("C", "use copy-on-read")] = False
    no_cache: Annotated[
        bool, Flag("n", "disable host cache, short for -t none", also=("cache", CACHE_MODES["none"]))
    ] = False
    force_share: Annotated[bool, Flag("U", "force shared permissions")] = False
    native_aio: Annotated[
        bool,
        Flag("k", "use kernel AIO implementation (Linux only, prefer use of -i)"),
    ] = False
    aio: Annotated[str, Flag("i", "use AIO mode (threads, native or io_uring)"), AioMode()] = "threads"
    cache: Annotated[Cache, Flag("t", "use the given cache mode for the image"), CacheMode()] = Cache()
    discard: Annotated[str, Flag("d", "use the given discard mode for the image"), DiscardMode()] = "unmap"
    options: Annotated[Mapping[str, str], Flag("o", "options to be given to the block driver"), ImageOptions()] = (
        MappingProxyType({})
    )
    path: Annotated[str | None, ImageName()] = None

    @property
    def flags(self) -> OpenFlags:
        """How the image is opened."""
        return OpenFlags(
            read_only=self.read_only,
            cache=self.cache,
            force_share=self.force_share,
            discard=self.discard,
            aio="native" if self.native_aio else self.aio,
        )

    def run(self, context: Context) -> Sequence[Result]:
        """Open; says nothing."""
        if context.image_opts and self.options:
            raise Rejected("--image-opts and 'open -o' are mutually exclusive")
        return open_image(
            context, self.path, self.options, self.flags, snapshot=self.snapshot, copy_on_read=self.copy_on_read
        )


def open_image(
    context: Context,
    path: str | None,
    options: Mapping[str, str],
    flags: OpenFlags,
    *,
    snapshot: bool,
    copy_on_read: bool,
) -> Sequence[Result]:
    """Open an image for the session; returns what went wrong, if anything.  Raises Rejected."""
    if context.image_opts and path is not None:
        kind = Pairs()
        for warning in kind.warnings(path):
            context.warn(warning)
        path, options = None, kind.parse(path)
    if context.has_image:
        raise Rejected("file open already, try 'help close'", prefixed=True)
    if flags.force_share and options.get("force-share", "on") != "on":
        raise Rejected("-U conflicts with image options", prefixed=True)
    for name, value in options.items():
        if name.rpartition(".")[2] == "backing" and value == "" and not context.own_commands:
            context.warn('Use of "backing": "" is deprecated; use "backing": null instead')
    try:
        context.open(path, nest(options), flags, snapshot=snapshot, copy_on_read=copy_on_read)
    except VerifyError as error:
        # A pair may differ in the very bytes that tell its format; it is not open then.
        return [Diverged(error=error, alignment=1, nodes={})]
    except OpenError as error:
        return [OpenFailed(filename=path, error=error)]
    except (UsageError, BlockError) as error:
        return [OpenFailed(filename=path, error=OpenError(str(error)))]
    return ()


@command("close", "c", summary="close the current open file")
class Close(Command):
    """Close the image."""

    def run(self, context: Context) -> Sequence[Result]:
        """Close, after all asynchronous requests; says nothing."""
        try:
            context.close()
        except BlockError as error:
            raise Rejected(error.message, prefixed=True) from error
        return ()


@command(
    "reopen",
    synopsis="[(-r|-w)] [-c cache] [-o options]",
    summary="reopens an image with new options",
    about=_REOPEN,
    arguments=(0, None),
)
class Reopen(Command):
    """Change how the image is open."""

    read_only: Annotated[bool, Flag("r", "Reopen the image read-only", group="-r/-w")] = False
    writable: Annotated[bool, Flag("w", "Reopen the image read-write", group="-r/-w")] = False
    cache: Annotated[Cache | None, Flag("c", "Change the cache mode to the given value"), CacheMode()] = None
    options: Annotated[
        Mapping[str, Any], Flag("o", "Changes block driver options (cf. 'open' command)"), ReopenOptions()
    ] = MappingProxyType({})

    def run(self, context: Context) -> Sequence[Result]:
        """Reopen; says nothing."""
        if self.cache is not None and {"cache.direct", "cache.no-flush"} & self.options.keys():
            raise Rejected("Cannot set both -c and the cache options", prefixed=True)
        read_only = self.read_only if self.read_only or self.writable else None
        if read_only is not None and "read-only" in self.options:
            raise Rejected("Cannot set both -r/-w and 'read-only'", prefixed=True)
        context.drain()
        try:
            context.image.reopen(read_only=read_only, cache=self.cache, options=nest(self.options))
        except UsageError as error:
            raise Rejected(str(error), prefixed=True) from error
        except BlockError as error:
            raise Rejected(error.message, prefixed=True) from error
        return ()
