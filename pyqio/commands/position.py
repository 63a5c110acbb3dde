"""Where in the image a session is looking."""

from __future__ import annotations

from typing import Final

_REMEMBERED: Final = 100


class Position:
    """An offset in bytes that commands take for ``.``, the way to it, and bookmarks.

    ``marks``: offsets by the name that the user gave them.
    """

    def __init__(self) -> None:
        self.marks: dict[str, int] = {}
        self._ring = [0]
        self._at = 0

    @property
    def offset(self) -> int:
        """Where the session looks now."""
        return self._ring[self._at]

    def goto(self, offset: int) -> None:
        """Look at ``offset``; what was ahead of the way there is forgotten."""
        if offset != self.offset:
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
        possible = 0 <= self._at + by < len(self._ring)
        self._at += by if possible else 0
        return possible
