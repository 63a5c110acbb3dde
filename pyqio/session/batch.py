"""Sessions without a person: the commands of -c, and scripts on standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyqio.session.state import Session

PROMPT: Final = "qemu-io> "

_READ: Final = 1 << 16
LONGEST: Final = 1 << 20
"""Bytes of the longest line of a script."""
_UTF8_LONGEST: Final = 4
_QEMU_LONGEST: Final = 1023
"""qemu-io takes longer lines in pieces of this size."""


def run_commands(session: Session, texts: Iterable[str]) -> None:
    """Run each text as a line, until one ends the session."""
    for text in texts:
        session.run_line(text)
        if session.stopping:
            return


def run_script(session: Session) -> None:
    """Run the lines of standard input, until one ends the session."""
    environment = session.environment
    if session.personality.own:
        environment.is_script = True
        for line in lines(environment.read, LONGEST):
            environment.line += 1
            session.run_line(line)
            if session.stopping:
                return
        environment.line = 0
    else:
        environment.prompt(PROMPT)
        for line in lines(environment.read, _QEMU_LONGEST):
            session.run_line(line.partition("\0")[0])
            if session.stopping:
                return
            environment.prompt(PROMPT)


def lines(read: Callable[[int], bytes], longest: int) -> Iterator[str]:
    """Lines without their ends; one that is longer than ``longest`` bytes, its end included, comes in pieces.

    ``read`` gives up to so many bytes, b"" at the end.
    """
    rest = b""
    while data := read(_READ):
        whole, end, rest = (rest + data).rpartition(b"\n")
        if end:
            found = whole.decode("utf-8", "surrogateescape").split("\n")
            if max(map(len, found)) < longest // _UTF8_LONGEST:
                yield from found
            else:
                for line in whole.split(b"\n"):
                    yield from _pieces(line + b"\n", longest)
        while len(rest) >= longest:
            yield rest[:longest].decode("utf-8", "surrogateescape")
            rest = rest[longest:]
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def _pieces(line: bytes, longest: int) -> Iterator[str]:
    for at in range(0, len(line), longest):
        yield line[at : at + longest].removesuffix(b"\n").decode("utf-8", "surrogateescape")
