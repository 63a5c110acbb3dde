"""Reads in steps, whose errors speak of the whole request."""

from __future__ import annotations

import pytest

from pyqio.base.compare import differences
from pyqio.base.errors import BlockError, MismatchError, OutcomeMismatch
from pyqio.base.types import Run
from pyqio.block.stream import pread_steps


class Reads:
    """Steps of a read: an error for those that start at some offsets."""

    def __init__(self, errors: dict[int, BlockError]) -> None:
        self.errors = errors
        self.offsets: list[int] = []

    def __call__(self, offset: int, buf: memoryview) -> None:
        self.offsets.append(offset)
        if error := self.errors.get(offset):
            raise error


def mismatch(offset: int) -> MismatchError:
    """The first byte of a step of ten differs."""
    found = differences(offset, bytearray(10), bytearray(b"\1" + bytes(9)))
    return MismatchError(operation="read", offset=offset, length=10, differences=found)


def steps(reads: Reads, offset: int = 100, count: int = 5):
    return pread_steps(reads, offset, 10 * count, [memoryview(bytearray(10)) for _ in range(count)])


def test_pread_steps_when_all_is_well_then_each_buffer_once_it_is_filled() -> None:
    reads = Reads({})

    filled = [(len(buffer), reads.offsets[-1]) for buffer in steps(reads)]

    assert filled == [(10, 100), (10, 110), (10, 120), (10, 130), (10, 140)]


def test_pread_steps_when_two_differ_then_one_error_over_the_request() -> None:
    reads = Reads({120: mismatch(120), 140: mismatch(140)})
    served = []

    with pytest.raises(MismatchError) as caught:
        served.extend(steps(reads))

    assert (caught.value.offset, caught.value.length) == (100, 50)
    assert caught.value.runs == (Run(120, 121), Run(140, 141))
    assert reads.offsets == [100, 110, 120, 130, 140]


def test_pread_steps_when_one_differs_then_what_follows_is_not_yielded() -> None:
    served = steps(Reads({110: mismatch(110)}))

    next(served)

    with pytest.raises(MismatchError):
        next(served)


def test_pread_steps_when_one_fails_then_its_error_at_once() -> None:
    error = BlockError()
    reads = Reads({110: error, 120: mismatch(120)})

    with pytest.raises(BlockError) as caught:
        list(steps(reads))

    assert caught.value is error
    assert reads.offsets == [100, 110]


def test_pread_steps_when_one_differs_and_a_later_one_fails_then_the_difference() -> None:
    reads = Reads({110: mismatch(110), 130: BlockError()})

    with pytest.raises(MismatchError) as caught:
        list(steps(reads))

    assert caught.value.runs == (Run(110, 111),)
    assert reads.offsets == [100, 110, 120, 130]


def test_pread_steps_when_outcomes_differ_then_the_error_covers_the_request() -> None:
    error = OutcomeMismatch(operation="read", offset=110, length=10, raw_error=None, test_error=BlockError())

    with pytest.raises(OutcomeMismatch) as caught:
        list(steps(Reads({110: error})))

    assert (caught.value.offset, caught.value.length) == (100, 50)


def test_pread_steps_when_the_pair_counts_from_elsewhere_then_its_own_terms_stay() -> None:
    reads = Reads({100: mismatch(1 << 20)})

    with pytest.raises(MismatchError) as caught:
        list(steps(reads, count=1))

    assert (caught.value.offset, caught.value.length) == (1 << 20, 10)
