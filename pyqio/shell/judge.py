"""Whether a line can be run at all, and what of it is wrong if not: said before anything of it is run.

Nothing is opened, read or asked of the image.  What depends on how things stand, such as whether an image is open,
is no mistake of the line's.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.expression import ExpressionError, evaluate
from pyqio.commands import index
from pyqio.commands.kinds import Argument
from pyqio.commands.rejected import Answered, Rejected, did_you_mean
from pyqio.session.split import split
from pyqio.session.tokens import END, OPEN, SIGN, WORD, Token, complaint, tokens
from pyqio.shell.arguments import options, place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.command import Spec
    from pyqio.session.state import Session


class Mistake(NamedTuple):
    """``message``, about the line's characters from ``start`` up to ``end``."""

    message: str
    start: int
    end: int


_NAMING: Final = ("alias", "source")
"""Commands after which there may be more names of commands than before."""


class _Depends(Exception):
    """What an expression comes to depends on how things stand."""


def judge(line: str, session: Session) -> Mistake | None:
    """The first mistake of a line of pyqio's own."""
    commands: list[list[Token]] = [[]]
    for token in tokens(line):
        if token.kind == OPEN:
            return Mistake(complaint(line[token.start : token.end]), token.start, token.end)
        if token.kind == END:
            commands.append([])
        elif token.kind in (WORD, SIGN):
            commands[-1].append(token)
    naming = False
    for command in commands:
        if command and not (naming and index.find(command[0].text) is None):
            if mistake := _judge(command, session):
                return mistake
            naming = naming or command[0].text in _NAMING
    try:
        split(line)
    except Rejected as error:
        everything = [token for command in commands for token in command]
        return _at(_blamed(error.text, everything), str(error).partition(": ")[0])
    return None


def _judge(command: Sequence[Token], session: Session) -> Mistake | None:
    words = []
    for token in command:
        if token.kind == SIGN:
            break
        words.append(token)
    if not words:
        return None
    name = words[0].text
    spec = index.find(name)
    if spec is None or (spec.own and not session.own_commands):
        if name in session.aliases:
            return None
        known = [*(known for known in index.MODULES if len(known) > 1), *session.aliases]
        return _at(words[0], f'command "{name}" not found{did_you_mean(name, known)}')
    texts = [token.text for token in words]
    try:
        spec.check_count(texts, own=session.own_commands)
        spec.parse(texts, lambda warning: None, partial(_evaluated, session))
        doubt = _doubt(spec, texts, session)
    except (Answered, _Depends):
        return None
    except Rejected as error:
        doubt = error
    return None if doubt is None else _mistake(doubt, spec, words, session)


def _evaluated(session: Session, text: str) -> int:
    """What an expression comes to, if nothing in it has to be looked up."""
    with suppress(ExpressionError):
        evaluate(text, _look_up)
    return session.evaluate(text)


def _look_up(name: str) -> int:
    raise _Depends


def _doubt(spec: Spec, words: Sequence[str], session: Session) -> Rejected | None:
    for at, word in enumerate(words[1:], 1):
        kind, start, _ = place(spec, words[1:at], word, session)
        if isinstance(kind, Argument) and (doubt := kind.doubt(word[start:], session)):
            return doubt
    return None


def _mistake(error: Rejected, spec: Spec, words: Sequence[Token], session: Session) -> Mistake:
    message = " ".join(str(error).split("\n"))
    if error.text.startswith("--"):
        known = [f"--{option.flag.long}" for option in options(spec, session).values() if option.flag.long]
        message += did_you_mean(error.text, known)
    if error.usage:
        synopsis = " ".join(filter(None, (words[0].text, spec.synopsis)))
        message = f"{message}; usage: {synopsis}" if message else f"usage: {synopsis}"
    blamed = _blamed(error.text, words)
    within = blamed.text.find(error.text)
    spelled_plainly = blamed.end - blamed.start == len(blamed.text)
    if within < 0 or not error.text or not spelled_plainly:
        return _at(blamed, message)
    return Mistake(message, blamed.start + within, blamed.start + within + len(error.text))


def _blamed(text: str, words: Sequence[Token]) -> Token:
    """The word that is meant by ``text``; where nothing is blamed the last one: something is missing, or too much."""
    for word in words[1:]:
        if word.text is text:
            return word
    return next((word for word in words[1:] if text and text in word.text), words[-1])


def _at(token: Token, message: str) -> Mistake:
    return Mistake(message, token.start, token.end)
