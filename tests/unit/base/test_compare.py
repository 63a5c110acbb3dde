"""The comparison behind blkverify."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.compare import GAP, KEPT, Differences, differences
from pyqio.base.types import Run


def changed(size: int, offsets: list[int]) -> tuple[bytearray, bytearray]:
    raw = bytearray(b"\xcd" * size)
    test = bytearray(raw)
    for offset in offsets:
        test[offset] = 0x55
    return raw, test


def brute_force_runs(offsets: list[int]) -> list[Run]:
    runs: list[Run] = []
    for offset in sorted(set(offsets)):
        near = bool(runs) and offset - runs[-1].end < GAP
        start = runs.pop().start if near else offset
        runs.append(Run(start, offset + 1))
    return runs


def test_differences_when_equal_then_false_and_all_zero() -> None:
    raw, test = changed(4096, [])

    found = differences(0, raw, test)

    assert not found
    assert (found.runs, found.run_count, found.byte_count, found.sector_count) == ([], 0, 0, 0)


def test_differences_when_bytes_differ_then_runs_stand_at_the_offset() -> None:
    raw, test = changed(4096, [0, 1, 2, 1000, 4095])

    found = differences(1 << 40, raw, test)

    base = 1 << 40
    assert found.runs == [Run(base, base + 3), Run(base + 1000, base + 1001), Run(base + 4095, base + 4096)]
    assert (found.byte_count, found.run_count, found.sector_count) == (5, 3, 3)


@pytest.mark.parametrize(("gap", "runs"), [(15, [Run(100, 117)]), (16, [Run(100, 101), Run(117, 118)])])
def test_differences_when_a_gap_is_a_row_then_two_runs(gap: int, runs: list[Run]) -> None:
    raw, test = changed(512, [100, 101 + gap])

    found = differences(0, raw, test)

    assert found.runs == ([Run(100, 102 + gap)] if len(runs) == 1 else runs)
    assert found.byte_count == 2


def test_differences_when_one_run_crosses_sectors_then_each_sector_counts() -> None:
    raw, test = changed(4096, list(range(500, 1600)))

    found = differences(0, raw, test)

    assert (found.run_count, found.sector_count) == (1, 4)


def test_differences_when_runs_are_many_then_all_are_counted_and_the_first_are_kept() -> None:
    raw, test = changed(1 << 17, list(range(0, 1 << 17, 32)))

    found = differences(0, raw, test)

    assert (found.run_count, len(found.runs), found.byte_count) == (4096, KEPT, 4096)


@given(st.lists(st.integers(0, 2047)))
def test_differences_when_random_then_as_found_byte_by_byte(offsets: list[int]) -> None:
    raw, test = changed(2048, offsets)

    found = differences(0, raw, test)

    assert found.runs == brute_force_runs(offsets)
    assert found.byte_count == len(set(offsets))
    assert found.sector_count == len({offset // 512 for offset in offsets})


@given(st.lists(st.integers(0, 2047)), st.lists(st.integers(0, 2048), max_size=4))
def test_merge_when_cut_anywhere_then_as_found_in_one_piece(offsets: list[int], cuts: list[int]) -> None:
    raw, test = changed(2048, offsets)
    edges = sorted({0, 2048, *cuts})

    found = Differences()
    for start, end in itertools.pairwise(edges):
        found.merge(differences(start, raw[start:end], test[start:end]))

    whole = differences(0, raw, test)
    assert found.runs == whole.runs
    counts = found.run_count, found.byte_count, found.sector_count
    assert counts == (whole.run_count, whole.byte_count, whole.sector_count)


def test_merge_when_more_than_kept_then_the_last_run_still_joins() -> None:
    raw, test = changed(1 << 17, [*range(0, 1 << 17, 32), (1 << 16) - 1])
    half = 1 << 16
    found = differences(0, raw[:half], test[:half])

    found.merge(differences(half, raw[half:], test[half:]))

    whole = differences(0, raw, test)
    assert (found.run_count, found.sector_count) == (whole.run_count, whole.sector_count)
    assert found.runs == whole.runs


@pytest.mark.parametrize("step", [1, 2, 17, 512])
def test_differences_when_two_mib_differ_then_milliseconds(step: int) -> None:
    raw = bytearray(2 << 20)
    test = bytearray(raw)
    test[::step] = b"\1" * len(test[::step])
    start = time.perf_counter()

    found = differences(0, raw, test)

    assert time.perf_counter() - start < 1.0
    assert found.byte_count == len(range(0, 2 << 20, step))
