"""One side made like the other."""

from __future__ import annotations

import os

import pytest

from pyqio.api import create
from pyqio.api import open as open_image
from pyqio.base.errors import BlockError
from pyqio.base.types import Run
from pyqio.block.emulate import WINDOW
from pyqio.verify.repair import copy_runs
from tests.unit.verify.sides import Side, pair_of


def test_copy_runs_then_these_bytes_and_no_others_are_copied_and_flushed():
    raw, test = Side(bytearray(range(256)) * 2), Side(bytearray(512))
    pair = pair_of(raw, test)

    counts = list(copy_runs(pair.raw, pair.test, [Run(3, 5), Run(511, 512)]))

    assert counts == [2, 1]
    assert test.data == bytes(3) + b"\x03\x04" + bytes(506) + b"\xff"
    assert test.flushed == 1


def test_copy_runs_when_long_then_in_windows():
    raw, test = Side(bytearray(os.urandom(2 * WINDOW))), Side(bytearray(2 * WINDOW))
    pair = pair_of(raw, test)

    counts = list(copy_runs(pair.raw, pair.test, [Run(1, 2 * WINDOW)]))

    assert counts == [WINDOW - 1, WINDOW]
    assert test.data[1:] == raw.data[1:]


def test_copy_runs_when_zero_then_the_format_stores_none(tmp_path):
    path = str(tmp_path / "test.qcow2")
    create(path, 1 << 20, format="qcow2")
    with open_image(path) as image:
        image.pwrite(0, b"x" * 131072)
        pair = pair_of(Side(bytearray(1 << 20)), Side(bytearray(1 << 20)))

        list(copy_runs(pair.raw, image.node, [Run(0, 131072)]))

        states = [(extent.length, extent.zero) for extent in image.block_status(0, 131072)]

    assert sum(length for length, zero in states if zero) == 131072


def test_copy_runs_when_the_source_cannot_be_read_then_raises_and_writes_nothing():
    raw, test = Side(bytearray(b"x" * 512), bad=((0, 1),)), Side(bytearray(512))
    pair = pair_of(raw, test)

    with pytest.raises(BlockError, match="bad place"):
        list(copy_runs(pair.raw, pair.test, [Run(0, 512)]))

    assert test.data == bytes(512)


def test_copy_runs_when_past_the_end_of_the_target_then_raises():
    pair = pair_of(Side(bytearray(b"x" * 1024)), Side(bytearray(512)))

    with pytest.raises(BlockError, match="past the end"):
        list(copy_runs(pair.raw, pair.test, [Run(512, 1024)]))
