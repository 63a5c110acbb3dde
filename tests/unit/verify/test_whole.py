"""Whole pairs compared."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyqio.api import create
from pyqio.api import open as open_image
from pyqio.base.compare import GAP
from pyqio.base.types import Run
from pyqio.block.emulate import WINDOW
from pyqio.verify.pair import pairs
from pyqio.verify.whole import KEPT, Comparison
from tests.unit.verify.sides import Side, pair_of

if TYPE_CHECKING:
    from collections.abc import Iterable

SIZE = 2 * WINDOW


def compared(raw: Side, test: Side, start: int = 0, end: int | None = None) -> Comparison:
    pair = pair_of(raw, test)
    comparison = Comparison(pair, Run(start, pair.length if end is None else end))
    for _ in comparison.steps():
        pass
    return comparison


def changed(data: bytes, *offsets: int) -> bytearray:
    copy = bytearray(data)
    for offset in offsets:
        copy[offset] ^= 1
    return copy


def oracle(raw: bytes, test: bytes, offsets: Iterable[int]) -> list[Run]:
    """Byte by byte."""
    runs: list[Run] = []
    for at in offsets:
        if raw[at : at + 1].ljust(1, b"\0") != test[at : at + 1].ljust(1, b"\0"):
            near = bool(runs) and at - runs[-1].end < GAP
            runs.append(Run(runs.pop().start if near else at, at + 1))
    return runs


def test_comparison_when_equal_then_nothing_is_found_and_all_is_read():
    found = compared(Side(bytearray(b"\xcd" * SIZE)), Side(bytearray(b"\xcd" * SIZE)))

    assert (bool(found.found), found.read, found.at, found.unreadable) == (False, SIZE, SIZE, [])


@pytest.mark.parametrize("offset", [0, 511, 512, WINDOW - 1, WINDOW, SIZE - 1])
def test_comparison_when_one_bit_differs_then_its_byte_is_the_run(offset):
    data = b"\xcd" * SIZE

    found = compared(Side(bytearray(data)), Side(changed(data, offset))).found

    assert (found.runs, found.byte_count, found.sector_count) == ([Run(offset, offset + 1)], 1, 1)


def test_comparison_when_a_run_crosses_windows_then_it_is_one():
    data = bytes(SIZE)

    found = compared(Side(bytearray(data)), Side(changed(data, WINDOW - 1, WINDOW))).found

    assert (found.runs, found.run_count, found.sector_count) == ([Run(WINDOW - 1, WINDOW + 1)], 1, 2)


def test_comparison_when_ten_thousand_runs_then_all_are_kept():
    data = bytes(SIZE)
    offsets = range(0, 10_000 * 48, 48)

    found = compared(Side(bytearray(data)), Side(changed(data, *offsets))).found

    assert found.runs == [Run(offset, offset + 1) for offset in offsets]
    assert found.run_count == 10_000 < KEPT


def test_comparison_of_a_range_then_nothing_else_counts():
    data = bytes(SIZE)

    found = compared(Side(bytearray(data)), Side(changed(data, 99, 100, 199, 200)), 100, 200).found

    assert found.runs == [Run(100, 101), Run(199, 200)]


# What is known to be zero


def test_comparison_when_both_sides_know_zeroes_then_these_are_not_read():
    raw = Side(bytearray(SIZE), zeroes=((0, WINDOW),))
    test = Side(bytearray(SIZE), zeroes=((0, WINDOW),))

    found = compared(raw, test)

    assert (raw.reads, test.reads) == ([Run(WINDOW, SIZE)], [Run(WINDOW, SIZE)])
    assert (found.read, found.at) == (WINDOW, SIZE)


@pytest.mark.parametrize("knowing", ["raw", "test"])
def test_comparison_when_one_side_knows_zeroes_then_only_the_other_is_read_and_compared(knowing):
    sides = {"raw": Side(bytearray(WINDOW)), "test": Side(bytearray(WINDOW))}
    sides[knowing].zeroes = ((0, WINDOW),)
    other = sides["test" if knowing == "raw" else "raw"]
    other.data[1000] = 1

    found = compared(sides["raw"], sides["test"])

    assert found.found.runs == [Run(1000, 1001)]
    assert (sides[knowing].reads, other.reads) == ([], [Run(0, WINDOW)])


def test_comparison_when_status_fails_then_the_bytes_are_read():
    raw, test = Side(bytearray(SIZE)), Side(changed(bytes(SIZE), 7), broken_status=True)

    found = compared(raw, test)

    assert (found.found.runs, found.read) == ([Run(7, 8)], SIZE)


def test_comparison_when_known_zeroes_are_small_then_a_window_is_read_at_once():
    holes = tuple((at, at + 4096) for at in range(0, WINDOW, 8192))
    raw, test = Side(bytearray(WINDOW), zeroes=holes), Side(bytearray(WINDOW), zeroes=holes)

    compared(raw, test)

    assert raw.reads == [Run(0, WINDOW)]


# Lengths


def test_comparison_when_the_longer_side_ends_in_zeroes_then_equal():
    found = compared(Side(bytearray(b"x" * 1000)), Side(bytearray(b"x" * 1000 + bytes(WINDOW))))

    assert (bool(found.found), found.at) == (False, WINDOW + 1000)


@pytest.mark.parametrize("longer", ["raw", "test"])
def test_comparison_when_the_longer_side_ends_in_data_then_this_differs(longer):
    sides = {"raw": Side(bytearray(b"x" * 1000)), "test": Side(bytearray(b"x" * 1000))}
    sides[longer].data += bytes(WINDOW) + b"x"

    found = compared(sides["raw"], sides["test"]).found

    assert found.runs == [Run(WINDOW + 1000, WINDOW + 1001)]


def test_comparison_when_both_sides_are_empty_then_equal():
    assert not compared(Side(bytearray()), Side(bytearray())).found


# Sides that cannot be read


def test_comparison_when_a_side_cannot_be_read_then_it_is_noted_and_the_rest_compared():
    data = b"\xcd" * SIZE
    raw, test = Side(bytearray(data)), Side(changed(data, 0, SIZE - 1), bad=((5000, 9000),))

    found = compared(raw, test)

    assert [(at.side, at.run, at.message) for at in found.unreadable] == [("test", Run(4096, 12288), "bad place")]
    assert (found.unreadable_count, found.at) == (1, SIZE)
    assert found.found.runs == [Run(0, 1), Run(SIZE - 1, SIZE)]


def test_comparison_when_both_sides_cannot_be_read_then_both_are_noted():
    data = b"\xcd" * WINDOW
    raw = Side(bytearray(data), bad=((0, 1), (100_000, 100_001)))
    test = Side(bytearray(data), bad=((0, WINDOW),))

    found = compared(raw, test)

    assert [(at.side, at.run) for at in found.unreadable] == [
        ("raw", Run(0, 4096)),
        ("test", Run(0, WINDOW)),
        ("raw", Run(98304, 102400)),
    ]
    assert not found.found


def test_comparison_when_a_bug_shows_then_it_is_raised(monkeypatch):
    pair = pair_of(Side(bytearray(WINDOW)), Side(bytearray(WINDOW)))
    monkeypatch.setattr(Side, "pread", lambda *arguments: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        list(Comparison(pair, Run(0, WINDOW)).steps())


# On the way


@pytest.mark.parametrize("seconds", [0.0, 0.001])
def test_steps_when_left_then_the_comparison_goes_on_from_there(seconds):
    data = bytes(4 * WINDOW)
    raw, test = Side(bytearray(data), seconds=seconds), Side(changed(data, 0, 2 * WINDOW), seconds=seconds)
    pair = pair_of(raw, test)
    comparison = Comparison(pair, Run(0, 4 * WINDOW))

    first = list(islice(comparison.steps(), 2))
    rest = list(comparison.steps())

    assert first == rest == [WINDOW] * 2
    assert comparison.found.runs == [Run(0, 1), Run(2 * WINDOW, 2 * WINDOW + 1)]


def test_steps_when_sides_take_their_time_then_both_are_read_at_once():
    raw, test = Side(bytearray(3 * WINDOW), seconds=0.001), Side(bytearray(3 * WINDOW), seconds=0.001)

    compared(raw, test)

    assert "pyqio-companion" in raw.threads
    assert test.threads == {"MainThread"}


def test_steps_when_sides_are_quick_then_no_thread_is_started(monkeypatch):
    monkeypatch.setattr("pyqio.verify.whole.PATIENCE", 60)
    raw = Side(bytearray(3 * WINDOW))

    compared(raw, Side(bytearray(3 * WINDOW)))

    assert raw.threads == {"MainThread"}


# Against an oracle

BYTES = st.integers(0, 4 * GAP)


@example(pieces=[(b"a", 1), (b"b", 1)], other=[(b"a", 1)], cut=(0, 10))
@given(
    pieces=st.lists(st.tuples(st.sampled_from([b"\0", b"a", b"b"]), BYTES), max_size=8),
    other=st.lists(st.tuples(st.sampled_from([b"\0", b"a", b"b"]), BYTES), max_size=8),
    cut=st.tuples(st.integers(0, 600), st.integers(0, 600)),
)
def test_comparison_of_any_sides_is_what_comparing_byte_by_byte_gives(pieces, other, cut):
    raw, test = (b"".join(byte * count for byte, count in side) for side in (pieces, other))
    start, end = sorted(min(at, max(len(raw), len(test))) for at in cut)

    found = compared(Side(bytearray(raw)), Side(bytearray(test), alignment=1), start, end).found

    runs = oracle(raw, test, range(start, end))
    assert (found.runs, found.run_count) == (runs, len(runs))


HOLES = st.lists(st.integers(0, 64), max_size=6).map(sorted)


@given(raw=HOLES, test=HOLES, points=st.lists(st.integers(0, 64 * 4096 - 1), max_size=5))
def test_comparison_of_any_holes_finds_every_byte(raw, test, points):
    sides = []
    for bounds in (raw, test):
        holes = tuple((start * 4096, end * 4096) for start, end in zip(bounds[::2], bounds[1::2], strict=False))
        data = bytearray(64 * 4096)
        for point in points[len(sides) :: 2]:
            data[point] = not any(start <= point < end for start, end in holes)
        sides.append(Side(data, zeroes=holes))

    found = compared(*sides).found

    assert found.runs == oracle(sides[0].data, sides[1].data, sorted(points))


# Real images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_comparison_of_a_backing_file_when_zero_through_the_chain_then_not_read(folder):
    (folder / "raw.img").write_bytes(b"")
    (folder / "raw.img").open("r+b").truncate(16 << 20)
    create("low.qcow2", 16 << 20, format="qcow2")
    with open_image("low.qcow2") as image:
        image.pwrite(1 << 20, b"low")
    create("top.qcow2", 16 << 20, format="qcow2", options={"backing_file": "low.qcow2", "backing_fmt": "qcow2"})
    with open_image("blkverify:raw.img:top.qcow2", read_only=True) as image:
        (pair,) = pairs(image.node)
        comparison = Comparison(pair, Run(0, pair.length))

        list(comparison.steps())

    assert comparison.found.runs == [Run(1 << 20, (1 << 20) + 3)]
    assert comparison.read == 65536
