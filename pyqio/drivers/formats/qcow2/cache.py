"""Cached pieces of tables, written back in bulk."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.block.node import Node

_SWAP: Final = sys.byteorder == "little"
_UNIT: Final = 4096
"""Bytes of a table that are written at least; a page costs no more than a sector."""
MIN_TABLES: Final = 16
"""However small a cache is asked for, one request may hold this many tables."""


class Codec:
    """How a table's bytes become an array with one item for each entry, and back.

    ``per_byte``: entries in a byte, for refcounts narrower than that; ``typecode`` is array's.
    """

    __slots__ = ("_expand", "_width", "bits", "typecode")

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.typecode = {16: "H", 32: "I", 64: "Q"}.get(bits, "B")
        self._width = 8 // bits if bits < 8 else 1
        self._expand: list[bytes] = []

    def decode(self, data: bytes | bytearray) -> array[int]:
        """The entries in ``data``."""
        if self._width > 1:
            data = b"".join(map(self._expansion().__getitem__, data))
        entries = array(self.typecode, bytes(data))
        if _SWAP and self.bits > 8:
            entries.byteswap()
        return entries

    def encode(self, entries: array[int]) -> bytes:
        """The bytes of ``entries``, whose number fills whole bytes."""
        if self._width > 1:
            return bytes(
                sum(entries[at + i] << i * self.bits for i in range(self._width))
                for at in range(0, len(entries), self._width)
            )
        if _SWAP and self.bits > 8:
            entries = entries[:]
            entries.byteswap()
        return entries.tobytes()

    def _expansion(self) -> list[bytes]:
        # The lowest bits of a byte hold the entry with the lowest number (qcow2 specification, "Host cluster
        # management").
        if not self._expand:
            mask = (1 << self.bits) - 1
            self._expand = [bytes(byte >> i * self.bits & mask for i in range(self._width)) for byte in range(256)]
        return self._expand


class Table:
    """Consecutive entries of a table at host ``offset``; those from ``low`` to ``high`` are not written yet.

    ``bitmaps``: the second words of extended L2 entries, empty where entries have one word.
    """

    __slots__ = ("bitmaps", "entries", "high", "low", "offset")

    def __init__(self, offset: int, entries: array[int], bitmaps: array[int]) -> None:
        self.offset = offset
        self.entries = entries
        self.bitmaps = bitmaps
        self.low = len(entries)
        self.high = 0


class TableCache:
    """Tables of ``size`` bytes, at most about ``capacity`` of them; ``extended``: of entries of two words.

    ``check(offset, length)`` is called before a table is written.  ``make_clean()`` is called where a table has to
    go that is not written: it must write back everything, in the order that keeps the image sound.
    """

    def __init__(
        self,
        file: Node,
        codec: Codec,
        *,
        size: int,
        capacity: int,
        check: Callable[[int, int], None],
        make_clean: Callable[[], None],
        extended: bool = False,
    ) -> None:
        self._file = file
        self._codec = codec
        self._size = size
        self._extended = extended
        self._entry_bits = codec.bits * 2 if extended else codec.bits
        self._entries = size * 8 // self._entry_bits
        self._check = check
        self._make_clean = make_clean
        self.capacity = max(capacity, MIN_TABLES)
        self._tables: dict[int, Table] = {}
        self._dirty: dict[int, Table] = {}

    @property
    def dirty(self) -> bool:
        """Whether a table is not written yet."""
        return bool(self._dirty)

    def get(self, offset: int) -> Table:
        """The table at host ``offset``."""
        table = self._tables.pop(offset, None)
        if table is None:
            data = bytearray(self._size)
            self._file.pread(offset, memoryview(data))
            self._make_room()
            words = self._codec.decode(data)
            table = Table(offset, words[::2], words[1::2]) if self._extended else Table(offset, words, words[:0])
        self._tables[offset] = table
        return table

    def loaded(self, offset: int) -> Table | None:
        """The table at host ``offset`` if it is in memory; it grows no younger by being looked at."""
        return self._tables.get(offset)

    def new(self, offset: int) -> Table:
        """A table of zeroes for host ``offset``, whose old bytes count for nothing."""
        self._make_room()
        zeroes = array(self._codec.typecode, bytes(self._item() * self._entries))
        table = self._tables[offset] = Table(offset, zeroes, zeroes[:] if self._extended else zeroes[:0])
        self.touch(table, 0, self._entries)
        return table

    def touch(self, table: Table, low: int, high: int) -> None:
        """Entries ``low`` to ``high`` of ``table`` have been changed."""
        if low < table.low:
            table.low = low
        if high > table.high:
            table.high = high
        self._tables[table.offset] = self._dirty[table.offset] = table

    def forget(self, offset: int, length: int) -> None:
        """Drop the tables in a range that is free now."""
        for at in range(offset, offset + length, self._size):
            self._tables.pop(at, None)
            self._dirty.pop(at, None)

    def write_back(self) -> None:
        """Hand what is not written to the file; what fails stays for another time."""
        for offset in sorted(self._dirty):
            table = self._dirty[offset]
            self._write(table)
            table.low, table.high = self._entries, 0
            del self._dirty[offset]

    def clear(self) -> None:
        """Forget everything, written or not."""
        self._tables.clear()
        self._dirty.clear()

    def _write(self, table: Table) -> None:
        unit = min(_UNIT, self._size)
        bits = self._entry_bits
        start = table.low * bits // 8 // unit * unit
        end = -(-table.high * bits // 8 // unit) * unit
        self._check(table.offset + start, end - start)
        low, high = start * 8 // bits, end * 8 // bits
        piece = table.entries[low:high]
        if self._extended:
            words = piece + piece
            words[::2], words[1::2] = piece, table.bitmaps[low:high]
            piece = words
        self._file.pwrite(table.offset + start, memoryview(self._codec.encode(piece)))

    def _make_room(self) -> None:
        while len(self._tables) >= self.capacity:
            oldest = next(iter(self._tables))
            if oldest in self._dirty:
                self._make_clean()
            if self._dirty.get(oldest) is None:
                del self._tables[oldest]

    def _item(self) -> int:
        return array(self._codec.typecode).itemsize
