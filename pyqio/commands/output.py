"""read -o and read --raw: the bytes themselves, to a file or to standard output."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, VerifyError, reason
from pyqio.block import paths
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged, past_end
from pyqio.commands.results import Content, Failed, Transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.request import Reporting
    from pyqio.commands.results import Result


def hand_on(context: Context, image: Image, request: Reporting) -> Sequence[Result]:
    """The bytes on standard output, and nothing else.  Raises Rejected."""
    if refusal := past_end(image, request):
        return [Failed(verb="read", error=refusal)]
    if context.terminal.interactive:
        raise Rejected("the bytes would garble the terminal: use '| COMMAND', '> FILE' or -o FILE", prefixed=True)
    return [Content(offset=request.offset, windows=image.stream(request.offset, request.length, context.view))]


def save(context: Context, image: Image, request: Reporting, path: str) -> Sequence[Result]:
    """The bytes in a file, whose former contents are gone; what is zero becomes a hole.  Raises Rejected."""
    if refusal := past_end(image, request):
        return [Failed(verb="read", error=refusal)]
    started = context.clock()
    try:
        fd = _open(context, path)
    except (OSError, ValueError) as error:
        raise Rejected(f"could not open '{path}': {reason(error)}", prefixed=True, text=path) from error
    try:
        sparse = stat.S_ISREG(os.fstat(fd).st_mode)
        if sparse:
            os.ftruncate(fd, 0)
            os.ftruncate(fd, request.length)
        with context.progress("read", request.length) as advance:
            for part in image.stream(request.offset, request.length, context.view):
                _store(fd, part, sparse=sparse)
                advance(len(part))
    except VerifyError as error:
        return [diverged(context.image, error)]
    except BlockError as error:
        return [Failed(verb="read", error=error)]
    except OSError as error:
        raise Rejected(f"could not write '{path}': {error.strerror}", prefixed=True, text=path) from error
    finally:
        os.close(fd)
    if request.quiet:
        return ()
    elapsed = context.clock() - started
    return [
        Transfer(verb="read", offset=request.offset, length=request.length, elapsed=elapsed, machine=request.machine)
    ]


def _open(context: Context, path: str) -> int:
    """A descriptor to write to, which leads to no file of the open image.  Raises OSError, Rejected."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY, 0o666)
    try:
        ours = os.fstat(fd)
        for place in paths.places(context.image.node):
            if place.node.filename and _is(place.node.filename, ours):
                raise Rejected(f"'{path}' belongs to the open image", prefixed=True, text=path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _is(filename: str, ours: os.stat_result) -> bool:
    """Whether a node's file is the one that was opened; names that are no host file's are not."""
    try:
        return os.path.samestat(os.stat(filename.removeprefix("file:")), ours)
    except (OSError, ValueError):
        return False


def _store(fd: int, part: memoryview, *, sparse: bool) -> None:
    if sparse and part.tobytes().count(0) == len(part):
        os.lseek(fd, len(part), os.SEEK_CUR)
        return
    while part:
        part = part[os.write(fd, part) :]
