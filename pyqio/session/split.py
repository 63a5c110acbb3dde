"""Lines of pyqio's own scripts, taken apart into commands and words.

Words are separated by blanks; ``;`` and the end of a line end a command; ``#`` at the start of a word starts a
comment.  Quotes of both kinds keep a word together, a backslash takes the next character as it is, except between
single quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(
    r"""(?P<blank>[^\S\n]+)|(?P<end>[;\n])|(?P<comment>\#[^\n]*)
      |(?P<word>(?:[^\s"'\\;]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(r"""\\(?P<escaped>.)|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'""", re.DOTALL)


def split(text: str) -> list[list[str]]:
    """The commands of ``text``, each a list of one word or more.  Raises Rejected for a quote without its end."""
    commands: list[list[str]] = [[]]
    for word in _tokens(text):
        if word is None:
            commands.append([])
        else:
            commands[-1].append(word)
    return [words for words in commands if words]


def _tokens(text: str) -> Iterator[str | None]:
    """Words, and None for the end of a command."""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "a quote without its end" if text[at] in "\"'" else "a backslash at the end"
            raise Rejected(f"{what}: {text[at:]}", prefixed=True)
        at = match.end()
        if match["word"]:
            yield _PART.sub(_plain, match["word"])
        elif match["end"]:
            yield None


def _plain(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\(.)", r"\1", match["double"], flags=re.DOTALL)
    return match["escaped"] or match["single"] or ""
