"""What a session remembers of its operations."""

from __future__ import annotations

import pytest

from pyqio.base.record import Record
from pyqio.verify.journal import KEPT, Effect, Journal, Operation, Outcome


class Done:
    """A command with an effect."""

    def __init__(self, effect):
        self.effect = lambda: effect


def noted(*effects):
    journal = Journal()
    for at, effect in enumerate(effects):
        journal.note(["write", str(at)], Done(effect), 1000.0 + at, 0.25, Outcome())
    return journal


@pytest.mark.parametrize(
    ("start", "end", "touched"), [(0, 512, False), (0, 513, True), (1023, 2000, True), (1024, 2000, False)]
)
def test_touches_when_ranges_meet_then_true(start, end, touched):
    assert Effect("write", 512, 512).touches(start, end) is touched


def test_touching_when_asked_then_only_those_oldest_first():
    journal = noted(Effect("write", 0, 512), Effect("zero", 4096, 512), None, Effect("write", 256, 8192))

    assert [o.number for o in journal.touching(4096, 1)] == [2, 4]
    assert [o.number for o in journal.operations()] == [1, 2, 4]


def test_operations_when_there_are_too_many_then_the_oldest_are_forgotten():
    journal = noted(*[Effect("write", 0, 512)] * (2 * KEPT + 5))

    numbers = [operation.number for operation in journal.operations()]

    assert (len(numbers), numbers[0], numbers[-1]) == (KEPT + 5, KEPT + 1, 2 * KEPT + 5)


def test_load_when_a_record_is_given_then_it_comes_before():
    former = Operation(
        number=7, text="write 0 1k", effect=Effect("write", 0, 1024), outcome=Outcome(), when=1.0, elapsed=0.5,
        session="2026-11-20 10:00",
    )  # fmt: skip
    journal = noted(Effect("write", 0, 512))

    journal.load([former])

    assert isinstance(former, Record)
    assert [(o.number, o.session) for o in journal.operations()] == [(7, "2026-11-20 10:00"), (1, "")]


def test_note_started_when_the_end_comes_later_then_it_counts():
    journal = Journal()
    end = journal.note_started(["aio_write"], Done(Effect("write", 0, 512)), 0.0)
    before = journal.operations()[0].outcome

    end(Outcome("ok", "ok", "ok"))

    assert (before.text, journal.operations()[0].outcome) == ("in flight", ("ok", "ok", "ok"))


def test_operations_when_there_are_former_sessions_then_loaded_once_and_first() -> None:
    asked = []
    former = Operation(
        number=9, text="write 0 1", effect=Effect("write", 0, 1), outcome=Outcome(), when=0.0, elapsed=0.0, session="s"
    )

    def recorded():
        asked.append(True)
        return [former]

    journal = Journal(recorded)

    assert asked == []
    assert [journal.operations(), journal.touching(0, 1), journal.own()] == [[former], [former], []]
    assert asked == [True]
