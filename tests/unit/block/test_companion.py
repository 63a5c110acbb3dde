"""Two things done at once, both to their end."""

from __future__ import annotations

import threading
import time

import pytest

from pyqio.block.companion import Companion


@pytest.fixture
def companion():
    made = Companion()
    yield made
    made.close()


def test_both_when_they_wait_for_one_another_then_they_run_at_once(companion) -> None:
    barrier = threading.Barrier(2, timeout=5)

    outcomes = companion.both(barrier.wait, barrier.wait)

    assert outcomes == (None, None)


def test_both_when_they_fail_then_each_error_is_an_outcome(companion) -> None:
    other, own = ValueError("other"), KeyboardInterrupt()

    def fail(error):
        raise error

    outcomes = companion.both(lambda: fail(other), lambda: fail(own))

    assert outcomes == (other, own)


def test_both_when_repeated_then_an_old_error_is_forgotten(companion) -> None:
    companion.both(lambda: 1 / 0, lambda: None)

    outcomes = companion.both(lambda: None, lambda: None)

    assert outcomes == (None, None)


def test_both_when_the_caller_fails_at_once_then_the_other_is_waited_for(companion) -> None:
    done = []

    companion.both(lambda: (time.sleep(0.02), done.append(1)), lambda: 1 / 0)

    assert done == [1]
    assert companion.busy is False


def test_close_when_the_thread_ran_then_it_ends() -> None:
    companion = Companion()
    before = threading.active_count()
    companion.both(lambda: None, lambda: None)

    companion.close()

    assert threading.active_count() == before
