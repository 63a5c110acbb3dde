"""Counts of references, held against a dictionary."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from pyqio.drivers.formats.qcow2.checking.tally import MANY, Tally

CHUNK = 1 << 18


@pytest.fixture
def overflown():
    return []


@pytest.fixture
def tally(overflown):
    return Tally(2**16 - 1, overflown.append)


def test_add_when_runs_overlap_then_counts_are_those_of_a_dictionary(tally):
    rng, expected = random.Random(1), Counter()
    for _ in range(4000):
        first, number = CHUNK - 40 + rng.randrange(60), rng.randint(1, 12)
        tally.add(first, number)
        expected.update(range(first, first + number))

    assert max(expected.values()) > MANY
    assert all(tally.get(cluster) == expected[cluster] for cluster in range(CHUNK - 60, CHUNK + 60))
    assert not tally.single


def test_add_each_and_add_counted_when_clusters_are_scattered_then_they_agree(tally, overflown):
    rng = random.Random(2)
    clusters = [rng.choice([3, CHUNK * 7, rng.randrange(100)]) for _ in range(3000)]
    other = Tally(2**16 - 1, overflown.append)

    tally.add_each(clusters)
    other.add_counted(Counter(clusters))

    assert [tally.get(c) for c in range(100)] == [other.get(c) for c in range(100)]
    assert tally.get(CHUNK * 7) == other.get(CHUNK * 7) > MANY


@pytest.mark.parametrize("maximum", [1, 3, 255, 300])
def test_add_when_a_count_is_at_its_maximum_then_it_overflows(overflown, maximum):
    tally = Tally(maximum, overflown.append)

    for _ in range(maximum + 2):
        tally.add(9, 2)

    assert (tally.get(9), tally.get(10)) == (maximum, maximum)
    assert overflown == [9, 10, 9, 10]


def test_bytes_when_nothing_was_counted_then_they_are_zero(tally):
    tally.put(CHUNK, 1000)

    assert tally.bytes(CHUNK - 2, 4) == bytes([0, 0, MANY, 0])
    assert tally.wide(CHUNK - 2, 4) == {2: 1000}


def test_find_free_when_clusters_are_used_or_shunned_then_they_are_passed_over(tally):
    tally.add(0, 10)
    tally.add(12, 5)

    assert tally.find_free(0, 1, shunned=set()) == 10
    assert tally.find_free(0, 3, shunned=set()) == 17
    assert tally.find_free(0, 2, shunned={11, 18}) == 19
    assert tally.find_free(CHUNK * 3, 2, shunned=set()) == CHUNK * 3


def test_ranges_when_chunks_are_apart_then_they_hold_all_counts(tally):
    tally.add(5, 3)
    tally.add(CHUNK * 4 + 1, 1)

    assert list(tally.ranges()) == [range(5, 8), range(CHUNK * 4 + 1, CHUNK * 4 + 2)]


def test_single_when_nothing_is_counted_twice_then_it_is_so(tally):
    tally.add(5, 3)
    tally.add(9, 3)

    assert tally.single
