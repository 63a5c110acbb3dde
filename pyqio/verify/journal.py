"""The operations of a session on its image, so that a byte that is wrong can be traced to whoever wrote it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KEPT: Final = 10_000
"""Operations that are remembered; older ones are forgotten."""

ENDLESS: Final = 2**64
"""The length of an operation on everything from its offset on."""


class Effect(NamedTuple):
    """What a command does to an image's bytes.

    ``kind``: read, write, zero, discard, truncate, flush or other.  ``offset`` and ``length`` are bytes, both 0 for a
    flush; a truncate has the new size for its offset.  ``fill``: the byte that it writes everywhere, None where it is
    not one byte.
    """

    kind: str
    offset: int
    length: int
    fill: int | None = None

    def touches(self, start: int, end: int) -> bool:
        """Whether a byte from ``start`` to ``end`` (exclusive) is concerned."""
        return self.offset < end and start < self.offset + self.length

    @property
    def changes(self) -> bool:
        """Whether it may change bytes."""
        return self.kind not in ("read", "flush")


class Outcome(NamedTuple):
    """How an operation ended, in words: "ok", or the reason.

    ``raw`` and ``test``: how it ended on the sides of a verified pair, "" where there is no pair.
    """

    text: str = "ok"
    raw: str = ""
    test: str = ""


IN_FLIGHT: Final = Outcome("in flight")


class Operation(Record):
    """One operation, as a session or a record of one tells it.

    ``number``: from 1 within its session.  ``text``: as it was typed.  ``when``: seconds since 1970 UTC; ``elapsed``:
    seconds.  ``session``: "" for the running one, else what names the one that it was.
    """

    number: int
    text: str
    effect: Effect
    outcome: Outcome
    when: float
    elapsed: float
    session: str = ""


class Entry:
    """An operation as it is noted: cheaply, since there may be many and hardly any is looked at."""

    __slots__ = ("_describe", "elapsed", "number", "outcome", "when", "words")

    def __init__(
        self, number: int, words: Sequence[str], describe: Callable[[], Effect | None], when: float, outcome: Outcome
    ) -> None:
        self.number = number
        self.words = words
        self.when = when
        self.elapsed = 0.0
        self.outcome = outcome
        self._describe = describe

    def operation(self) -> Operation | None:
        """All about it; None where no byte is concerned."""
        effect = self._describe()
        if effect is None:
            return None
        return Operation(
            number=self.number,
            text=" ".join(self.words),
            effect=effect,
            outcome=self.outcome,
            when=self.when,
            elapsed=self.elapsed,
        )


class Journal:
    """The last KEPT operations of a session, and before them those that were loaded from a record."""

    def __init__(self) -> None:
        self.count = 0
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._recorded: Sequence[Operation] = ()

    def note(self, words: Sequence[str], describe: Callable[[], Effect | None], when: float, outcome: Outcome) -> Entry:
        """Remember a command that was typed as ``words``; its outcome may be changed later."""
        self.count += 1
        entry = Entry(self.count, words, describe, when, outcome)
        self._entries.append(entry)
        return entry

    def load(self, recorded: Iterable[Operation]) -> None:
        """Put the operations of former sessions before those of this one."""
        self._recorded = tuple(recorded)

    def operations(self) -> list[Operation]:
        """All that are remembered, oldest first."""
        own = (entry.operation() for entry in self._entries)
        return [*self._recorded, *(operation for operation in own if operation)]

    def touching(self, offset: int, length: int) -> list[Operation]:
        """Those that concern bytes of a range, oldest first."""
        return [o for o in self.operations() if o.effect.touches(offset, offset + length)]
