"""How often each host cluster is referred to, as a check of the whole image finds it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_CHUNK_BITS: Final = 18
_CHUNK: Final = 1 << _CHUNK_BITS
_MOST_CHUNKS: Final = 2048
"""Chunks in memory at a time, half a GiB: clusters that are referred to make 32 TiB of 64 KiB each."""
MANY: Final = 255
"""A byte that stands for itself or for more; the excess is kept apart."""

_PLUS_ONE: Final = bytes([*range(1, MANY + 1), MANY])


class Tally:
    """A count for each host cluster, a byte each, in chunks that exist where something is counted.

    ``maximum``: the largest count that the image can hold.  ``overflow(cluster)`` is called for each reference
    beyond that, which is not counted.
    """

    def __init__(self, maximum: int, overflow: Callable[[int], None]) -> None:
        self.maximum = maximum
        self._byte_maximum = min(maximum, MANY)
        self._below = bytes(range(self._byte_maximum))
        self._overflow = overflow
        self._chunks: dict[int, bytearray] = {}
        self._excess: dict[int, int] = {}

    def get(self, cluster: int) -> int:
        """The count of one cluster."""
        chunk = self._chunks.get(cluster >> _CHUNK_BITS)
        if chunk is None:
            return 0
        count = chunk[cluster & _CHUNK - 1]
        return count + self._excess.get(cluster, 0) if count == MANY else count

    def put(self, cluster: int, count: int) -> None:
        """Set a count, whatever was counted before."""
        self._chunk(cluster >> _CHUNK_BITS)[cluster & _CHUNK - 1] = min(count, MANY)
        self._excess.pop(cluster, None)
        if count > MANY:
            self._excess[cluster] = count - MANY

    def add(self, first: int, number: int) -> None:
        """One more reference to each of ``number`` clusters in a row."""
        end = first + number
        while first < end:
            chunk = self._chunk(first >> _CHUNK_BITS)
            low = first & _CHUNK - 1
            high = min(low + end - first, _CHUNK)
            former = chunk[low:high]
            if former == bytes(high - low):
                chunk[low:high] = b"\1" * (high - low)
            elif not former.translate(None, self._below):
                chunk[low:high] = former.translate(_PLUS_ONE)
            else:
                self.add_each(range(first, first + high - low))
            first += high - low

    def add_each(self, clusters: Iterable[int]) -> None:
        """One more reference to each of these clusters."""
        held, chunk, maximum = -1, bytearray(), self._byte_maximum
        for cluster in clusters:
            if cluster >> _CHUNK_BITS != held:
                held = cluster >> _CHUNK_BITS
                chunk = self._chunk(held)
            count = chunk[cluster & _CHUNK - 1]
            if count < maximum:
                chunk[cluster & _CHUNK - 1] = count + 1
            elif self.get(cluster) < self.maximum:
                self._excess[cluster] = self._excess.get(cluster, 0) + 1
            else:
                self._overflow(cluster)

    def add_counted(self, references: Mapping[int, int]) -> None:
        """So many more references to each of these clusters."""
        for cluster, number in references.items():
            chunk = self._chunk(cluster >> _CHUNK_BITS)
            count = chunk[cluster & _CHUNK - 1] + number
            if count <= self._byte_maximum:
                chunk[cluster & _CHUNK - 1] = count
            else:
                self.add_each([cluster] * number)

    def bytes(self, first: int, number: int) -> bytes:
        """The counts of ``number`` clusters in a row, each at most MANY."""
        parts = []
        end = first + number
        while first < end:
            chunk = self._chunks.get(first >> _CHUNK_BITS)
            low = first & _CHUNK - 1
            high = min(low + end - first, _CHUNK)
            part = b"" if chunk is None else bytes(chunk[low:high])
            parts.append(part.ljust(high - low, b"\0"))
            first += high - low
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def wide(self, first: int, number: int) -> dict[int, int]:
        """The counts above MANY of ``number`` clusters in a row, by distance from the first."""
        clusters = range(first, first + number)
        return {cluster - first: MANY + excess for cluster, excess in self._excess.items() if cluster in clusters}

    @property
    def single(self) -> bool:
        """Whether no cluster is referred to twice."""
        return not any(chunk.translate(None, b"\0\1") for chunk in self._chunks.values())

    def ranges(self) -> Iterator[range]:
        """Ranges of clusters, ascending, outside of which nothing is counted."""
        for index in sorted(self._chunks):
            chunk = self._chunks[index]
            first = len(chunk) - len(chunk.lstrip(b"\0"))
            last = len(chunk.rstrip(b"\0"))
            yield range((index << _CHUNK_BITS) + first, (index << _CHUNK_BITS) + max(first, last))

    def find_free(self, start: int, number: int, *, shunned: set[int]) -> int:
        """The first cluster from ``start`` on that begins ``number`` ones without a reference, none of them shunned."""
        while True:
            start = self._next_free(start)
            counts = self.bytes(start, number)
            taken = [i for i in range(number) if counts[i] or start + i in shunned]
            if not taken:
                return start
            start += taken[-1] + 1

    def _next_free(self, start: int) -> int:
        while (chunk := self._chunks.get(start >> _CHUNK_BITS)) is not None:
            found = chunk.find(0, start & _CHUNK - 1)
            if found >= 0:
                return (start & -_CHUNK) + found
            start = (start & -_CHUNK) + _CHUNK
        return start

    def _chunk(self, index: int) -> bytearray:
        chunk = self._chunks.get(index)
        if chunk is None:
            if len(self._chunks) >= _MOST_CHUNKS:
                raise BlockError("The image is too large to be checked", errno=errno.EFBIG)
            chunk = self._chunks[index] = bytearray(_CHUNK)
        return chunk
