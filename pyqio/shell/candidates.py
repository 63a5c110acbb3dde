"""What the word before the cursor may become: names of commands, their flags, values and files."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.kinds import Path
from pyqio.commands import index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.base.kinds import Kind
    from pyqio.commands.command import Spec
    from pyqio.commands.kinds import Argument

_WORDS: Final = re.compile(r"""(?:[^\s"';]|"[^"]*"?|'[^']*'?)+|;""")
_LISTED: Final = 1000
"""Names of one folder that are offered at most."""


class Candidate(NamedTuple):
    """``text`` may stand in the place of the last ``replaced`` characters; ``meaning`` explains it."""

    text: str
    replaced: int
    meaning: str = ""


def candidates(before: str, *, own: bool = True) -> Iterator[Candidate]:
    """What may follow the text ``before`` the cursor.  ``own``: also commands that qemu-io has not."""
    words = _WORDS.findall(before)
    if ";" in words:
        words = words[len(words) - words[::-1].index(";") :]
    current = words.pop() if words and not before[-1:].isspace() else ""
    if not words:
        names = (spec for spec in index.every(own=own) if spec.name.startswith(current))
        yield from (Candidate(spec.name, len(current), spec.summary) for spec in names)
    elif spec := index.find(words[0]):
        yield from _in_command(spec, words[1:], current, own=own)


def _in_command(spec: Spec, words: Sequence[str], current: str, *, own: bool) -> Iterator[Candidate]:
    operands, kind = _place(spec, words)
    if kind is not None:
        yield from _values(kind.among(words), current)
    elif current.startswith("-"):
        for option in (spec.options if own else spec.qemu_options).values():
            for spelling in option.flag.spellings:
                yield Candidate(spelling, len(current), option.flag.meaning)
    elif spec.name == "help":
        names = (known for known in index.every(own=own) if known.name.startswith(current))
        yield from (Candidate(known.name, len(current), known.summary) for known in names)
    elif operands < len(spec.operands):
        yield from _values(spec.operands[operands].kind, current)


def _place(spec: Spec, words: Sequence[str]) -> tuple[int, Argument | None]:
    """How many operands came before, and the kind of the argument that the flag before waits for."""
    operands = 0
    waiting: Argument | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            option = spec.options.get(word if word.startswith("--") else word[-1:])
            waiting = option.kind if option else None
        else:
            operands += 1
    return operands, waiting


def _values(kind: Kind, current: str) -> Iterator[Candidate]:
    if isinstance(kind, Path):
        yield from _files(current)
    else:
        yield from (Candidate(word, len(current)) for word in kind.complete(current))


def _files(current: str) -> Iterator[Candidate]:
    """Files for the part after the last colon, since a pair's name holds several: blkverify:raw:test."""
    typed = current.lstrip("\"'").rpartition(":")[2]
    folder, start = os.path.split(typed)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = sorted((e.name, e.is_dir()) for e in entries if e.name.startswith(start))
    except OSError:
        return
    for name, is_folder in found[:_LISTED]:
        if not name.startswith(".") or start.startswith("."):
            yield Candidate(name + "/" * is_folder, len(start), "folder" if is_folder else "")
