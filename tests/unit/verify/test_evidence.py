"""What can be found out about a pair that does not agree."""

from __future__ import annotations

import pytest

import pyqio
from pyqio.base.errors import BlockError
from pyqio.base.types import Location
from pyqio.verify.evidence import gather, walk
from pyqio.verify.pair import pair


@pytest.fixture
def image(tmp_path):
    (tmp_path / "raw.img").write_bytes(b"\xcd" * 8192)
    (tmp_path / "test.img").write_bytes(b"\xcd" * 1024 + bytes(512) + b"\xcd" * (8192 - 1536))
    with pyqio.open(f"blkverify:{tmp_path}/raw.img:{tmp_path}/test.img") as opened:
        yield opened


@pytest.fixture
def error(image):
    with pytest.raises(pyqio.MismatchError) as caught:
        image.pread(0, 4096)
    return caught.value


def test_pair_when_open_then_raw_and_test(image, error, tmp_path) -> None:
    raw, test = pair(error, image.graph.nodes)

    assert (raw.filename, test.filename) == (f"{tmp_path}/raw.img", f"{tmp_path}/test.img")


def test_gather_when_closed_then_none(error) -> None:
    assert gather(error, {}) is None


def test_gather_when_open_then_the_first_run_of_each_side_and_a_row_before(image, error) -> None:
    raw, test = gather(error, image.graph.nodes)

    assert (raw.key, raw.offset, raw.data) == ("raw", 1008, b"\xcd" * 528)
    assert (test.key, test.offset, test.data) == ("test", 1008, b"\xcd" * 16 + bytes(512))


def test_walk_when_a_format_stands_above_a_file_then_both(image, error) -> None:
    _, test = pair(error, image.graph.nodes)

    hops = walk(test, 1024)

    assert [(hop.node.driver.name, hop.offset) for hop in hops] == [("raw", 1024), ("file", 1024)]


def test_walk_when_a_driver_fails_then_as_far_as_it_goes(image, error, monkeypatch) -> None:
    _, test = pair(error, image.graph.nodes)

    def fail(offset):
        raise BlockError

    monkeypatch.setattr(test.children["file"].node.driver, "locate", fail)

    assert [hop.location for hop in walk(test, 0)] == [Location(kind="data", child="file", host_offset=0)]
