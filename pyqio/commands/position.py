"""Where in the image a session is looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyqio.verify.journal import Journal, Operation

_REMEMBERED: Final = 100
_ON_RANGES: Final = ("read", "write", "zero", "discard")
_DONE: Final = ("ok", "in flight", "mismatch", "pattern verification failed")


class Position:
    """An offset in bytes that commands take for ``.``, the way to it, and bookmarks.

    Operations of the ``journal`` move it to where they begin; that is looked up when somebody asks.
    ``marks``: offsets by the name that the user gave them.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._followed = 0
        self.marks: dict[str, int] = {}
        self._ring = [0]
        self._at = 0

    @property
    def offset(self) -> int:
        """Where the session looks now."""
        self._follow()
        return self._ring[self._at]

    def goto(self, offset: int) -> None:
        """Look at ``offset``; what was ahead of the way there is forgotten."""
        self._follow()
        self._go(offset)

    def _follow(self) -> None:
        for operation in self._journal.since(self._followed):
            if _moves(operation):
                self._go(operation.effect.offset)
        self._followed = self._journal.noted

    def _go(self, offset: int) -> None:
        if offset != self._ring[self._at]:
            self._ring[self._at + 1 :] = [offset]
            del self._ring[:-_REMEMBERED]
            self._at = len(self._ring) - 1

    def back(self) -> bool:
        """Look where the session looked before; False where that was nowhere."""
        return self._step(-1)

    def forward(self) -> bool:
        """Undo a step back; False where there was none."""
        return self._step(1)

    def _step(self, by: int) -> bool:
        self._follow()
        possible = 0 <= self._at + by < len(self._ring)
        self._at += by if possible else 0
        return possible


def _moves(operation: Operation) -> bool:
    return operation.effect.kind in _ON_RANGES and operation.outcome.text in _DONE
