"""Sizes, rates and times as qemu-io prints them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_UNITS: Final = tuple((float(1 << 10 * power), unit) for power, unit in zip(range(6, 0, -1), "EPTGMK", strict=True))


def human(value: float) -> str:
    """Bytes (or bytes a second) with three decimals in the largest unit that fits: ``1.500 KiB``, ``512 bytes``.

    What starts with ``.000`` after the point is cut off, which for bytes themselves are six decimals.
    """
    for scale, unit in _UNITS:
        if value >= scale:
            text = f"{value / scale:.3f}"
            return f"{text[:-4] if text.endswith('.000') else text} {unit}iB"
    text, point, decimals = f"{value:f}".partition(".")
    return f"{text} bytes" if decimals.startswith("000") else f"{text}{point}{decimals} bytes"


human_size = lru_cache(maxsize=1024)(human)
"""``human``, for values that come again."""


def size(value: int) -> str:
    """Bytes as in ``human``, but one byte is one byte."""
    return "1 byte" if value == 1 else human(value)


def seconds(elapsed: float) -> str:
    """``00.16 sec``, from a minute on ``0:21:26.30``."""
    return f"{elapsed:05.2f} sec" if elapsed < 60 else clock(elapsed)


def clock(elapsed: float) -> str:
    """``0:00:00.16``."""
    minutes, rest = divmod(elapsed, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:05.2f}"


def per_second(value: int, elapsed: float) -> float:
    """A rate; infinite where no time passed."""
    return value / elapsed if elapsed else float("inf") if value else 0.0
