"""The journal of a verified pair on disk, so that a later session knows who wrote what.

One file a pair in $XDG_STATE_HOME/pyqio/journal/, named by a digest of the real paths of both sides' files, for its
user alone (0600).  It has a JSON object a line, a session after the other:

    {"session": "2026-11-23 06:00:10", "raw": ["/x/raw.img", 65536, 1795413610000000000, 12], "test": [...]}
    {"n": 1, "op": "write -P 0x11 0 64k", "kind": "write", "offset": 0, "length": 65536, "fill": 17, "when": ...,
     "elapsed": ..., "outcome": ["ok", "ok", "ok"]}
    {"end": true, "raw": [...], "test": [...]}

``raw`` and ``test`` are the sides' files as the session found them, and as it left them: path, size (bytes), time of
the last change (ns since 1970 UTC), inode.  A raw side that is not found as it was left has been written to by others,
or is another file: what was done to it before tells nothing any more, and is left out.

The file is read with distrust: what is no such line is skipped.  One that has grown past LARGEST loses its older half.
Where it cannot be written there is none: no session is disturbed by it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pyqio.base import folders
from pyqio.verify import untrusted
from pyqio.verify.journal import Effect, Operation, Outcome
from pyqio.verify.pair import file_at
from pyqio.verify.untrusted import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.verify.pair import File

LARGEST: Final = 4 << 20
"""Bytes of a file."""
_KINDS: Final = ("read", "write", "zero", "discard", "truncate", "flush", "other")
_LONGEST_TEXT: Final = 1024
_END: Final = 64 << 10
"""Bytes in which the last line is."""


class Store:
    """The journal of one pair.  ``raw`` and ``test``: the files of its sides as they were when they were opened."""

    def __init__(self, raw: File, test: File) -> None:
        self._raw = raw
        self._test = test

    @property
    def path(self) -> str:
        """The file's name."""
        from zlib import crc32

        # Whose it is stands in it too, so that a coincidence does no harm.
        digest = "".join(f"{crc32(os.fsencode(file.path)):08x}" for file in (self._raw, self._test))
        return folders.state("journal", f"{digest}.jsonl")

    def append(self, operations: Sequence[Operation]) -> None:
        """Keep the operations of a session that has closed the pair."""
        if not operations:
            return
        path = self.path
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(operations[0].when))
        with suppress(OSError):
            left = {"raw": file_at(self._raw.path), "test": file_at(self._test.path)}
            first = {"session": began, "raw": self._raw, "test": self._test}
            data = "".join(_dumped([first, *map(values, operations), {"end": True, **left}])).encode()
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            _append(path, data)
            if os.path.getsize(path) > LARGEST:
                _halve(path)

    def load(self) -> list[Operation]:
        """The operations of former sessions on these files, oldest first."""
        operations: list[Operation] = []
        session = ""
        left: Any = None
        for line in _lines(self.path, LARGEST):
            with suppress(Malformed):
                if "session" in line:
                    session = untrusted.text(line, "session")
                    if line.get("raw") != left:
                        operations.clear()
                elif "end" in line:
                    left = line.get("raw")
                else:
                    operations.append(operation({**line, "session": session}))
        return operations if left == list(self._raw) else []

    def change(self) -> str:
        """Words for what others did to the test side's file since the last session closed it; "" for nothing."""
        *_, last = [{}, *_lines(self.path, _END)]
        left = last.get("test")
        if "end" not in last or left == list(self._test):
            return ""
        same_file = isinstance(left, list) and left[-1:] == [self._test.inode]
        return "was changed after that session had ended" if same_file else "is another file since that session ended"


def values(operation: Operation) -> dict[str, Any]:
    """An operation as JSON has it."""
    effect = operation.effect
    said = {
        "n": operation.number,
        "op": operation.text[:_LONGEST_TEXT],
        "kind": effect.kind,
        "offset": effect.offset,
        "length": effect.length,
        "fill": effect.fill,
        "when": round(operation.when, 6),
        "elapsed": round(operation.elapsed, 6),
        "outcome": list(operation.outcome),
    }
    return said | ({"session": operation.session} if operation.session else {})


def operation(line: Any) -> Operation:
    """The operation that JSON tells of.  Raises Malformed."""
    line = untrusted.mapping(line, "an operation")
    kind = untrusted.text(line, "kind")
    if kind not in _KINDS:
        raise Malformed("an operation is of no known kind")
    outcome = {str(at): word for at, word in enumerate(untrusted.sequence(line, "outcome", 3))}
    fill = None if line.get("fill") is None else untrusted.number(line, "fill", 255)
    return Operation(
        number=untrusted.number(line, "n"),
        text=untrusted.text(line, "op"),
        effect=Effect(kind, untrusted.number(line, "offset"), untrusted.number(line, "length"), fill),
        outcome=Outcome(*(untrusted.text(outcome, str(at)) for at in range(3))),
        when=untrusted.moment(line, "when"),
        elapsed=untrusted.moment(line, "elapsed"),
        session=untrusted.text(line, "session") if "session" in line else "",
    )


def _dumped(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    import json

    encode = json.JSONEncoder(separators=(",", ":")).encode
    return (f"{encode(line)}\n" for line in lines)


def _lines(path: str, size: int) -> Iterator[dict[str, Any]]:
    import json

    try:
        data = _tail(path, size)
    except OSError:
        return
    for line in data.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _append(path: str, data: bytes) -> None:
    """In one piece, so that two sessions that end together do not mix their lines."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def _tail(path: str, size: int) -> bytes:
    """The last ``size`` bytes, from the start of a line on.  Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        length = os.fstat(fd).st_size
        data = os.pread(fd, size, max(0, length - size))
    finally:
        os.close(fd)
    return data if length <= size else data.partition(b"\n")[2]


def _halve(path: str) -> None:
    """Keep the newer half.  Raises OSError."""
    data = _tail(path, LARGEST // 2)
    fresh = f"{path}.{os.getpid()}"
    _append(fresh, data)
    os.replace(fresh, path)
