"""Lines of pyqio's own, taken apart into commands and what becomes of their output.

``> FILE`` and ``>> FILE`` end a command; what belongs to the host's shell does too (see tokens).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.commands.rejected import Rejected
from pyqio.session.tokens import BEHIND, END, HOST, OPEN, OUTSIDE, OVER, SIGN, WORD, complaint, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    for token in tokens(text):
        if token.kind == OPEN:
            raw = text[token.start : token.end]
            raise Rejected(f"{complaint(raw)}: {raw}", prefixed=True, text=token.text)
        if token.kind == END:
            if words or sign:
                yield _complete(words, sign, target)
            words, sign, target = [], "", ""
        elif token.kind == SIGN:
            if sign or (token.text != HOST and not words):
                message = f"'{token.text}' stands behind a command, and once: {text}"
                raise Rejected(message, prefixed=True, text=token.text)
            sign = token.text
        elif token.kind == OUTSIDE:
            target = token.text.strip()
        elif token.kind == WORD:
            if not sign:
                words.append(token.text)
            elif target:
                message = f"a command ends with '{sign} {target}', but '{token.text}' follows"
                raise Rejected(message, prefixed=True, text=token.text)
            else:
                target = token.text
    if words or sign:
        yield _complete(words, sign, target)


def _complete(words: list[str], sign: str, target: str) -> Step:
    if sign and not target:
        what = "file" if sign in (OVER, BEHIND) else "command"
        raise Rejected(f"the {what} after '{sign}' is missing", prefixed=True, text=sign)
    return Step(words, sign, target)
