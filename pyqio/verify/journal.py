"""The operations of a session on its image, so that a byte that is wrong can be traced to whoever wrote it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol

    class Acting(Protocol):
        """A command."""

        def effect(self) -> Effect | None:
            """What it does to the image's bytes."""
            ...

    Entry = list[Any]
    """Words, command, when, elapsed, outcome."""

KEPT: Final = 5_000
"""Operations that are remembered at least; older ones are forgotten."""

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

    @property
    def words(self) -> str:
        """Both sides' outcomes, or what was wrong though both of them did it."""
        both_did = (self.raw, self.test) == ("ok", "ok")
        return f"{self.raw}/{self.test}" if self.raw and (self.text == "ok" or not both_did) else self.text


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


class Journal:
    """The last operations on the open image, KEPT or more, and before them those of former sessions.

    They are noted as they come, tens of thousands a second, and hardly any is looked at: what they did to the image
    is asked for only then.  ``recorded``: gives those of former sessions, when they are first asked for.
    """

    def __init__(self, recorded: Callable[[], Iterable[Operation]] = tuple) -> None:
        self._entries: list[Entry] = []
        self._forgotten = 0
        self._load = recorded

    def note(self, words: Sequence[str], command: Acting, when: float, elapsed: float, outcome: Outcome) -> None:
        """Remember a command that was typed as ``words``."""
        entries = self._entries
        entries.append([words, command, when, elapsed, outcome])
        if len(entries) > 2 * KEPT:
            del entries[:KEPT]
            self._forgotten += KEPT

    def note_started(self, words: Sequence[str], command: Acting, when: float) -> Callable[[Outcome], None]:
        """Remember a command that goes on; what is returned is to be told how it ended."""
        self.note(words, command, when, 0.0, IN_FLIGHT)
        entry = self._entries[-1]

        def end(outcome: Outcome) -> None:
            entry[-1] = outcome

        return end

    def begin(self, recorded: Callable[[], Iterable[Operation]] = tuple) -> None:
        """Another image is open: what was done to the one before is forgotten, but the numbers go on."""
        self._forgotten += len(self._entries)
        self._entries.clear()
        vars(self).pop("recorded", None)
        self._load = recorded

    def load(self, recorded: Iterable[Operation]) -> None:
        """Put the operations of former sessions before those of this one."""
        self.recorded = tuple(recorded)

    @cached_property
    def recorded(self) -> Sequence[Operation]:
        """The operations of former sessions, oldest first."""
        return tuple(self._load())

    def own(self) -> list[Operation]:
        """The operations of this session, oldest first."""
        return self.since(0)

    @property
    def noted(self) -> int:
        """How many commands were noted, those that are forgotten among them."""
        return self._forgotten + len(self._entries)

    def since(self, number: int) -> list[Operation]:
        """Those of this session after the ``number``-th, oldest first."""
        start = max(number - self._forgotten, 0)
        entries = enumerate(self._entries[start:], self._forgotten + start + 1)
        return [operation for at, entry in entries if (operation := _operation(at, *entry))]

    @property
    def count(self) -> int:
        """Commands that were noted so far."""
        return self._forgotten + len(self._entries)

    def operations(self) -> list[Operation]:
        """All that are remembered, oldest first."""
        return [*self.recorded, *self.own()]

    def touching(self, offset: int, length: int) -> list[Operation]:
        """Those that concern bytes of a range, oldest first."""
        return [o for o in self.operations() if o.effect.touches(offset, offset + length)]

    def first_change(self, count: int) -> int | None:
        """The lowest offset that an operation of this session changed after the first ``count``; None where none did.

        Operations that are forgotten by now may have changed everything.
        """
        if count < self._forgotten:
            return 0
        effects = [command.effect() for _, command, *_ in self._entries[count - self._forgotten :]]
        return min((effect.offset for effect in effects if effect and effect.changes), default=None)


def _operation(
    number: int, words: Sequence[str], command: Acting, when: float, elapsed: float, outcome: Outcome
) -> Operation | None:
    effect = command.effect()
    if effect is None:
        return None
    return Operation(number=number, text=" ".join(words), effect=effect, outcome=outcome, when=when, elapsed=elapsed)
