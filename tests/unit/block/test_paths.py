"""The nodes of an open image, and the paths that lead to them."""

from __future__ import annotations

import pytest

import pyqio
from pyqio.block import paths
from pyqio.drivers.formats.qcow2 import Qcow2


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """A pair whose test side has a backing file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.img").write_bytes(bytes(65536))
    Qcow2.create("base.qcow2", 65536, {})
    Qcow2.create("test.qcow2", 65536, {"backing_file": "base.qcow2", "backing_fmt": "qcow2"})
    with pyqio.open("blkverify:raw.img:test.qcow2") as image:
        yield image


def test_places_when_a_pair_is_open_then_parents_before_children_without_the_raw_format_above(pair):
    found = [(place.path, place.node.driver.name, place.depth) for place in paths.places(pair.node)]

    assert found == [
        (".", "blkverify", 0),
        ("raw", "file", 1),
        ("test", "qcow2", 1),
        ("test.file", "file", 2),
        ("test.backing", "qcow2", 2),
        ("test.backing.file", "file", 3),
    ]


def test_top_when_the_raw_format_is_above_a_file_then_it_is_itself(tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(512))
    with pyqio.open(str(tmp_path / "raw.img"), format="raw") as image:
        assert paths.top(image.node) is image.node


@pytest.mark.parametrize(
    ("path", "driver"), [(".", "blkverify"), ("raw", "file"), ("test.backing", "qcow2"), ("test.backing.file", "file")]
)
def test_find_when_there_is_such_a_node_then_it(pair, path, driver):
    assert paths.find(pair.node, path).driver.name == driver


def test_find_when_it_is_a_name_then_the_node_of_that_name(pair):
    named = paths.find(pair.node, "test.file")

    assert paths.find(pair.node, named.name) is named


@pytest.mark.parametrize("path", ["", "rwa", "raw.file", "test..file", "#nosuch"])
def test_find_when_there_is_none_then_none(pair, path):
    assert paths.find(pair.node, path) is None
