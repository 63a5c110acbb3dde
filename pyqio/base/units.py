"""Sizes as QEMU's tools read them, and as they print them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError

if TYPE_CHECKING:
    import re

INT64_MAX: Final = 2**63 - 1

_SUFFIXES: Final = "BKMGTPE"
_DIGITS: Final = 100
"""Digits that can matter; int() refuses texts of thousands."""


@cache
def _grammar() -> re.Pattern[str]:
    import re

    return re.compile(
        r"\s*\+?(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<whole>\d+)(?:\.(?P<fraction>\d*))?)(?P<suffix>[bBkKmMgGtTpPeE]?)",
        re.ASCII,
    )


class SizeError(UsageError):
    """A text that is no size (``too_large`` False) or one that does not fit (``too_large`` True)."""

    def __init__(self, text: str, *, too_large: bool) -> None:
        self.text = text
        self.too_large = too_large
        what = "is too large" if too_large else "is not a size: want a number and an optional suffix k, M, G, T, P or E"
        super().__init__(f"'{text}' {what}")


def parse_size(text: str, *, largest: int = INT64_MAX) -> int:
    """The number of bytes that ``text`` stands for: ``512``, ``0x200``, ``4k``, ``1.5M``; powers of 1024.

    A fraction that is not 0 needs a suffix above B, and is rounded down to whole bytes.  The grammar is qemu-io
    7.2's, found by trying; ``largest`` is inclusive.  Raises SizeError.
    """
    match = _grammar().fullmatch(text)
    if match is None:
        raise SizeError(text, too_large=False)
    digits, whole, fraction, suffix = match.groups()
    scale = 1 << 10 * _SUFFIXES.index(suffix.upper() or "B")
    if scale == 1 and (fraction or "").strip("0"):
        raise SizeError(text, too_large=False)
    whole = (whole or "").lstrip("0")
    if len(whole) > _DIGITS:
        raise SizeError(text, too_large=True)
    value = int(digits, 16) * scale if digits else int(whole or "0") * scale
    if fraction:
        fraction = fraction[:_DIGITS]
        value += int(fraction) * scale // 10 ** len(fraction)
    if value > largest:
        raise SizeError(text, too_large=True)
    return value


def has_hex_multiplier(text: str) -> bool:
    """Whether ``text`` is a hexadecimal number with a suffix, which QEMU's tools accept with a warning."""
    match = _grammar().fullmatch(text)
    return match is not None and bool(match["hex"]) and bool(match["suffix"])
