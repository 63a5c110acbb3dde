"""Requests that overlap, kept apart."""

from __future__ import annotations

import threading
from typing import NamedTuple


class Claim(NamedTuple):
    """Bytes ``start`` to ``end`` (exclusive) that a request is busy with."""

    start: int
    end: int
    writing: bool


class Overlap:
    """The ranges in flight at one node: a write has its range to itself, reads share theirs."""

    __slots__ = ("_changed", "_claims")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._claims: list[Claim] = []

    def enter(self, offset: int, length: int, *, writing: bool) -> Claim:
        """Wait until no request is in the way, and take the range; ``leave`` gives it back."""
        claim = Claim(offset, offset + length, writing)
        with self._changed:
            while self._claims and self._in_the_way(claim):
                self._changed.wait()
            self._claims.append(claim)
        return claim

    def leave(self, claim: Claim) -> None:
        """Give a range back."""
        with self._changed:
            self._claims.remove(claim)
            self._changed.notify_all()

    def _in_the_way(self, claim: Claim) -> bool:
        return any(
            claim.start < other.end and other.start < claim.end and (claim.writing or other.writing)
            for other in self._claims
        )
