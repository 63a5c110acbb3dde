"""What the word before the cursor may become: names of commands, their options, values and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.commands import index
from pyqio.session.tokens import BEHIND, COMMENT, END, OPEN, OUTSIDE, OVER, SIGN, WORD, Token, opened, tokens
from pyqio.shell.arguments import innermost, proposals
from pyqio.shell.files import files
from pyqio.shell.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.session.state import Session

_SPECIAL: Final = re.compile(r"""[\s"'\\;|>]""")


class Candidate(NamedTuple):
    """``text`` may stand in the place of the last ``replaced`` characters; a menu shows ``shown`` and ``meaning``."""

    text: str
    replaced: int
    shown: str
    meaning: str = ""


def candidates(before: str, session: Session) -> Iterator[Candidate]:
    """What may follow the text ``before`` the cursor."""
    command, current = _current(before)
    if current is None:
        return
    raw = before[current.start :]
    if current.kind == OUTSIDE:
        raw = raw.rpartition(" ")[2]
        found: Iterable[Proposal] = files(raw)
        typed = raw
    else:
        typed = current.text
        found = _proposals(command, typed, session)
    for whole, shown, meaning, final in found:
        text = raw + _spelled(whole[len(typed) :], raw, final=final)
        yield Candidate(text, len(raw), shown or whole, meaning)


def _current(before: str) -> tuple[Sequence[Token], Token | None]:
    """The command that is being typed, without its last word, and that word; None where nothing is to be proposed."""
    command: list[Token] = []
    for token in tokens(before):
        if token.kind == END:
            command = []
        else:
            command.append(token)
    if command and command[-1].kind == COMMENT:
        return command, None
    if command and command[-1].kind == OUTSIDE:
        return command[:-1], command[-1]
    if command and command[-1].kind in (WORD, OPEN) and command[-1].end == len(before):
        return command[:-1], command[-1]
    return command, Token(WORD, len(before), len(before), "")


def _proposals(command: Sequence[Token], typed: str, session: Session) -> Iterable[Proposal]:
    if command and command[-1].kind == SIGN:
        return files(typed) if command[-1].text in (OVER, BEHIND) else ()
    words: Sequence[str] = [token.text for token in command]
    words = innermost(words, session) if words else words
    if not words:
        return _names(typed, session)
    spec = index.find(words[0])
    if spec is None or (spec.own and not session.own_commands) or any(token.kind == SIGN for token in command):
        return ()
    return proposals(spec, words[1:], typed, session)


def _names(typed: str, session: Session) -> Iterator[Proposal]:
    """Commands, and names that the user gave to lines."""
    for spec in index.every(own=session.own_commands):
        if spec.name.startswith(typed):
            yield Proposal(spec.name, "", spec.summary)
    for name, line in session.aliases.items():
        if name.startswith(typed):
            yield Proposal(name, "", f"alias: {line}")


def _spelled(rest: str, raw: str, *, final: bool) -> str:
    """``rest`` of a word whose beginning is spelled ``raw``, so that the tokenizer takes it for what it is."""
    open_quote = opened(raw)
    if open_quote == '"':
        return re.sub(r'(["\\])', r"\\\1", rest) + '"' * final
    if open_quote == "'":
        return rest.replace("'", "'\\''") + "'" * final
    if open_quote == "\\":
        return rest[:1] + _SPECIAL.sub(r"\\\g<0>", rest[1:])
    escaped = _SPECIAL.sub(r"\\\g<0>", rest)
    return f"\\{escaped}" if not raw and rest[:1] == "#" else escaped
