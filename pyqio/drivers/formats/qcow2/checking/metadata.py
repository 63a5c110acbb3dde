"""An image's metadata as it is in the file, for who looks at all of it: the check."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.encode import encode_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.block.node import Node

PIECE_BYTES: Final = 65536
"""Bytes of a table that are read at a time."""
PART_BYTES: Final = 4096
"""Bytes of an L2 table that are worked on at a time: most tables of a large disk hold little."""
_WORDS: Final = Codec(64)


class Findings:
    """What a check has found and repaired so far.

    ``report`` is told of every single thing, in QEMU's words, and ``advance`` of the guest bytes that it has come past.
    """

    def __init__(self, report: Callable[[str], None], advance: Callable[[int], None]) -> None:
        self.report = report
        self.advance = advance
        self.corruptions = 0
        self.leaks = 0
        self.errors = 0
        self.corruptions_fixed = 0
        self.leaks_fixed = 0
        self.forget_clusters()

    def forget_clusters(self) -> None:
        """Count guest clusters from the start."""
        self.allocated = 0
        self.fragmented = 0
        self.compressed = 0

    def corrupt(self, message: str) -> None:
        """Something is wrong, and stays so."""
        self.corruptions += 1
        self.report(message)


class Metadata:
    """The file of an image, and its header.

    ``entry_bytes``: of an entry in an L2 table.
    """

    def __init__(self, file: Node, header: headers.Header) -> None:
        self.file = file
        self.header = header
        self.fields = header.fields
        self.geometry = header.geometry(slice_bytes=layout.SLICE_BYTES)
        self.entry_bytes = 16 if self.geometry.extended else 8

    def read(self, offset: int, length: int) -> bytearray:
        """Bytes of the file; what lies past its end is zero."""
        data = bytearray(length)
        self.file.pread(offset, memoryview(data))
        return data

    def write(self, offset: int, data: bytes | bytearray) -> None:
        """Change bytes of the file."""
        self.file.pwrite(offset, memoryview(data))

    def words(self, offset: int, count: int) -> array[int]:
        """``count`` big-endian words."""
        return _WORDS.decode(self.read(offset, count * 8))

    def pieces(self, offset: int, length: int) -> Iterator[tuple[int, bytearray]]:
        """The parts of a range that are not all zero: (place in the range, bytes)."""
        zeroes = bytes(PIECE_BYTES)
        for at in range(0, min(length, self.file.length() - offset), PIECE_BYTES):
            data = self.read(offset + at, min(PIECE_BYTES, length - at))
            if data != zeroes[: len(data)]:
                yield at, data

    def parts(self, data: bytearray) -> Iterator[tuple[int, bytearray]]:
        """The parts of a piece that are not all zero: (place in the piece, bytes)."""
        zeroes = bytes(min(PART_BYTES, len(data)))
        for at in range(0, len(data), PART_BYTES):
            part = data[at : at + PART_BYTES]
            if part != zeroes:
                yield at, part

    def entries(self, offset: int, count: int) -> Iterator[tuple[int, int]]:
        """The words of a table that are not zero: (index, word)."""
        for at, data in self.pieces(offset, count * 8):
            for index, word in enumerate(_WORDS.decode(data), at // 8):
                if word:
                    yield index, word

    def first_words(self, entries: bytearray) -> bytes | bytearray:
        """The first word of each L2 entry: what is not a subcluster bitmap."""
        return entries if self.entry_bytes == 8 else array("Q", bytes(entries))[::2].tobytes()

    def second_words(self, entries: bytearray) -> bytes:
        """The subcluster bitmap of each L2 entry; b"" where there are none."""
        return b"" if self.entry_bytes == 8 else array("Q", bytes(entries))[1::2].tobytes()

    def update(self, **changes: int) -> None:
        """Write fields of the header, and make the file stable before and after."""
        self.file.flush()
        self.fields = self.fields._replace(**changes)
        self.header = self.header._replace(fields=self.fields)
        self.write(0, encode_fields(self.fields))
        self.file.flush()
