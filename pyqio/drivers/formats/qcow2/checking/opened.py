"""A qcow2 image that is open to be checked: nothing of it is cached, and nothing that it names is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2.checking.check import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.base.types import CheckResult
    from pyqio.block.node import Node


class Qcow2Checking(Qcow2):
    """An image whose guest bytes nobody reads."""

    def __init__(self, file: Node) -> None:
        self._file = file
        self._header = headers.parse_file(file, writable=False, lenient=True)

    def length(self) -> int:
        """The guest size."""
        return self._header.fields.size

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Not served."""
        raise BlockError("the image is open to be checked, and for nothing else")

    def check(self, fix: str, report: Callable[[str], None], advance: Callable[[int], None]) -> CheckResult:
        """Look at the file as it is now."""
        header = headers.parse_file(self._file, writable=False, lenient=True)
        return check(self._file, header, fix=fix, report=report, advance=advance)

    def close(self) -> None:
        """Nothing is held."""
