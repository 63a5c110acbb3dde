"""Characters that stand for things, for terminals without UTF-8 (False) and with it (True)."""

from __future__ import annotations

import locale
from typing import Final

FULL: Final = ("#", "\N{FULL BLOCK}")
"""A part of a bar."""
EMPTY: Final = (".", "\N{LIGHT SHADE}")
"""A part of a bar that is not there yet."""
STATES: Final = {
    "data": ("#", "\N{FULL BLOCK}"),
    "compressed": ("c", "\N{DARK SHADE}"),
    "mixed": ("+", "\N{MEDIUM SHADE}"),
    "zero": ("0", "\N{LIGHT SHADE}"),
    "unallocated": (".", "\N{MIDDLE DOT}"),
    "mismatch": ("!", "!"),
}
"""What a part of a disk is, one column wide each."""


def are_unicode() -> bool:
    """Whether the locale's encoding has all of them."""
    return locale.getencoding().replace("-", "").lower() == "utf8"
