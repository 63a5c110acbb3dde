"""Aliases: names that the user gives to command lines, with parameters.

In the line of an alias ``$1`` to ``$9`` stand for its arguments, ``$*`` for all of them, and ``${2:-512}`` for the
second, or 512 where there is none; ``$$`` is a dollar sign.  A line without any takes the arguments at its end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyqio.commands import index
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Refused
from pyqio.session.split import Step, quoted, split
from pyqio.session.tokens import HOST, PIPE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyqio.session.state import Session

_PARAMETER: Final = re.compile(r"\$(?:(?P<bare>[1-9*$])|\{(?P<braced>[1-9*])(?::-(?P<default>[^}]*))?\})")
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def define(session: Session, name: str, words: Sequence[str]) -> None:
    """Let ``name`` stand for a line: one word that is the whole line, or the line's words.  Raises Rejected."""
    if name in index.MODULES:
        raise Rejected(f"'{name}' is a command: an alias needs a name of its own", prefixed=True)
    if not _NAME.fullmatch(name):
        raise Rejected(f"'{name}' cannot name an alias: want a letter, then letters, digits, - or _", prefixed=True)
    line = words[0] if len(words) == 1 else " ".join(map(quoted, words))
    if not split(line):
        raise Rejected(f"alias {name}: a command is missing", prefixed=True)
    session.aliases[name] = line


def run_alias(session: Session, words: Sequence[str]) -> bool:
    """Run the line that the first of ``words`` stands for.  Returns whether all of it succeeded."""
    try:
        steps = expand(session.aliases[words[0]], words)
        with session.scripts.nested():
            return session.run_steps(steps)
    except Rejected as reason:
        return session.show((Refused(reason=reason),))


def expand(line: str, words: Sequence[str]) -> list[Step]:
    """The commands that ``line`` stands for, with the arguments of an alias, which ``words`` begin with.

    Raises Rejected for arguments that are missing, or too many.
    """
    arguments = _Arguments(line, words)
    steps = [arguments.filled(step) for step in split(line)]
    if not arguments.wanted:
        steps[-1] = _extended(steps[-1], words[1:])
    return steps


def _extended(step: Step, arguments: Sequence[str]) -> Step:
    """A command with more arguments at its end."""
    if step.sign == HOST:
        return step._replace(target=" ".join([step.target, *map(_for_host, arguments)]))
    return step._replace(words=[*step.words, *arguments])


class _Arguments:
    """What the parameters of ``line`` stand for where an alias is called with ``words``.  Raises Rejected."""

    def __init__(self, line: str, words: Sequence[str]) -> None:
        self._line = line
        self._name, *self._given = words
        self.wanted = {match["bare"] or match["braced"] for match in _PARAMETER.finditer(line)} - {"$"}
        most = max(map(int, self.wanted - {"*"}), default=0)
        if self.wanted and "*" not in self.wanted and len(self._given) > most:
            raise Rejected(f"{self._name}: {len(self._given)} arguments for {most}: {line}", prefixed=True)

    def filled(self, step: Step) -> Step:
        """A command of the line with the arguments in their places."""
        words = [word for pattern in step.words for word in self._words(pattern)]
        return Step(words, step.sign, self._text(step.target, _for_host if step.sign in (HOST, PIPE) else str))

    def _words(self, pattern: str) -> list[str]:
        """The words that one word of the line becomes: one, but for ``$*`` alone."""
        whole = _PARAMETER.fullmatch(pattern)
        return self._values(whole) if whole and whole["bare"] == "*" else [self._text(pattern, str)]

    def _text(self, pattern: str, spelled: Callable[[str], str]) -> str:
        def value(match: re.Match[str]) -> str:
            return "$" if match["bare"] == "$" else " ".join(map(spelled, self._values(match)))

        return _PARAMETER.sub(value, pattern)

    def _values(self, match: re.Match[str]) -> list[str]:
        which = match["bare"] or match["braced"]
        if which == "*" and (self._given or match["default"] is None):
            return self._given
        if which != "*" and int(which) <= len(self._given):
            return [self._given[int(which) - 1]]
        if match["default"] is None:
            raise Rejected(f"{self._name}: argument {which} is missing: {self._line}", prefixed=True)
        return [match["default"]]


def _for_host(word: str) -> str:
    """A word as the host's shell takes it."""
    from shlex import quote

    return quote(word)
