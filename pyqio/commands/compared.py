"""What commands on verified pairs return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyqio.base.errors import MismatchError, VerifyError
    from pyqio.base.types import Run
    from pyqio.block.node import Node
    from pyqio.verify.diagnosis import Diagnosis
    from pyqio.verify.difference import Part
    from pyqio.verify.whole import Unreadable


class Diverged(Record):
    """The two sides of a verified pair do not agree.

    ``alignment``: of requests to the image, in bytes.  ``nodes``: the open nodes, by name.  ``staged``: a
    demonstration brought it about, so it counts for nothing.  ``diagnosis``: what the session has found out about it,
    None where nobody asked it to.
    """

    error: VerifyError
    alignment: int
    nodes: Mapping[str, Node]
    staged: bool = False
    diagnosis: Diagnosis | None = None


class Diagnosed(Record):
    """A disagreement of a former run."""

    diagnosis: Diagnosis


class Verified(Record):
    """Both sides of the pair ``pair`` (a node's name) were compared, ``length`` bytes from ``offset``.

    ``raw`` and ``test`` name the sides, which are ``raw_length`` and ``test_length`` bytes long; ``strict``: those
    must be equal too.  ``read``: bytes that had to be read, the others both sides know to be zero; ``elapsed``:
    seconds.  ``error``: all that differs, None where nothing does.  ``unreadable`` are the first of
    ``unreadable_count`` runs that a side could not be asked for.  ``shown``: differing runs to be listed.
    ``until``: where the comparison was to end, further on where it was stopped.  ``repairing``: a repair follows, so
    that what differs does not count yet.  ``diagnosis``: as in Diverged.
    """

    pair: str
    raw: str
    test: str
    raw_length: int
    test_length: int
    offset: int
    length: int
    read: int
    elapsed: float
    until: int
    shown: int
    error: MismatchError | None = None
    unreadable: Sequence[Unreadable] = ()
    unreadable_count: int = 0
    strict: bool = False
    repairing: bool = False
    diagnosis: Diagnosis | None = None

    @property
    def end(self) -> int:
        """Where the comparison ended, or was stopped."""
        return self.offset + self.length

    @property
    def lengths_differ(self) -> bool:
        """Whether the sides are not equally long, in whole sectors."""
        return -(-self.raw_length // SECTOR_SIZE) != -(-self.test_length // SECTOR_SIZE)

    @property
    def diverges(self) -> bool:
        """Whether the sides do not agree: in bytes, in length where that counts, in what they can be asked for."""
        raw, test = ([at.run for at in self.unreadable if at.side == side] for side in ("raw", "test"))
        return self.error is not None or (self.strict and self.lengths_differ) or raw != test

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong with what was compared."""
        return not self.diverges and not self.unreadable_count


class Copied(Record):
    """What differed was copied: ``length`` bytes in ``runs`` runs, from ``source`` to ``target`` (raw or test)."""

    source: str
    target: str
    runs: int
    length: int


class Diff(Record):
    """Both sides of a pair to be shown, ``length`` bytes from ``offset``.

    ``raw`` and ``test`` name the sides.  ``parts`` may be read once.  ``run``: the known difference that this shows
    (or the start of it), number ``number`` of ``count``.  ``side``: side by side.  ``squeeze``: count rows that tell
    nothing new.
    """

    raw: str
    test: str
    offset: int
    length: int
    parts: Iterable[Part]
    run: Run | None = None
    number: int = 0
    count: int = 0
    side: bool = False
    squeeze: bool = True

    @property
    def end(self) -> int:
        """Offset of the byte after the last one that is shown."""
        return self.offset + self.length
