"""Compressed clusters: one stream each, packed at byte offsets.

A raw deflate stream (RFC 1951, 4 KiB window), or zstd frames (RFC 8878).
"""

from __future__ import annotations

import errno
import importlib
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from pyqio.base.errors import BlockError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.layout import Geometry

_WINDOW_BITS: Final = -12
_MEMORY_LEVEL: Final = 9


class Stream(Protocol):
    """A way to compress a cluster."""

    def pack(self, data: bytes | bytearray | memoryview) -> bytes:
        """The stream for ``data``."""
        ...

    def unpack(self, packed: bytearray, size: int) -> bytes:
        """The first ``size`` bytes of the stream; fewer where it ends early.  Raises BlockError."""
        ...


class Deflate:
    """Compression type 0."""

    def pack(self, data: bytes | bytearray | memoryview) -> bytes:
        """The stream for ``data``."""
        stream = zlib.compressobj(-1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL)
        return stream.compress(data) + stream.flush()

    def unpack(self, packed: bytearray, size: int) -> bytes:
        """The first ``size`` bytes of the stream; fewer where it ends early.  Raises BlockError."""
        try:
            return zlib.decompressobj(_WINDOW_BITS).decompress(packed, size)
        except zlib.error as error:
            raise BlockError(errno=errno.EIO) from error


class Zstd:
    """Compression type 1."""

    def pack(self, data: bytes | bytearray | memoryview) -> bytes:
        """One frame for ``data``, at the library's default level."""
        packed: bytes = _zstd().compress(data)
        return packed

    def unpack(self, packed: bytearray, size: int) -> bytes:
        """The first ``size`` bytes that the frames hold; fewer where they end early.  Raises BlockError."""
        zstd = _zstd()
        found, rest = b"", bytes(packed)
        while rest and len(found) < size:
            frame = zstd.ZstdDecompressor()
            try:
                found += frame.decompress(rest, size - len(found))
            except zstd.ZstdError as error:
                raise BlockError(errno=errno.EIO) from error
            rest = frame.unused_data if frame.eof else b""
        return found


def _zstd() -> Any:
    try:
        return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError as error:
        raise BlockError(
            "zstd compression needs a library that is not installed: pip install 'pyqio[zstd]'", errno=errno.ENOTSUP
        ) from error


TYPES: Final[Mapping[int, tuple[str, type[Stream]]]] = {0: ("zlib", Deflate), 1: ("zstd", Zstd)}
"""By the number in the header: the name, and what packs and unpacks."""


class Packer:
    """Packs clusters, and reads packed ones; keeps the last of these, since small reads follow one another."""

    def __init__(self, file: Node, geometry: Geometry, compression_type: int) -> None:
        self._file = file
        self._geometry = geometry
        self._stream = TYPES[compression_type][1]()
        self._entry = 0
        self._cluster = b""

    def pack(self, data: bytes | bytearray | memoryview) -> bytes | None:
        """The stream for a cluster, None where it is no shorter than the cluster."""
        packed = self._stream.pack(data)
        return packed if len(packed) < len(data) else None

    def cluster(self, entry: int) -> bytes:
        """The cluster that an L2 entry leads to.  Raises BlockError where the stream is damaged."""
        if entry != self._entry:
            offset, length = self._geometry.compressed_range(entry)
            packed = bytearray(length)
            self._file.pread(offset, memoryview(packed))
            cluster = self._stream.unpack(packed, self._geometry.cluster_size)
            if len(cluster) != self._geometry.cluster_size:
                raise BlockError(errno=errno.EIO)
            self._cluster = cluster
            self._entry = entry
        return self._cluster

    def forget(self) -> None:
        """The host clusters of the last cluster may hold something else now."""
        self._entry = 0
