"""Many L2 entries at once: 64-bit words side by side in one large integer.

Word 0 is the most significant lane.  Every operation is a handful of additions, shifts and masks of the whole
integer, which cost a few nanoseconds an entry where a loop costs a hundred.  A lane never carries into the next one:
what is added is below 2^63, and so is what it is added to.
"""

from __future__ import annotations

import sys
from array import array
from functools import cache
from itertools import compress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SWAP: Final = sys.byteorder == "little"
TOP: Final = 1 << 63


class Lanes:
    """Operations on ``count`` words."""

    __slots__ = ("_below_top", "_ones", "_spread", "_top", "count")

    def __init__(self, count: int) -> None:
        self.count = count
        self._spread: dict[int, int] = {}
        self._ones = int.from_bytes(b"\0\0\0\0\0\0\0\1" * count, "big")
        self._top = self._ones * TOP
        self._below_top = self._ones * (TOP - 1)

    def load(self, words: bytes | bytearray) -> int:
        """The lanes of big-endian words."""
        return int.from_bytes(words, "big")

    def spread(self, word: int) -> int:
        """``word`` in every lane."""
        lanes = self._spread.get(word)
        if lanes is None:
            lanes = self._spread[word] = self._ones * word
        return lanes

    def nonzero(self, lanes: int) -> int:
        """Bit 63 of each lane that is not zero; all lanes are at most 2^63."""
        return (lanes + self._below_top) & self._top

    def tops(self, lanes: int) -> int:
        """Bit 63 of each lane."""
        return lanes & self._top

    def full(self, bits: int, position: int) -> int:
        """All bits of each lane whose bit ``position`` is the only one set; the other lanes are zero."""
        bits >>= position
        return (bits << 64) - bits

    def starts(self, lanes: int, used: int, step: int) -> int:
        """Bit 63 of each used lane that does not continue a used lane before it, being that one plus ``step``."""
        broken = self.nonzero(lanes ^ ((lanes >> 64) + self.spread(step)))
        return used & (broken | ~(used >> 64))

    def ends(self, starts: int, used: int) -> int:
        """Bit 63 of each used lane whose successor starts a run, or is not used."""
        return used & ~((used & ~starts) << 64)

    def is_run(self, words: bytes | bytearray, step: int) -> bool:
        """Whether each of these words, one at least and at most ``count``, is the one before it plus ``step``."""
        lanes, number = self.load(words), len(words) // 8
        first = int.from_bytes(words[:8], "big")
        return (
            lanes - (lanes >> 64)
            == (first << 64 * (number - 1)) + (self._ones >> 64 * (self.count - number + 1)) * step
        )

    def number(self, bits: int) -> int:
        """How many lanes have bit 63 set, where no other bits are."""
        return self.flags(bits).count(TOP >> 56)

    def positions(self, bits: int) -> Iterable[int]:
        """Numbers of the lanes whose bit 63 is set, ascending."""
        return compress(range(self.count), self.flags(bits))

    def flags(self, bits: int) -> bytes:
        """A byte for each lane, which is not zero where bit 63 is set, and no other bits are."""
        return bits.to_bytes(self.count * 8, "big")[::8]

    def words(self, lanes: int) -> array[int]:
        """Every lane as a number."""
        found = array("Q", lanes.to_bytes(self.count * 8, "big"))
        if _SWAP:
            found.byteswap()
        return found


@cache
def lanes_of(count: int) -> Lanes:
    """The lanes for pieces of ``count`` words; a check meets one or two sizes."""
    return Lanes(count)
