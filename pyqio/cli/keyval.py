"""``key=value,key.inner=value``: how QEMU writes nested options on a command line where a bare key has no meaning.

A comma in a value is written twice.  Keys are words of letters, digits, ``-`` and ``_`` that start with a letter, with
dots between them.
"""

from __future__ import annotations

import re
from typing import Any, Final

_WORD: Final = r"(?:[A-Za-z][A-Za-z0-9_-]*|[0-9]+)"
_KEY: Final = re.compile(rf"[A-Za-z][A-Za-z0-9_-]*(?:\.{_WORD})*")
_HELP: Final = ("help", "?")


class BadPairs(Exception):
    """A text of the wrong shape; ``str()`` says why, in QEMU's words."""


def parse(text: str, implied: str) -> tuple[dict[str, Any], bool]:
    """The values of ``text``, groups nested, and whether it asks for help.

    A first value without a key is that of ``implied``.  Of a key that is given twice the last value counts.
    Raises BadPairs.
    """
    values: dict[str, Any] = {}
    helps = False
    first, comma, rest = text.partition(",")
    if first and "=" not in first:
        if first in _HELP:
            helps = True
        else:
            values[implied] = first
        text = rest if comma else ""
    while text:
        key, mark = re.match(r"([^=,]*)([=,]?)", text).groups()  # type: ignore[union-attr]
        text = text[len(key) + len(mark) :]
        if mark != "=" and key in _HELP:
            helps = True
            continue
        if not _KEY.fullmatch(key):
            raise BadPairs(f"Invalid parameter '{key}'")
        if mark != "=":
            raise BadPairs(f"Expected '=' after parameter '{key}'")
        value, text = _take_value(text)
        _put(values, key, value)
    return values, helps


def _take_value(text: str) -> tuple[str, str]:
    """The value at the start of ``text``, and what follows the comma that ends it."""
    value = re.match(r"(?:[^,]|,,)*", text)[0]  # type: ignore[index]
    return value.replace(",,", ","), text[len(value) + 1 :]


def _put(values: dict[str, Any], key: str, value: str) -> None:
    *groups, last = key.split(".")
    place = values
    for depth, group in enumerate(groups):
        inner = place.setdefault(group, {})
        if not isinstance(inner, dict):
            raise _inconsistent(groups[: depth + 1])
        place = inner
    if isinstance(place.get(last), dict):
        raise _inconsistent([*groups, last])
    place[last] = value


def _inconsistent(words: list[str]) -> BadPairs:
    return BadPairs(f"Parameters '{'.'.join(words)}.*' used inconsistently")
