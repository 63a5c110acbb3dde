"""Requests that overlap wait for one another, others do not."""

from __future__ import annotations

import threading

import pytest

from pyqio.block.overlap import Overlap


def entered_meanwhile(overlap: Overlap, offset: int, length: int, *, writing: bool) -> bool:
    """Whether another thread gets its range within a moment."""
    done = threading.Event()
    thread = threading.Thread(target=lambda: (overlap.enter(offset, length, writing=writing), done.set()), daemon=True)
    thread.start()
    return done.wait(0.05)


@pytest.mark.parametrize(
    ("first", "second", "enters"),
    [
        ((0, 100, True), (100, 100, True), True),
        ((0, 100, True), (99, 1, True), False),
        ((0, 100, False), (50, 10, True), False),
        ((0, 100, True), (50, 10, False), False),
        ((0, 100, False), (50, 10, False), True),
        ((0, 2**64, True), (0, 0, False), True),
    ],
)
def test_enter_when_another_is_in_flight_then_only_writes_on_common_bytes_wait(first, second, enters) -> None:
    overlap = Overlap()
    overlap.enter(first[0], first[1], writing=first[2])

    entered = entered_meanwhile(overlap, second[0], second[1], writing=second[2])

    assert entered is enters


def test_leave_when_somebody_waits_then_he_enters() -> None:
    overlap = Overlap()
    claim = overlap.enter(0, 100, writing=True)
    done = threading.Event()
    threading.Thread(target=lambda: (overlap.enter(0, 1, writing=True), done.set()), daemon=True).start()

    overlap.leave(claim)

    assert done.wait(5)
