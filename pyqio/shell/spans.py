"""What each part of a line is, for colour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.base.kinds import Path
from pyqio.commands import index
from pyqio.session.tokens import COMMENT, END, OPEN, OUTSIDE, SIGN, Token, tokens
from pyqio.shell.arguments import innermost, options, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.commands.command import Spec
    from pyqio.session.state import Session

# What a part may be.
COMMAND: Final = "command"
ERROR: Final = "error"
FLAG: Final = "flag"
NUMBER: Final = "number"
PATH: Final = "path"
STRING: Final = "string"
PLAIN: Final = "plain"
OTHERS: Final = {COMMENT: "comment", SIGN: "sign", END: "sign", OUTSIDE: "outside"}

_NUMBER: Final = re.compile(r"[-+(]*(?:0[xX][0-9a-fA-F]*|\d[\d.]*[bkmgtpesc]?|[.$])(?:[-+*/%()].*)?", re.IGNORECASE)


def spans(line: str, session: Session) -> Iterator[tuple[str, str]]:
    """(what it is, text) for all of the line."""
    at = 0
    words: list[str] = []
    for token in tokens(line):
        if token.start > at:
            yield PLAIN, line[at : token.start]
        if token.kind in OTHERS:
            yield OTHERS[token.kind], line[token.start : token.end]
            words = [] if token.kind == END else words
        else:
            yield _kind(token, words, line, session), line[token.start : token.end]
            words.append(token.text)
        at = token.end
    if at < len(line):
        yield PLAIN, line[at:]


def _kind(token: Token, words: Sequence[str], line: str, session: Session) -> str:
    raw = line[token.start : token.end]
    words = innermost(words, session) if words else words
    if not words:
        return _command(token.text, session, is_last=token.end == len(line))
    spec = index.find(words[0])
    if spec is not None and token.text.startswith("-"):
        kind, _, is_option = place(spec, words[1:], token.text, session)
        if is_option or kind is not None:
            return FLAG if _is_known(spec, token.text, session) else ERROR
    if raw[0] in "\"'" or token.kind == OPEN:
        return STRING
    if _NUMBER.fullmatch(token.text):
        return NUMBER
    if spec is not None and isinstance(place(spec, words[1:], token.text, session).kind, Path):
        return PATH
    return PLAIN


def _command(name: str, session: Session, *, is_last: bool) -> str:
    """A name that may still become a command's is no error."""
    names = [*(n for n in index.MODULES if session.own_commands), *session.aliases]
    if name in names:
        return COMMAND
    return PLAIN if is_last and any(known.startswith(name) for known in names) else ERROR


def _is_known(spec: Spec, word: str, session: Session) -> bool:
    known = options(spec, session)
    if word.startswith("--"):
        name = word.partition("=")[0]
        return any(f"--{option.flag.long}".startswith(name) for option in known.values() if option.flag.long)
    for letter in word[1:]:
        option = known.get(letter)
        if option is None:
            return False
        if option.kind is not None:
            return True
    return True
