"""--trace: understood, but nothing can be traced yet."""

from __future__ import annotations

from typing import Final

from pyqio.commands.kinds import Pairs

_KEYS: Final = ("enable", "events", "file")


class BadPattern(Exception):
    """A pattern that qemu-io does not take either; ``str()`` says why."""


def trace_pattern(text: str) -> str:
    """The pattern in ``[enable=]PATTERN,events=FILE,file=FILE``, "" for none.  Raises BadPattern."""
    head = text.partition(",")[0]
    pairs = dict(Pairs().parse(text if "=" in head else f"enable={text}"))
    for name in pairs:
        if name not in _KEYS:
            raise BadPattern(f"Invalid parameter '{name}'")
    return pairs.get("enable", "")
