"""Lines of pyqio's own, taken apart into commands and words.

Words are separated by blanks; ``;`` and the end of a line end a command; ``#`` at the start of a word starts a
comment.  Quotes of both kinds keep a word together, a backslash takes the next character as it is, except between
single quotes.  ``> FILE`` and ``>> FILE`` end a command.  All that follows a ``|``, or a ``!`` where a command would
start, belongs to the host's shell, up to the end of the line: its quotes and ``;`` are its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST: Final = "!"
PIPE: Final = "|"
OVER: Final = ">"
BEHIND: Final = ">>"

_TOKEN: Final = re.compile(
    r"""(?P<blank>[^\S\n]+)|(?P<end>[;\n])|(?P<comment>\#[^\n]*)|(?P<sign>>>|[|>])
      |(?P<word>(?:[^\s"'\\;|>]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)""",
    re.VERBOSE | re.DOTALL,
)
_PART: Final = re.compile(r"""\\(?P<escaped>.)|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'""", re.DOTALL)
_BARE: Final = re.compile(r"""[^\s"'\\;|>#!][^\s"'\\;|>]*""")


class Step(NamedTuple):
    """One command, and where what it prints goes.

    ``sign``: "" as usual; OVER or BEHIND for into or onto the file ``target``; PIPE for into the host's command
    ``target``; HOST where there are no words, and ``target`` is all.
    """

    words: list[str]
    sign: str = ""
    target: str = ""


def split(text: str) -> list[Step]:
    """The commands of ``text``.  Raises Rejected for what is not complete, or stands where it cannot."""
    return list(_steps(text))


def quoted(word: str) -> str:
    """One word of a line, which ``split`` makes the same word of."""
    if _BARE.fullmatch(word):
        return word
    return f"'{word}'" if "'" not in word else '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def _steps(text: str) -> Iterator[Step]:
    words: list[str] = []
    sign = target = ""
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "a quote without its end" if text[at] in "\"'" else "a backslash at the end"
            raise Rejected(f"{what}: {text[at:]}", prefixed=True)
        if match["end"]:
            if words:
                yield _complete(words, sign, target)
            words, sign, target = [], "", ""
        elif match["word"] and not words and text[at] == HOST:
            target, at = _rest_of_line(text, at + 1)
            yield _complete(words, HOST, target)
            target = ""
            continue
        elif match["sign"]:
            if not words or sign:
                raise Rejected(f"'{match['sign']}' stands behind a command, and once: {text}", prefixed=True)
            sign = match["sign"]
            if sign == PIPE:
                target, at = _rest_of_line(text, match.end())
                continue
        elif match["word"]:
            word = _PART.sub(_plain, match["word"])
            if not sign:
                words.append(word)
            elif target:
                raise Rejected(f"a command ends with '{sign} {target}', but '{word}' follows", prefixed=True)
            else:
                target = word
        at = match.end()
    if words:
        yield _complete(words, sign, target)


def _complete(words: list[str], sign: str, target: str) -> Step:
    if sign and not target:
        raise Rejected(
            f"the {'file' if sign in (OVER, BEHIND) else 'command'} after '{sign}' is missing", prefixed=True
        )
    return Step(words, sign, target)


def _rest_of_line(text: str, at: int) -> tuple[str, int]:
    """What follows up to the end of the line, and where that is."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return text[at:end].strip(), end


def _plain(match: re.Match[str]) -> str:
    if match["double"] is not None:
        return re.sub(r"\\(.)", r"\1", match["double"], flags=re.DOTALL)
    return match["escaped"] or match["single"] or ""
