"""Aliases: names that the user gives to command lines, with parameters.

In the line of an alias ``$1`` to ``$9`` stand for its arguments, ``$*`` for all of them, and ``${2:-512}`` for the
second, or 512 where there is none; ``$$`` is a dollar sign.  A line without any takes the arguments at its end.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from pyqio.commands import index
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Refused
from pyqio.session.split import Step, quoted, split
from pyqio.session.tokens import HOST, PIPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    name, *arguments = words
    wanted = {match["bare"] or match["braced"] for match in _PARAMETER.finditer(line)} - {"$"}
    most = max(map(int, wanted - {"*"}), default=0)
    if wanted and "*" not in wanted and len(arguments) > most:
        raise Rejected(f"{name}: {len(arguments)} arguments for {most}: {line}", prefixed=True)
    steps = split(line)
    if not wanted and arguments:
        *steps, last = steps
        rest = " ".join(map(_for_host, ["", *arguments])) if last.sign == HOST else ""
        steps.append(Step([*last.words, *([] if rest else arguments)], last.sign, last.target + rest))
    value = partial(_value, name, arguments, line)
    return [_filled(step, value) for step in steps] if wanted or "$$" in line else steps


def _filled(step: Step, value: Callable[[re.Match[str]], list[str]]) -> Step:
    words = [word for pattern in step.words for word in _words(pattern, value)]
    spelled = _for_host if step.sign in (HOST, PIPE) else str
    target = _PARAMETER.sub(lambda match: " ".join(_spelled(match, value, spelled)), step.target)
    return Step(words, step.sign, target)


def _spelled(
    match: re.Match[str], value: Callable[[re.Match[str]], list[str]], spelled: Callable[[str], str]
) -> Iterator[str]:
    return iter(["$"]) if match["bare"] == "$" else map(spelled, value(match))


def _words(pattern: str, value: Callable[[re.Match[str]], list[str]]) -> list[str]:
    """The words that one word of the line becomes: one, but for ``$*`` alone."""
    whole = _PARAMETER.fullmatch(pattern)
    if whole and whole["bare"] == "*":
        return value(whole)
    return [_PARAMETER.sub(lambda match: " ".join(_spelled(match, value, str)), pattern)]


def _value(name: str, arguments: Sequence[str], line: str, match: re.Match[str]) -> list[str]:
    """What a parameter stands for."""
    which = match["bare"] or match["braced"]
    if which == "*" and (arguments or match["default"] is None):
        return list(arguments)
    if which != "*" and int(which) <= len(arguments):
        return [arguments[int(which) - 1]]
    if match["default"] is None:
        raise Rejected(f"{name}: argument {which} is missing: {line}", prefixed=True)
    return [match["default"]]


def _for_host(word: str) -> str:
    """A word as the host's shell takes it."""
    from shlex import quote

    return quote(word) if word else ""
