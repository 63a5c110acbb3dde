"""Words side by side in one integer, held against the words one by one."""

from __future__ import annotations

import random
import struct

import pytest

from pyqio.drivers.formats.qcow2.checking.lanes import lanes_of

COUNT = 64
STEP = 4096


def packed(words):
    return struct.pack(f">{len(words)}Q", *words)


@pytest.fixture
def words():
    """Runs, holes and single words, as an L2 table has them."""
    rng = random.Random(5)
    made = []
    while len(made) < COUNT:
        first = rng.randrange(1 << 44) * STEP
        made += rng.choice([[0] * rng.randint(1, 3), [first], [first + i * STEP for i in range(rng.randint(2, 9))]])
    return made[:COUNT]


def runs(words):
    """(first index, last index) of each run, one word after the other."""
    found = []
    for index, word in enumerate(words):
        if word and index and words[index - 1] and word == words[index - 1] + STEP:
            found[-1] = found[-1][0], index
        elif word:
            found.append((index, index))
    return found


def test_starts_and_ends_when_words_are_mixed_then_they_are_those_of_the_runs(words):
    lanes = lanes_of(COUNT)
    loaded = lanes.load(packed(words))

    used = lanes.nonzero(loaded)
    starts = lanes.starts(loaded, used, STEP)
    found = list(zip(lanes.positions(starts), lanes.positions(lanes.ends(starts, used)), strict=True))

    assert found == runs(words)


def test_nonzero_when_words_are_mixed_then_it_counts_and_finds_them(words):
    lanes = lanes_of(COUNT)

    used = lanes.nonzero(lanes.load(packed(words)))

    assert list(lanes.positions(used)) == [index for index, word in enumerate(words) if word]
    assert lanes.number(used) == sum(map(bool, words))


def test_starts_when_a_word_follows_a_hole_by_a_step_then_it_starts_a_run():
    lanes = lanes_of(4)
    loaded = lanes.load(packed([0, STEP, 0, STEP]))

    starts = lanes.starts(loaded, lanes.nonzero(loaded), STEP)

    assert list(lanes.positions(starts)) == [1, 3]


def test_words_when_lanes_are_shifted_then_each_word_is(words):
    lanes = lanes_of(COUNT)

    assert list(lanes.words(lanes.load(packed(words)) >> 12)) == [word >> 12 for word in words]


def test_full_when_a_bit_is_set_then_its_lane_is_all_ones():
    lanes = lanes_of(3)

    assert list(lanes.words(lanes.full(lanes.load(packed([1 << 62, 0, 1 << 62])), 62))) == [2**64 - 1, 0, 2**64 - 1]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([7], True), ([7, 8, 9], True), ([7, 8, 10], False), ([7, 7, 8], False), ([9, 8, 7], False), ([0, 1, 2], True)],
)
def test_is_run_when_words_go_on_by_the_step_then_it_is_one(numbers, expected):
    words = packed([1 << 63 | number * STEP for number in numbers])

    assert lanes_of(COUNT).is_run(words, STEP) is expected


def test_is_run_when_all_lanes_are_taken_then_it_is_one():
    assert lanes_of(4).is_run(packed([STEP, 2 * STEP, 3 * STEP, 4 * STEP]), STEP)
