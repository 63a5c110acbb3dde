"""Looking for bytes in an image: in windows that overlap, and not where all is known to be zero."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError
from pyqio.block.emulate import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.block.image import Image

LONGEST: Final = 4096
"""Bytes of the longest pattern."""

_PAIR: Final = re.compile(r"[0-9a-fA-F?]{2}")


class Needle:
    """Bytes that are looked for, some of which may be any (``mask`` None: none of them).

    ``length``: how many; ``zero``: whether zeroes alone would do.
    """

    def __init__(self, wanted: bytes, mask: bytes | None = None) -> None:
        if not 0 < len(wanted) <= LONGEST:
            raise UsageError(f"a pattern has 1 to {LONGEST} bytes, not {len(wanted)}")
        self.length = len(wanted)
        self.zero = not any(wanted)
        self._wanted = wanted
        self._pattern = None if mask is None else re.compile(_expression(wanted, mask), re.DOTALL)

    def find(self, data: bytes, start: int) -> int:
        """Where in ``data`` it is, from ``start`` on; -1 where it is not."""
        if self._pattern is None:
            return data.find(self._wanted, start)
        match = self._pattern.search(data, start)
        return match.start() if match else -1


def from_digits(text: str) -> Needle:
    """Hexadecimal digits, with or without blanks between the bytes; ``?`` is any digit.  Raises UsageError."""
    digits = "".join(text.split()).removeprefix("0x")
    pairs = _PAIR.findall(digits)
    if "".join(pairs) != digits or not pairs:
        raise UsageError(f"'{text}' is not made of pairs of hexadecimal digits, or '?' for any digit")
    wanted = bytes(int(pair.replace("?", "0"), 16) for pair in pairs)
    mask = bytes(int("".join("0" if digit == "?" else "f" for digit in pair), 16) for pair in pairs)
    return Needle(wanted, mask if "?" in digits else None)


def _expression(wanted: bytes, mask: bytes) -> bytes:
    """A regular expression for the bytes that agree with ``wanted`` where ``mask`` has a bit."""
    parts = []
    for byte, bits in zip(wanted, mask, strict=True):
        if bits == 0xFF:
            parts.append(re.escape(bytes((byte,))))
        elif bits:
            parts.append(b"[" + b"".join(b"\\x%02x" % each for each in range(256) if each & bits == byte) + b"]")
        else:
            parts.append(b".")
    return b"".join(parts)


def hits(image: Image, needle: Needle, start: int, end: int, advance: Callable[[int], None]) -> Iterator[int]:
    """Offsets at which the needle lies from ``start`` to ``end`` (exclusive), ascending; they may overlap.

    ``advance`` is told of the bytes that are done.  Raises BlockError.
    """
    done = start
    for low, high in _ranges(image, needle, start, end):
        advance(max(0, low - done))
        yield from _in_range(image, needle, low, high, advance)
        done = high
    advance(end - done)


def _in_range(image: Image, needle: Needle, low: int, high: int, advance: Callable[[int], None]) -> Iterator[int]:
    window, kept = memoryview(bytearray(WINDOW)), b""
    for at in range(low, high, WINDOW):
        part = window[: min(WINDOW, high - at)]
        image.pread_into(at, part)
        data = kept + part
        first = at - len(kept)
        found = needle.find(data, 0)
        while found >= 0:
            yield first + found
            found = needle.find(data, found + 1)
        kept = data[len(data) - needle.length + 1 :] if needle.length > 1 else b""
        advance(len(part))


def _ranges(image: Image, needle: Needle, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the needle can be: ranges, ascending and apart, that are not known to be zero, and a bit around them."""
    if needle.zero:
        yield start, end
        return
    around = needle.length - 1
    low = high = start
    for extent in image.node.block_status(start, end - start):
        if extent.zero:
            continue
        first = max(start, extent.offset - around)
        if first > high:
            if high > low:
                yield low, high
            low = first
        high = min(end, extent.offset + extent.length + around)
    if high > low:
        yield low, high
