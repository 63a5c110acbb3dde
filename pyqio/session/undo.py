"""What commands have overwritten, for as long as the image is open, so that it can be put back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import BlockError
from pyqio.commands.rejected import Rejected
from pyqio.verify.journal import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.image import Image
    from pyqio.commands.command import Command
    from pyqio.session.state import Session

_LARGEST: Final = 16 << 20
"""Bytes of the longest range whose contents are kept."""
_KEPT: Final = 64 << 20
"""Bytes that are kept in all."""
_REMEMBERED: Final = 1000
"""Commands that are remembered."""


class Former(NamedTuple):
    """What was there before the command ``text``.

    ``length``: the image's, in bytes.  ``pieces``: (offset, length, data), None for zeroes, ascending.  ``lost``: why
    nothing is kept, "" where it is.
    """

    text: str
    effect: Effect
    length: int
    pieces: Sequence[tuple[int, int, bytes | None]] = ()
    lost: str = ""

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return sum(len(data) for _, _, data in self.pieces if data)


class Restored:
    """For the journal: what an undo has done."""

    def __init__(self, former: Former) -> None:
        self._former = former

    def effect(self) -> Effect:
        """A write, where the command had changed something."""
        effect = self._former.effect
        if effect.kind == "truncate":
            return Effect("truncate", self._former.length, effect.length)
        return Effect("write", effect.offset, effect.length)


class Overwritten:
    """What commands of a session have overwritten in its image, within bounds."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._former: list[Former] = []

    def secure(self, words: Sequence[str], command: Command) -> None:
        """Ask the person in the shell, and keep what a command is about to overwrite.  Raises Rejected.

        Where it cannot be kept, nothing before it can be undone either.
        """
        session = self._session
        effect = command.effect()
        changes = effect is not None and effect.changes
        is_shell = not session.stop_on_divergence
        text = " ".join(words)
        if is_shell and (changes or command.spec.writes) and not session.confirm(f"{text}: change the image?"):
            raise Rejected("not carried out ('set safe off' asks no more)", prefixed=True)
        if effect is not None and changes:
            session.drain()
            self._former.append(self._taken(session.image, text, effect))
            while len(self._former) > _REMEMBERED or sum(former.size for former in self._former) > _KEPT:
                del self._former[0]

    def undo(self) -> str:
        """Put back what the last command has changed; returns its text.  Raises Rejected, BlockError."""
        session = self._session
        session.drain()
        when, started = time.time(), session.clock()
        former = self._put_back(session.image)
        session.log.note(["undo"], Restored(former), when, session.clock() - started)
        return former.text

    def _put_back(self, image: Image) -> Former:
        if not self._former:
            raise Rejected("there is nothing to undo: 'set safe on' keeps what commands overwrite", prefixed=True)
        former = self._former[-1]
        if former.lost:
            raise Rejected(f"'{former.text}' cannot be undone: {former.lost}", prefixed=True)
        if image.length() != former.length:
            image.truncate(former.length, exact=False)
        for offset, length, data in former.pieces:
            if data is None:
                image.zero(offset, length)
            else:
                image.pwrite(offset, data)
        return self._former.pop()

    def _taken(self, image: Image, text: str, effect: Effect) -> Former:
        length = image.length()
        former = Former(text, effect, length)
        if effect.kind == "other":
            return former._replace(lost="it may change everything")
        start = min(effect.offset, length)
        end = min(effect.offset + effect.length, length)
        if end - start > _LARGEST:
            return former._replace(lost=f"{end - start} bytes are too many to keep")
        try:
            return former._replace(pieces=self._read(image, start, end))
        except BlockError as error:
            return former._replace(lost=f"what was there could not be read: {error.message}")

    def _read(self, image: Image, start: int, end: int) -> Sequence[tuple[int, int, bytes | None]]:
        pieces = []
        for part in image.stream(start, end - start, self._session.view):
            data = bytes(part)
            pieces.append((start, len(data), data if data.strip(b"\0") else None))
            start += len(data)
        return pieces
