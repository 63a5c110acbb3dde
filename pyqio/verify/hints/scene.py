"""What a hint may look at: the first run of bytes that differ, on both sides, and what surrounds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence  # noqa: TC003 - fields are annotated with them
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.record import Record

if TYPE_CHECKING:
    from pyqio.base.types import Extent, Run
    from pyqio.verify.journal import Operation

AREA: Final = 64 << 10
"""Bytes of the longest piece that is looked at."""


class Enough(Exception):
    """So much has been read, or so long, that a hint is not worth more of it."""


class Hint(NamedTuple):
    """What may have happened: ``kind`` in a word or two, for programs, and ``text``, which says the evidence."""

    kind: str
    text: str


class Ground(Record):
    """How the test side stores the first byte that differs.

    ``kind``: as in Location.  ``host_offset``: of that byte in ``host_name``, None where it is not stored as it is.
    ``base``: host offset of the cluster that the entry names, whatever its bits say of it, None where unknown.
    ``cluster`` and ``subcluster`` are bytes, 0 where the format has none.  ``backing_name``: "" where there is none.
    ``extents``: the whole mapping; raises Enough where it is too long.
    """

    kind: str = "data"
    host_offset: int | None = None
    base: int | None = None
    cluster: int = 0
    subcluster: int = 0
    host_name: str = ""
    backing_name: str = ""
    extents: Callable[[], Sequence[Extent]] = tuple


class Scene(Record):
    """The first run of bytes that differ, ``run``, within whole sectors, ``area``, of at most AREA bytes.

    ``raw`` and ``test`` are what the sides hold in ``area``; ``length`` is the pair's size.  ``byte_count``: differing
    bytes altogether.  ``operations``: those that touched the run, oldest first.  ``changed``: what is known of a change
    to the test side's file by somebody else, or "".
    ``read(where, offset, length)``: bytes of "raw", "test", the "host" file below the test side, or its "backing"
    file; fewer where there are no more, b"" where they cannot be had.  Raises Enough.
    """

    run: Run
    area: Run
    raw: bytes
    test: bytes
    byte_count: int
    length: int
    read: Callable[[str, int, int], bytes]
    operations: Sequence[Operation] = ()
    ground: Ground = Ground()
    changed: str = ""

    def cut(self, data: bytes) -> bytes:
        """The part of ``data``, which stands at the start of ``area``, that the run covers."""
        return data[self.run.start - self.area.start : self.run.end - self.area.start]


def uniform(data: bytes) -> int | None:
    """The byte that all of ``data`` is, None where it is not one byte."""
    return data[0] if data and data.count(data[:1]) == len(data) else None


def span(start: int, end: int) -> str:
    """A range as a person reads it."""
    return f"[{start:#x}, {end:#x})"
