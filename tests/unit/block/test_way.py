"""The way of a byte through the graph."""

from __future__ import annotations

import errno

import pyqio
from pyqio.base.errors import BlockError
from pyqio.block import way
from pyqio.block.paths import top


def test_trace_when_a_pair_is_open_then_both_sides_down_to_the_host(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(b"x" * 4096)
    with pyqio.open("blkverify:raw.img:test.img") as image:
        stops = way.trace(top(image.node), 1000)

    assert [(stop.path, stop.offset, stop.explanation.kind) for stop in stops] == [
        (".", 1000, "pair"),
        ("raw", 1000, "data"),
        ("test", 1000, "data"),
        ("test.file", 1000, "data"),
    ]


def test_trace_when_the_raw_side_is_shorter_then_the_way_ends_there_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.img").write_bytes(b"x" * 512)
    (tmp_path / "test.img").write_bytes(b"x" * 4096)
    with pyqio.open("blkverify:raw.img:test.img") as image:
        stops = way.trace(image.node.children["file"].node, 1000)

    assert [stop.path for stop in stops] == [".", "test", "test.file"]
    assert stops[0].explanation.wrong == ["the raw side ends at 0x200"]


def test_trace_when_a_driver_fails_then_that_is_what_is_found(plain):
    node = plain()
    node.driver.explain = fail

    (stop,) = way.trace(node, 0)

    assert (stop.explanation.kind, stop.explanation.wrong) == ("unknown", ("no answer",))


def fail(offset, *, thorough):
    raise BlockError("no answer", errno=errno.EIO)


def test_trace_when_a_driver_only_locates_then_as_it_says(plain):
    (stop,) = way.trace(plain(), 7)

    assert (stop.explanation.kind, stop.explanation.next) == ("data", ())
