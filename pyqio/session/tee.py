"""A second place for all that a session prints: a file, which gets no escape sequences."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import reason
from pyqio.commands.rejected import Rejected
from pyqio.render.names import visible

if TYPE_CHECKING:
    from pyqio.session.environment import Environment

_ESCAPE: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\].*?(?:\x07|\x1b\\)|[@-Z\\^_])", re.DOTALL)


class Tee:
    """The file ``name``; what is there already stays with ``append``.  Raises Rejected."""

    def __init__(self, environment: Environment, name: str, *, append: bool) -> None:
        self.name = name
        self._environment = environment
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if append else os.O_TRUNC)
        try:
            self._fd = os.open(os.path.expanduser(name), flags, 0o666)
        except (OSError, ValueError) as error:
            raise Rejected(f"{visible(name)}: {reason(error)}", prefixed=True) from None

    def write(self, data: bytes | memoryview) -> None:
        """Add what was printed; where the file takes no more, that is told once."""
        rest = memoryview(_ESCAPE.sub(b"", data))
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self.close()
            self._environment.err(f"pyqio: {visible(self.name)}: {error.strerror}: nothing more goes there\n")

    def close(self) -> None:
        """Let the file be."""
        self._environment.copy = None
        os.close(self._fd)
