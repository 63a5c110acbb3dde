"""Option letters, taken from a command line as GNU getopt(3) takes them.

Options and operands may be mixed, letters bundled (``-vP0x48``), an argument joined to its letter or the next word,
and ``--`` ends the options.  The complaints are glibc's.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


def options(
    words: Sequence[str],
    operands: list[str],
    *,
    known: Container[str],
    with_argument: Container[str],
    mixed: bool = True,
    long: Mapping[str, str] = _NONE,
    numbers: bool = False,
) -> Iterator[tuple[str, str]]:
    """Yield (key, argument) for each option of ``words``, whose first word is the command; fill ``operands``.

    The argument is "" for an option that takes none.  ``known``: letters and other keys of options; ``long``: long
    words (--child) and the keys that they stand for, of which some may not be known.  ``mixed``: options may follow
    operands.  ``numbers``: a word such as -5 is an operand where no option is a digit.
    ``operands`` is complete when the iterator is exhausted.
    Raises Rejected, after what came before was yielded.
    """
    rest = iter(words)
    command = next(rest)
    for word in rest:
        if word == "--":
            operands.extend(rest)
        elif word.startswith("--") and (key := long.get(word.partition("=")[0])) and key in known:
            yield key, _long_argument(command, word, rest, wanted=key in with_argument)
        elif len(word) < 2 or word[0] != "-" or (numbers and word[1].isdecimal() and word[1] not in known):
            operands.append(word)
            if not mixed:
                operands.extend(rest)
        else:
            at = 1
            while at < len(word):
                letter = word[at]
                at += 1
                if letter not in known:
                    message = f"{command}: invalid option -- '{first_byte(letter)}'"
                    raise Rejected(message, stderr=True, usage=True, text=word)
                argument = ""
                if letter in with_argument:
                    joined = word[at:]
                    following = joined or next(rest, None)
                    if following is None:
                        message = f"{command}: option requires an argument -- '{letter}'"
                        raise Rejected(message, stderr=True, usage=True, text=word)
                    argument, at = following, len(word)
                yield letter, argument


def _long_argument(command: str, word: str, rest: Iterator[str], *, wanted: bool) -> str:
    name, equals, argument = word.partition("=")
    if equals and not wanted:
        raise Rejected(f"{command}: option '{name}' doesn't allow an argument", stderr=True, usage=True, text=word)
    if equals or not wanted:
        return argument
    following = next(rest, None)
    if following is None:
        raise Rejected(f"{command}: option '{name}' requires an argument", stderr=True, usage=True, text=word)
    return following


def first_byte(letter: str) -> str:
    """The first byte of a character: getopt sees bytes."""
    return letter.encode("utf-8", "surrogateescape")[:1].decode("utf-8", "surrogateescape")
