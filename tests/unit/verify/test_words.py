"""What is said of runs."""

from __future__ import annotations

import pytest

from pyqio.base.types import Run
from pyqio.verify.words import alignment, held


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([(0, 65536)], "cluster-aligned (65536)"),
        ([(0, 65536), (131072, 135168)], "4096-aligned"),
        ([(512, 1024)], "512-aligned"),
        ([(0, 4096), (4096, 4100)], "not 512-aligned"),
    ],
)
def test_alignment_is_the_coarsest_of_all_bounds(runs, words):
    assert alignment([Run(*run) for run in runs], 65536) == words


def test_alignment_when_there_are_no_clusters_then_pages_are_the_coarsest():
    assert alignment([Run(0, 1 << 20)], 0) == "4096-aligned"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bytes(5), "all zero"),
        (b"\xcd", "all 0xcd"),
        (bytes(16) + b"x", "zero x 16, then data"),
        (b"\xcd" * 16 + b"x", "0xcd x 16, then data"),
        (b"\xcd" * 15 + b"x", "data"),
    ],
)
def test_held_tells_filling_from_data(data, words):
    assert held(data) == words
