"""Commands from a file."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import reason
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Refused
from pyqio.render.names import visible
from pyqio.session.batch import LONGEST, lines

if TYPE_CHECKING:
    from pyqio.session.state import Session

_READ: Final = 1 << 16
_LONGEST: Final = LONGEST // 4
"""Characters of the longest line: in bytes that is less than what ``lines`` would cut."""


def run_file(session: Session, name: str, *, stop: bool) -> None:
    """Run the commands of a file as a script's.  ``stop``: none after a line that failed.

    Raises Rejected where there is nothing that can be run; what fails later is shown, with its place.
    """
    try:
        fd = os.open(os.path.expanduser(name), os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise Rejected(f"{visible(name)}: {reason(error)}", prefixed=True) from None
    try:
        with session.scripts.nested():
            _run(session, _File(fd, name), visible(name), stop=stop)
    except OSError as error:
        raise Rejected(f"{visible(name)}: {error.strerror}", prefixed=True) from None
    finally:
        os.close(fd)


class _File:
    """An open file, whose first bytes show that it may be a script.  Raises Rejected, OSError.

    A regular file ends where it ends now: what is printed while it runs may be added to it.
    """

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        status = os.fstat(fd)
        self._left = status.st_size if stat.S_ISREG(status.st_mode) else None
        self._first = self._read(_READ)
        if b"\0" in self._first:
            raise Rejected(f"{visible(name)}: not a script: it has NUL bytes", prefixed=True)

    def read(self, size: int) -> bytes:
        """The next bytes, b"" at the end."""
        first, self._first = self._first, b""
        return first or self._read(size)

    def _read(self, size: int) -> bytes:
        data = os.read(self._fd, size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(data)
        return data


def _run(session: Session, file: _File, name: str, *, stop: bool) -> None:
    environment = session.environment
    former = environment.script, environment.line
    try:
        for number, line in enumerate(lines(file.read, LONGEST), 1):
            environment.script, environment.line = name, number
            if number == 1:
                line = line.removeprefix("\ufeff")
            if "\0" in line or len(line) > _LONGEST:
                what = "a NUL byte" if "\0" in line else f"a line of more than {_LONGEST} characters"
                session.show((Refused(reason=Rejected(f"{what}: the rest is left out", prefixed=True)),))
                return
            if (not session.run_line(line) and stop) or session.stopping:
                return
    finally:
        environment.script, environment.line = former
