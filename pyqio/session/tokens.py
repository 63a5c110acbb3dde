"""Lines of pyqio's own, taken apart into tokens with their places; also lines that are still being typed.

Words are separated by blanks; ``;`` and the end of a line end a command; ``#`` at the start of a word starts a
comment.  Quotes of both kinds keep a word together, a backslash takes the next character as it is, except between
single quotes.  All that follows a ``|``, or a ``!`` where a command would start, belongs to the host's shell, up to
the end of the line: its quotes and ``;`` are its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST: Final = "!"
PIPE: Final = "|"
OVER: Final = ">"
BEHIND: Final = ">>"

# Kinds of tokens.
WORD: Final = "word"
OPEN: Final = "open"
"""A word that is not complete: a quote is not closed, or a backslash ends it."""
END: Final = "end"
COMMENT: Final = "comment"
SIGN: Final = "sign"
OUTSIDE: Final = "outside"
"""What belongs to the host's shell."""

_TOKEN: Final = re.compile(
    r"""(?P<blank>[^\S\n]+)|(?P<end>[;\n])|(?P<comment>\#[^\n]*)|(?P<sign>>>|[|>])
      |(?P<word>(?:[^\s"'\\;|>]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')*)""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(
    r"""\\(?P<escaped>.?)|"(?P<double>(?:[^"\\]|\\.)*)(?:"|\\?\Z)|'(?P<single>[^']*)(?:'|\Z)""", re.DOTALL
)
_CLOSED: Final = re.compile(r"""\\.|"(?:[^"\\]|\\.)*"|'[^']*'""", re.DOTALL)


class Token(NamedTuple):
    """``start`` and ``end`` are places in the line, the end exclusive; ``text`` is what a word stands for."""

    kind: str
    start: int
    end: int
    text: str


def tokens(line: str) -> Iterator[Token]:
    """All of the line but its blanks."""
    at = 0
    begins = True
    while at < len(line):
        match = _TOKEN.match(line, at)
        assert match is not None, "the last alternative takes anything"
        kind, end = match.lastgroup, match.end()
        if kind == "word" and begins and line[at] == HOST:
            kind, end = "sign", at + 1
        if kind == "word":
            if complete := end == len(line) or line[end] not in "\"'\\":
                yield Token(WORD, at, end, plain(match[0]))
            else:
                end = len(line)
                yield Token(OPEN, at, end, plain(line[at:]))
            begins = begins and not complete
        elif kind != "blank":
            yield Token(str(kind), at, end, line[at:end])
        if kind == "sign" and line[at:end] in (HOST, PIPE):
            at, end = end, _end_of_line(line, end)
            if at < end:
                yield Token(OUTSIDE, at, end, line[at:end])
        begins = kind == "end" or (begins and kind == "blank")
        at = end


def plain(raw: str) -> str:
    """What a word stands for, without its quotes and backslashes."""
    return raw if raw.isalnum() else _PART.sub(_plain_part, raw)


def opened(raw: str) -> str:
    """The quote that is not closed in a word, or the backslash at its end; "" where neither is."""
    match = re.search(r"[\"'\\]", _CLOSED.sub("", raw))
    return match[0] if match else ""


def complaint(raw: str) -> str:
    """What is wrong with a word that is not complete."""
    return "a backslash at the end" if opened(raw) == "\\" else "a quote without its end"


def _plain_part(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\(.)", r"\1", match["double"], flags=re.DOTALL)
    return match["escaped"] or match["single"] or ""


def _end_of_line(line: str, at: int) -> int:
    end = line.find("\n", at)
    return len(line) if end < 0 else end
