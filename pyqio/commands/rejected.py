"""A command line that has no meaning, in qemu-io 7.2's words and on its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


_MOST: Final = 3
_ELSEWHERE: Final = {
    "bye": "quit",
    "cat": "read",
    "cmp": "diff",
    "compare": "verify",
    "config": "set",
    "dump": "read",
    "exit": "quit",
    "find": "search",
    "hexdump": "read",
    "logout": "quit",
    "man": "help",
    "pread": "read",
    "pwrite": "write",
    "resize": "truncate",
    "run": "source",
    "seek": "goto",
    "size": "length",
}
"""What other shells and tools call a command."""


class Rejected(UsageError):
    """A command that was not carried out; ``str()`` is the whole message, "" for none.

    ``stderr``: which stream the message goes to.  ``prefixed``: it starts with the program's name.  ``usage``: the
    command's one-line help follows, on standard output.  ``text``: what of the line is wrong, "" where that is not
    known.
    """

    def __init__(
        self,
        message: str = "",
        *,
        stderr: bool = False,
        prefixed: bool = False,
        usage: bool = False,
        text: str = "",
    ) -> None:
        super().__init__(message)
        self.stderr = stderr or prefixed
        self.prefixed = prefixed
        self.usage = usage
        self.text = text


class Answered(Exception):
    """A command that is done before it was run; ``str()`` is the line that it says."""


def near(word: str, known: Iterable[str]) -> list[str]:
    """Those of the known words that may have been meant, the most likely first."""
    from difflib import get_close_matches

    words = list(known)
    meant = _ELSEWHERE.get(word, "")
    return [meant] if meant in words else get_close_matches(word, words, _MOST)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about a word that is not among those that are known, "" where none of them is like it."""
    likely = near(word, known)
    return f"; did you mean {' or '.join(likely)}?" if likely else ""
