"""qemu-io's hexdump, thousands of lines at a time.

    00000010:  48 65 6c 6c 6f 2c 20 77 6f 72 6c 64 21 0a 00 ff  Hello..world....

A block of lines is one template, filled column by column.  The hex digits and the characters are copied eight bytes
at a time: eight lines are a whole number of such words, whatever the length of a line, so that the n-th word of each
eighth line is one strided slice of the block.  Only digits of the offset that change are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROW: Final = 16
LINES: Final = 4096
"""Lines in a block; the low digits of the offsets are the same in each block."""

_BLOCK: Final = LINES * ROW
_LOW_DIGITS: Final = 4
_GROUP: Final = 8
_WORD: Final = 8

_SHOWN: Final = bytes(byte if chr(byte).isalnum() and byte < 0x80 else ord(".") for byte in range(256))


def hexdump(offset: int, windows: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes | memoryview]:
    """The dump of bytes that start at ``offset`` and come in pieces of any size.

    Yields text; a memoryview is valid until the next step.
    """
    pending = b""
    block: _Block | None = None
    for window in windows:
        view = memoryview(pending + bytes(window)) if pending else memoryview(window)
        at = 0
        while len(view) - at >= ROW:
            lines = min(len(view) - at, _until_carry(offset)) // ROW
            if lines < LINES:
                yield _lines(offset, view[at : at + lines * ROW])
            else:
                if block is None or not block.fits(offset):
                    block = _Block(offset)
                yield block.fill(offset, view[at : at + _BLOCK])
            offset += lines * ROW
            at += lines * ROW
        pending = bytes(view[at:])
    if pending:
        yield _lines(offset, memoryview(pending))


def _until_carry(offset: int) -> int:
    """Bytes until the digits of the offset above the low ones change, rounded up to rows."""
    return -(-(_BLOCK - offset % _BLOCK) // ROW) * ROW


def _lines(offset: int, data: memoryview) -> bytes:
    """A few lines, the last of them perhaps short."""
    lines = []
    for at in range(0, len(data), ROW):
        row = bytes(data[at : at + ROW])
        lines.append(b"%08x:  %s  %s\n" % (offset + at, row.hex(" ").encode(), row.translate(_SHOWN)))
    return b"".join(lines)


class _Block:
    """A template of LINES lines, for offsets of one width and one remainder by _BLOCK."""

    def __init__(self, offset: int) -> None:
        self._digits = len(b"%08x" % offset)
        self._remainder = offset % _BLOCK
        self._width = width = self._digits + 3 + 3 * ROW + 1 + ROW + 1
        first = offset - self._remainder
        lines = (
            b"%08x:  %*s %*s\n" % (first + at, 3 * ROW, b"", ROW, b"") for at in range(self._remainder, _BLOCK, ROW)
        )
        self._text = bytearray().join(lines)
        self._high = b"%0*x" % (self._digits - _LOW_DIGITS, first // _BLOCK)
        self._hex = bytearray(b" ") * (3 * ROW * LINES)
        self._shown = bytearray(ROW * LINES)
        self._hex_view, self._shown_view = memoryview(self._hex), memoryview(self._shown)
        self._text_view = memoryview(self._text)
        self._last = b""
        self._copies = [
            *self._columns(self._hex_view, self._digits + 3),
            *self._columns(self._shown_view, width - ROW - 1),
        ]

    def fits(self, offset: int) -> bool:
        """Whether the block can show the lines from ``offset``."""
        return offset % _BLOCK == self._remainder and len(b"%08x" % offset) == self._digits

    def fill(self, offset: int, data: memoryview) -> memoryview:
        """The lines of ``data``, LINES rows."""
        high = b"%0*x" % (self._digits - _LOW_DIGITS, offset // _BLOCK)
        for at, (old, new) in enumerate(zip(self._high, high, strict=True)):
            if old != new:
                self._text[at :: self._width] = bytes((new,)) * LINES
        self._high = high
        if data != self._last:
            self._last = bytes(data)
            self._hex_view[:-1] = self._last.hex(" ").encode()
            self._shown_view[:] = self._last.translate(_SHOWN)
            for target, source in self._copies:
                target[:] = source
        return self._text_view

    def _columns(self, source: memoryview, column: int) -> Iterator[tuple[memoryview, memoryview]]:
        """Pairs of strided slices that put the words of ``source`` into ``column`` of the lines."""
        length = len(source) // LINES
        for line in range(_GROUP):
            for at in range(0, length, _WORD):
                place = line * self._width + column + at
                yield (
                    _words(self._text_view, place, self._width * _GROUP),
                    _words(source, line * length + at, length * _GROUP),
                )


def _words(view: memoryview, start: int, step: int) -> memoryview:
    """Every word that starts ``step`` bytes after the one before it, from ``start`` on."""
    rest = view[start:]
    return rest[: len(rest) // _WORD * _WORD].cast("Q")[:: step // _WORD]
