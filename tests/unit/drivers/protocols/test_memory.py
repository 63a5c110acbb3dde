from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError, OpenError, Unsupported
from pyqio.base.types import Cache, OpenFlags
from pyqio.block.graph import Graph


def open_memory(size):
    flags = OpenFlags(cache=Cache(writeback=True), discard="unmap")
    return Graph().open(None, {"driver": "memory", "size": size}, flags)


def data_ranges(image):
    return [(e.offset, e.length) for e in image.block_status() if e.data]


@pytest.mark.parametrize(("text", "size"), [("64M", 2**26), ("1", 512), ("0", 0), ("4G", 2**32)])
def test_size_is_in_the_name(text, size):
    with Graph().open(f"memory:{text}", {"driver": "raw"}) as image:
        assert image.length() == size


@pytest.mark.parametrize("name", ["memory:", "memory:x", "memory:-1", "memory:9E"])
def test_wrong_size_is_refused(name):
    with pytest.raises(OpenError, match="size"):
        Graph().open(name)


def test_only_written_pages_are_data():
    with open_memory(2**40) as image:
        image.pwrite(5000, b"x" * 5000)
        image.pwrite(2**39, b"y")

        assert data_ranges(image) == [(4096, 8192), (2**39, 4096)]


def test_status_starts_and_ends_where_it_is_asked_to():
    with open_memory(65536) as image:
        image.pwrite(8192, b"x" * 8192)

        extents = [(e.offset, e.length, e.data) for e in image.block_status(9000, 10_000)]

    assert extents == [(9000, 7384, True), (16384, 2616, False)]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda image: image.zero(4096, 12_288, unmap=True), [(0, 4096)]),
        (lambda image: image.zero(4096, 12_288), [(0, 16384)]),
        (lambda image: image.discard(4096, 12_288), [(0, 4096)]),
        (lambda image: image.discard(1, 4095), [(0, 16384)]),
        (lambda image: image.truncate(4096), [(0, 4096)]),
    ],
)
def test_pages_that_are_given_up_become_holes(change, left):
    with open_memory(16384) as image:
        image.pwrite(0, b"x" * 16384)

        change(image)

        assert data_ranges(image) == left


def test_giving_up_a_huge_range_costs_what_is_in_it():
    with open_memory(2**62) as image:
        image.pwrite(2**61, b"x")

        image.zero(0, 2**62, unmap=True)

        assert data_ranges(image) == []


@pytest.mark.parametrize("mode", ["metadata", "falloc", "full"])
def test_preallocation_is_not_supported(mode):
    with open_memory(512) as image, pytest.raises(Unsupported, match=f"Unsupported preallocation mode: {mode}"):
        image.truncate(1024, prealloc=mode)


def test_length_beyond_what_an_image_can_have_is_refused():
    with open_memory(512) as image, pytest.raises(BlockError):
        image.truncate(2**63 - 512)
