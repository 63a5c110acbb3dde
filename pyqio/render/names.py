"""Names of images as a person may see and type them, whatever is in them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ELLIPSIS: Final = "..."

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+", re.ASCII)
_ESCAPES: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """``text`` with what a terminal would act on, or could not show, as backslash escapes."""
    return text if text.isprintable() else "".join(map(_visible, text))


def columns(text: str) -> int:
    """Columns that visible text takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def shortened(text: str, width: int) -> str:
    """Visible text in at most ``width`` columns (4 or more); its middle gives way, since both ends tell most."""
    if columns(text) <= width:
        return text
    keep = width - len(ELLIPSIS)
    head = _fitting(text, keep // 2)
    tail = _fitting(text[::-1], keep - columns(head))[::-1]
    return head + ELLIPSIS + tail


def quoted(text: str) -> str:
    """One word of a shell's command line; bash, zsh and ksh know the form that names with control characters get."""
    if _PLAIN.fullmatch(text):
        return text
    if text.isprintable():
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + "".join("\\" + char if char in "\\'" else _visible(char) for char in text) + "'"


def quoted_pieces(text: str, width: int) -> Iterator[str]:
    """``quoted``, cut so that no piece is wider than ``width`` (20 or more); put together without space they are it."""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or columns(quoted(text[start : end + 1])) > width:
            yield quoted(text[start:end])
            start = end


def quoted_path(path: str, width: int) -> Iterator[str]:
    """``quoted_pieces`` of a file's name, with ``~`` for the home folder where a shell takes it for that."""
    home = os.path.join(os.path.expanduser("~"), "")
    if not path.startswith(home) or home == "/":
        yield from quoted_pieces(path, width)
        return
    first, *others = quoted_pieces(path.removeprefix(home), width - 2)
    yield f"~/{first}"
    yield from others


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    try:
        return _ESCAPES.get(char) or "".join(f"\\x{byte:02x}" for byte in os.fsencode(char))
    except UnicodeEncodeError:
        return f"\\u{ord(char):04x}"


def _fitting(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += columns(char)
        if taken > width:
            return text[:index]
    return text
