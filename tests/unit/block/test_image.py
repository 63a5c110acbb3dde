"""The user's handle."""

from __future__ import annotations

import errno

import pytest

from pyqio.base.errors import BlockError
from pyqio.base.types import CACHE_MODES, Limits, OpenFlags
from pyqio.block.graph import Graph


@pytest.fixture
def image():
    with Graph().open(None, {"driver": "memory", "size": "1M"}) as opened:
        yield opened


@pytest.mark.parametrize(
    "request_",
    [
        lambda i: i.pread(1 << 20, 1),
        lambda i: i.pread(-1, 1),
        lambda i: i.pread_into((1 << 20) - 1, bytearray(2)),
        lambda i: i.pwrite(1 << 20, b"x"),
        lambda i: i.zero(0, (1 << 20) + 1),
        lambda i: i.discard(1, 1 << 20),
        lambda i: list(i.block_status(1, 1 << 20)),
    ],
)
def test_request_outside_the_image_is_refused(image, request_):
    with pytest.raises(BlockError) as caught:
        request_(image)

    assert caught.value.errno == errno.EIO
    assert "1048576 bytes" in str(caught.value)


def test_request_of_no_bytes_at_the_end_is_done(image):
    assert image.pread(1 << 20, 0) == b""


def test_vectors_are_read_and_written_in_order(image):
    image.pwritev(100, [b"ab", b"cde"])
    first, second = bytearray(3), bytearray(2)

    image.preadv(100, [first, second])

    assert (bytes(first), bytes(second)) == (b"abc", b"de")


def test_stream_of_an_unaligned_range_that_fits_keeps_it_whole_in_the_buffer(image):
    image.node.limits = Limits(request_alignment=512)
    image.pwrite(0, b"a" * 512 + b"b" * 488)
    buffer = bytearray(1000)

    lengths = [len(part) for part in image.stream(0, 1000, buffer)]

    assert lengths == [1000]
    assert buffer == b"a" * 512 + b"b" * 488


def test_allocated_tells_the_state_and_how_far_it_goes(image):
    image.pwrite(65536, b"x" * 65536)

    assert image.allocated(65536, 65536) == (True, 65536)


@pytest.mark.parametrize(("mode", "flushes"), [("writethrough", True), ("directsync", True), ("writeback", False)])
def test_cache_mode_decides_whether_each_write_is_flushed(mode, flushes, monkeypatch):
    image = Graph().open(None, {"driver": "memory", "size": "1M"}, OpenFlags(cache=CACHE_MODES[mode]))
    seen = []
    monkeypatch.setattr(type(image.node.driver), "pwrite", lambda self, offset, buf, flags: seen.append(flags))
    monkeypatch.setattr(type(image.node.driver), "flush", lambda self: seen.append("flush"))

    image.pwrite(0, b"x")

    assert (seen[-1] in ("flush", 1)) is flushes


def test_second_close_does_nothing(image):
    image.close()

    image.close()
