"""Compressed clusters: a raw deflate stream (RFC 1951, 4 KiB window) of one cluster, packed at byte offsets."""

from __future__ import annotations

import errno
import zlib
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError

if TYPE_CHECKING:
    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.layout import Geometry

_WINDOW_BITS = -12
_MEMORY_LEVEL = 9


def pack_cluster(data: bytes | bytearray | memoryview) -> bytes | None:
    """The stream for a cluster, None where it is no shorter than the cluster."""
    stream = zlib.compressobj(-1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
    packed = stream.compress(data) + stream.flush()
    return packed if len(packed) < len(data) else None


class Unpacker:
    """Reads compressed clusters and keeps the last one, since small reads follow one another."""

    def __init__(self, data: Node, geometry: Geometry) -> None:
        self._data = data
        self._geometry = geometry
        self._entry = 0
        self._cluster = b""

    def cluster(self, entry: int) -> bytes:
        """The cluster that an L2 entry leads to.  Raises BlockError where the stream is damaged."""
        if entry != self._entry:
            offset, length = self._geometry.compressed_range(entry)
            packed = bytearray(length)
            self._data.pread(offset, memoryview(packed))
            self._cluster = self._unpack(packed)
            self._entry = entry
        return self._cluster

    def forget(self) -> None:
        """The host clusters of the last cluster may hold something else now."""
        self._entry = 0

    def _unpack(self, packed: bytearray) -> bytes:
        size = self._geometry.cluster_size
        try:
            cluster = zlib.decompressobj(_WINDOW_BITS).decompress(packed, size)
        except zlib.error as error:
            raise BlockError(errno=errno.EIO) from error
        if len(cluster) != size:
            raise BlockError(errno=errno.EIO)
        return cluster
