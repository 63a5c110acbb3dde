"""The verified pair in a graph."""

from __future__ import annotations

import pyqio
from pyqio.verify.pair import pair_below


def test_pair_below_when_a_pair_is_open_then_its_node(tmp_path):
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(bytes(512))
    with pyqio.open(f"blkverify:{tmp_path}/raw.img:{tmp_path}/test.img") as opened:
        assert pair_below(opened.node).driver.name == "blkverify"


def test_pair_below_when_there_is_none_then_none(tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(512))
    with pyqio.open(f"{tmp_path}/raw.img", format="raw") as opened:
        assert pair_below(opened.node) is None
