"""The verified pair in a graph."""

from __future__ import annotations

from pathlib import Path

import pyqio
from pyqio.verify.pair import named, pair_below, pairs


def test_pair_below_when_a_pair_is_open_then_its_node(tmp_path):
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(bytes(512))
    with pyqio.open(f"blkverify:{tmp_path}/raw.img:{tmp_path}/test.img") as opened:
        assert pair_below(opened.node).driver.name == "blkverify"


def test_pair_below_when_there_is_none_then_none(tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(512))
    with pyqio.open(f"{tmp_path}/raw.img", format="raw") as opened:
        assert pair_below(opened.node) is None


def test_pairs_when_nested_then_the_outer_one_comes_first(tmp_path):
    a, b, c = (f"{tmp_path}/{name}.img" for name in "abc")
    for name in (a, b, c):
        Path(name).write_bytes(bytes(512))
    with pyqio.open(f"blkverify:{a}:blkverify:{b}:{c}", read_only=True) as opened:
        names = [(named(pair.raw), named(pair.test)) for pair in pairs(opened.node)]

    assert names == [(a, f"blkverify:{b}:{c}"), (b, c)]


def test_pair_when_the_sides_are_not_equally_long_then_it_is_as_long_as_the_longer_one(tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(1024))
    (tmp_path / "test.img").write_bytes(bytes(512))
    with pyqio.open(f"blkverify:{tmp_path}/raw.img:{tmp_path}/test.img", read_only=True) as opened:
        (pair,) = pairs(opened.node)

        assert pair.length == 1024
        assert (pair.side("raw"), pair.side("test")) == (pair.raw, pair.test)
