"""What a word may become."""

from __future__ import annotations

from typing import NamedTuple


class Proposal(NamedTuple):
    """``whole``: the word, as the command gets it; ``shown``: as a menu shows it, "" for all of it.

    ``meaning``: a phrase; ``final``: the word is complete then.
    """

    whole: str
    shown: str = ""
    meaning: str = ""
    final: bool = True
