"""report: what the session has found, as a page of HTML."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import FileName
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Facts, Said

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 saves what the session has found as one page of HTML

 Example:
 'report found.html' - after 'verify', the page to attach to a bug report

 The page has the open nodes, a map of the disk, each mismatch with the bytes
 around it, the runs that differ, the operations, and the settings. It refers to
 nothing outside itself. With - it goes to standard output. A script that is to
 come so far needs 'set on-mismatch continue' first.
{flags}
"""


@command(
    "report",
    synopsis="[--force] file",
    summary="saves what was found as a page of HTML",
    about=_ABOUT,
    arguments=(1, None),
    needs_image=False,
    own=True,
)
class Report(Command):
    """Write the page."""

    force: Annotated[bool, Flag("", "replace the file where it is there already", long="force")] = False
    filename: Annotated[str, FileName("file")]

    def run(self, context: Context) -> Sequence[Result]:
        """All of the file, or none."""
        context.drain()
        if self.filename == "-":
            return [Said(text="".join(context.page()).rstrip("\n"))]
        try:
            size = _write(self.filename, context.page(), force=self.force)
        except FileExistsError:
            raise Rejected(
                f"'{self.filename}' is there already; --force replaces it", prefixed=True, text=self.filename
            ) from None
        except OSError as error:
            message = f"'{self.filename}' cannot be written: {error.strerror}"
            raise Rejected(message, prefixed=True, text=self.filename) from error
        return [Facts(name="report", values={"file": self.filename, "size": size})]


def _write(filename: str, pieces: Iterable[str], *, force: bool) -> int:
    """Write a file that others see whole or not at all; returns its size.  Raises OSError, FileExistsError."""
    if not force or not os.path.isfile(filename):
        os.close(os.open(filename, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        claimed = True
    else:
        claimed = False
    fresh = f"{filename}.{os.getpid()}"
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
            size = file.tell()
        os.replace(fresh, filename)
    except BaseException:
        with suppress(OSError):
            os.unlink(fresh)
        if claimed:
            with suppress(OSError):
                os.unlink(filename)
        raise
    return size
