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
    letters: Container[str],
    with_argument: Container[str],
    long: Mapping[str, str] = _NONE,
) -> Iterator[tuple[str, str]]:
    """Yield (letter, argument) for each option of ``words``, whose first word is the command; fill ``operands``.

    The argument is "" for a letter that takes none.  ``long``: whole words and the letters that they stand for.
    ``operands`` is complete when the iterator is exhausted.
    Raises Rejected, after what came before was yielded.
    """
    rest = iter(words)
    command = next(rest)
    for word in rest:
        if word == "--":
            operands.extend(rest)
        elif word in long:
            yield long[word], ""
        elif len(word) < 2 or word[0] != "-":
            operands.append(word)
        else:
            at = 1
            while at < len(word):
                letter = word[at]
                at += 1
                if letter not in letters:
                    raise Rejected(f"{command}: invalid option -- '{first_byte(letter)}'", stderr=True, usage=True)
                argument = ""
                if letter in with_argument:
                    joined = word[at:]
                    following = joined or next(rest, None)
                    if following is None:
                        raise Rejected(f"{command}: option requires an argument -- '{letter}'", stderr=True, usage=True)
                    argument, at = following, len(word)
                yield letter, argument


def first_byte(letter: str) -> str:
    """The first byte of a character: getopt sees bytes."""
    return letter.encode("utf-8", "surrogateescape")[:1].decode("utf-8", "surrogateescape")
