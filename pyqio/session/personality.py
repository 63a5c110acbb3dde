"""What the program's name decides, and the statuses of the process."""

from __future__ import annotations

from typing import Final

from pyqio.base.record import Record

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
DIVERGED: Final = 3


class Personality(Record):
    """What the program's name decides.

    ``program``: the name in messages.  ``own``: pyqio's own commands, quoting, comments and explanations.
    ``diverged``: the status of a session in which a verified pair did not agree.
    """

    program: str
    own: bool
    diverged: int


PYQIO: Final = Personality(program="pyqio", own=True, diverged=DIVERGED)
QEMU_IO: Final = Personality(program="qemu-io", own=False, diverged=FAILED)
