"""Which host clusters hold metadata, so that a damaged table cannot make a write destroy another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAIN_HEADER: Final = 1
ACTIVE_L1: Final = 2
ACTIVE_L2: Final = 4
REFCOUNT_TABLE: Final = 8
REFCOUNT_BLOCK: Final = 16
SNAPSHOT_TABLE: Final = 32
INACTIVE_L1: Final = 64
INACTIVE_L2: Final = 128
BITMAP_DIRECTORY: Final = 256

SECTIONS: Final = {
    "main-header": MAIN_HEADER,
    "active-l1": ACTIVE_L1,
    "active-l2": ACTIVE_L2,
    "refcount-table": REFCOUNT_TABLE,
    "refcount-block": REFCOUNT_BLOCK,
    "snapshot-table": SNAPSHOT_TABLE,
    "inactive-l1": INACTIVE_L1,
    "inactive-l2": INACTIVE_L2,
    "bitmap-directory": BITMAP_DIRECTORY,
}
"""The options overlap-check.NAME; a message names the first section that is hit, in this order."""

_CONSTANT: Final = MAIN_HEADER | REFCOUNT_TABLE | SNAPSHOT_TABLE
_CACHED: Final = _CONSTANT | ACTIVE_L1 | ACTIVE_L2 | REFCOUNT_BLOCK | INACTIVE_L1
TEMPLATES: Final = {
    "none": 0,
    "constant": _CONSTANT | BITMAP_DIRECTORY,
    "cached": _CACHED | BITMAP_DIRECTORY,
    "all": _CACHED | INACTIVE_L2 | BITMAP_DIRECTORY,
}
"""The values of overlap-check: what is checked."""

_WORDS: Final = {
    MAIN_HEADER: "qcow2_header",
    ACTIVE_L1: "active L1 table",
    ACTIVE_L2: "active L2 table",
    REFCOUNT_TABLE: "refcount table",
    REFCOUNT_BLOCK: "refcount block",
    SNAPSHOT_TABLE: "snapshot table",
    INACTIVE_L1: "inactive L1 table",
    INACTIVE_L2: "inactive L2 table",
    BITMAP_DIRECTORY: "bitmap directory",
}


class Overlap:
    """The owners of all metadata clusters.

    ``sections`` is the sum of those that count.  ``fail(message)`` marks the image as corrupt and raises.
    """

    def __init__(self, cluster_bits: int, sections: int, fail: Callable[[str], None]) -> None:
        self._bits = cluster_bits
        self._sections = sections
        self._fail = fail
        self._owners: dict[int, int] = {}
        self._unknown = 0

    def refuse(self, number: int) -> None:
        """Let every check fail with errno ``number``: a part of the metadata is not to be found."""
        self._unknown = number

    def claim(self, offset: int, length: int, section: int) -> None:
        """The host range belongs to ``section`` from now on."""
        if self._sections & section:
            for cluster in self._clusters(offset, length):
                self._owners[cluster] = self._owners.get(cluster, 0) | section

    def claim_clusters(self, offsets: Iterable[int], section: int) -> None:
        """The clusters at these host offsets belong to ``section`` from now on."""
        if self._sections & section:
            for offset in offsets:
                cluster = offset >> self._bits
                self._owners[cluster] = self._owners.get(cluster, 0) | section

    def release(self, offset: int, length: int, section: int) -> None:
        """The host range does not belong to ``section`` any more."""
        for cluster in self._clusters(offset, length):
            left = self._owners.get(cluster, 0) & ~section
            if left:
                self._owners[cluster] = left
            else:
                self._owners.pop(cluster, None)

    def holds(self, offset: int, length: int) -> bool:
        """Whether there is metadata in the host range."""
        return not self._owners.keys().isdisjoint(self._clusters(offset, length))

    def check(self, offset: int, length: int, section: int = 0) -> None:
        """Refuse a write to the host range if it holds metadata other than ``section``."""
        if self._unknown:
            raise BlockError(errno=self._unknown)
        clusters = self._clusters(offset, length)
        if self._owners.keys().isdisjoint(clusters):
            return
        hit = 0
        for cluster in clusters:
            hit |= self._owners.get(cluster, 0) & ~section
        if hit:
            self._fail(f"Preventing invalid write on metadata (overlaps with {_WORDS[hit & -hit]})")

    def _clusters(self, offset: int, length: int) -> range:
        return range(offset >> self._bits, (offset + length - 1 >> self._bits) + 1)
