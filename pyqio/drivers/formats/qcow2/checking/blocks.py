"""The refcount blocks of an image as they are in the file, for its check and its repair.

Counts are handled a byte each, as in tally: whole pieces of a block are then compared at once, whatever the width.
"""

from __future__ import annotations

import errno
from itertools import compress
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2.checking.tally import MANY
from pyqio.drivers.formats.qcow2.layout import SLICE_BYTES, hexadecimal

if TYPE_CHECKING:
    from array import array

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.layout import Geometry

_NARROW_BYTES: Final = 4096
_CACHED_CLUSTERS: Final = 1 << 22


class Piece:
    """The counts of the clusters from ``first`` on, which stand at host ``offset`` (0: there is no block, all are 0).

    ``low``: the counts, a byte each, at most MANY.  ``wide``: those that a byte does not hold, by index.
    """

    __slots__ = ("changed", "first", "low", "offset", "wide")

    def __init__(self, first: int, offset: int, low: bytearray, wide: dict[int, int]) -> None:
        self.first = first
        self.offset = offset
        self.low = low
        self.wide = wide
        self.changed = False

    def get(self, index: int) -> int:
        """The count of cluster ``first + index``."""
        return self.wide.get(index, self.low[index])


class Blocks:
    """Counts by host cluster.  ``table`` is the refcount table; pieces of a block are read as they are needed."""

    def __init__(self, file: Node, geometry: Geometry, table: array[int]) -> None:
        self.table = table
        self._file = file
        self._geometry = geometry
        self._bits = geometry.refcount_bits
        self._bytes = min(geometry.cluster_size, SLICE_BYTES if self._bits >= 8 else _NARROW_BYTES)
        self.piece_clusters = self._bytes * 8 // self._bits
        self._pieces: dict[int, Piece] = {}

    def offset(self, index: int) -> int:
        """Host offset of block ``index``, 0 where there is none.  Raises BlockError where it cannot be one."""
        if index >= len(self.table):
            return 0
        offset = self.table[index] & ~0x1FF
        if offset & self._geometry.cluster_mask or offset >> 63:
            raise BlockError(
                f"Refblock offset {hexadecimal(offset)} unaligned (reftable index: {hexadecimal(index)})",
                errno=errno.EIO,
            )
        return offset

    def piece(self, cluster: int) -> Piece:
        """The piece with the count of ``cluster``.  Raises BlockError."""
        number = cluster // self.piece_clusters
        piece = self._pieces.get(number)
        if piece is None:
            if len(self._pieces) * self.piece_clusters >= _CACHED_CLUSTERS:
                self.write_back()
                self._pieces.clear()
            piece = self._pieces[number] = self._read(number * self.piece_clusters)
        return piece

    def get(self, cluster: int) -> int:
        """The count of one cluster.  Raises BlockError."""
        if not self.offset(cluster // self._geometry.block_entries):
            return 0
        piece = self.piece(cluster)
        return piece.get(cluster - piece.first)

    def singles(self, first: int, number: int) -> int:
        """How many of ``number`` clusters in a row have the count 1.  Raises BlockError."""
        found, end = 0, first + number
        while first < end:
            piece = self.piece(first)
            low, high = first - piece.first, min(end - piece.first, self.piece_clusters)
            found += piece.low.count(1, low, high)
            first = piece.first + high
        return found

    def put(self, cluster: int, count: int) -> None:
        """Set the count of a cluster that has a block; it is in the file after ``write_back``."""
        piece = self.piece(cluster)
        index = cluster - piece.first
        piece.low[index] = min(count, MANY)
        piece.wide.pop(index, None)
        if count > MANY:
            piece.wide[index] = count
        piece.changed = True

    def write_back(self) -> None:
        """Hand what was changed to the file."""
        for piece in self._pieces.values():
            if piece.changed:
                self._file.pwrite(piece.offset, memoryview(pack(piece.low, piece.wide, self._bits)))
                piece.changed = False

    def _read(self, first: int) -> Piece:
        per_block = self._geometry.block_entries
        block = self.offset(first // per_block)
        if not block:
            return Piece(first, 0, bytearray(self.piece_clusters), {})
        offset = block + first % per_block * self._bits // 8
        data = bytearray(self._bytes)
        self._file.pread(offset, memoryview(data))
        return Piece(first, offset, *unpack(data, self._bits))


def unpack(data: bytearray, bits: int) -> tuple[bytearray, dict[int, int]]:
    """The counts in ``data``, ``bits`` wide: a byte each, and those that a byte does not hold, by index."""
    if bits == 8:
        return data, {}
    if bits < 8:
        # The lowest bits of a byte hold the count with the lowest number (qcow2 specification, "Host cluster
        # management").
        per_byte = 8 // bits
        packed, mask = int.from_bytes(data, "little"), int.from_bytes(bytes([(1 << bits) - 1]) * len(data), "little")
        low = bytearray(len(data) * per_byte)
        for i in range(per_byte):
            low[i::per_byte] = (packed >> i * bits & mask).to_bytes(len(data), "little")
        return low, {}
    width = bits // 8
    low = data[width - 1 :: width]
    wide = {}
    for place in range(width - 1):
        high = data[place::width]
        for index in compress(range(len(low)), high) if high != bytes(len(high)) else ():
            wide[index] = int.from_bytes(data[index * width : index * width + width], "big")
            low[index] = MANY
    return low, wide


def pack(low: bytes | bytearray, wide: dict[int, int], bits: int) -> bytearray:
    """The bytes of counts that are ``bits`` wide."""
    if bits < 8:
        per_byte = 8 // bits
        packed = 0
        for i in range(per_byte):
            packed |= int.from_bytes(low[i::per_byte], "little") << i * bits
        return bytearray(packed.to_bytes(len(low) // per_byte, "little"))
    width = bits // 8
    data = bytearray(len(low) * width)
    data[width - 1 :: width] = low
    for index, count in wide.items():
        data[index * width : index * width + width] = count.to_bytes(width, "big")
    return data
