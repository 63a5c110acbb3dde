"""The way through an image."""

from __future__ import annotations

from pyqio.commands.position import Position
from pyqio.verify.journal import Journal


def test_back_and_forward_when_there_was_a_way_then_along_it():
    position = Position(Journal())
    position.goto(512)
    position.goto(4096)

    steps = [(position.back(), position.offset), (position.back(), position.offset), (position.back(), position.offset)]
    again = [(position.forward(), position.offset), (position.forward(), position.offset), position.forward()]

    assert steps == [(True, 512), (True, 0), (False, 0)]
    assert again == [(True, 512), (True, 4096), False]


def test_goto_when_a_step_back_came_before_then_the_old_way_is_forgotten():
    position = Position(Journal())
    position.goto(512)
    position.back()
    position.goto(1024)

    assert (position.forward(), position.back(), position.offset) == (False, True, 0)


def test_goto_when_it_is_the_same_place_then_it_is_no_step():
    position = Position(Journal())
    position.goto(512)
    position.goto(512)

    assert (position.back(), position.offset) == (True, 0)


def test_goto_when_the_way_is_long_then_its_start_is_forgotten():
    position = Position(Journal())
    for offset in range(1, 1000):
        position.goto(offset)

    steps = sum(1 for _ in iter(position.back, False))

    assert (steps, position.offset) == (99, 900)
