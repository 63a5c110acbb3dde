"""The funnel: what it refuses, what it passes on, what it adds to an error."""

from __future__ import annotations

import errno

import pytest

from pyqio.base.errors import BlockError, ReadOnly, Unsupported
from pyqio.base.types import COMPRESSED, FUA, Cache, Caps, Limits, OpenFlags


def read(node, offset, length):
    buf = bytearray(b"\xee" * length)
    node.pread(offset, memoryview(buf))
    return bytes(buf)


def test_pread_inside_reaches_the_driver_as_it_is(plain):
    node = plain()

    data = read(node, 16, 32)

    assert data == b"\x01" * 16 + b"\x02" * 16
    assert node.driver.calls == [("pread", 16, 32, 0)]


def test_pread_across_the_end_pads_with_zeroes(plain):
    node = plain()

    data = read(node, 4080, 32)

    assert data == b"\xff" * 16 + bytes(16)
    assert node.driver.calls == [("pread", 4080, 16, 0)]


def test_pread_past_the_end_gives_zeroes_without_the_driver(plain):
    node = plain()

    data = read(node, 9000, 8)

    assert data == bytes(8)
    assert node.driver.calls == []


@pytest.mark.parametrize(
    "request_",
    [
        lambda node: node.pwrite(0, memoryview(b"x")),
        lambda node: node.pwrite_zeroes(0, 16),
        lambda node: node.pdiscard(0, 16),
        lambda node: node.truncate(16),
    ],
)
def test_every_write_to_a_read_only_node_is_refused(plain, request_):
    node = plain(flags=OpenFlags(read_only=True))

    with pytest.raises(ReadOnly) as caught:
        request_(node)

    assert caught.value.node == "under-test"
    assert node.driver.calls == []


def test_pwrite_past_the_end_of_a_driver_that_cannot_grow_is_refused(plain):
    node = plain()

    with pytest.raises(BlockError) as caught:
        node.pwrite(4090, memoryview(bytes(10)))

    assert caught.value.errno == errno.EIO
    assert node.driver.calls == []


def test_pwrite_past_the_end_of_a_growable_driver_makes_the_node_longer(plain):
    node = plain(own_caps=Caps(growable=True))

    node.pwrite(4096, memoryview(b"more"))

    assert node.length() == 4100


def test_fua_without_the_driver_knowing_it_becomes_a_write_and_a_flush(plain):
    node = plain()

    node.pwrite(0, memoryview(b"abcd"), FUA)

    assert node.driver.calls == [("pwrite", 0, 4, 0), ("flush",)]


def test_fua_that_the_driver_knows_is_passed_on(plain):
    node = plain(own_caps=Caps(fua=True))

    node.pwrite(0, memoryview(b"abcd"), FUA)

    assert node.driver.calls == [("pwrite", 0, 4, FUA)]


def test_compressed_write_to_a_driver_without_compression_is_unsupported(plain):
    node = plain()

    with pytest.raises(Unsupported):
        node.pwrite(0, memoryview(bytes(512)), COMPRESSED)


def test_flush_when_nothing_was_written_since_the_last_does_nothing(plain):
    node = plain()
    node.pwrite(0, memoryview(b"a"))
    node.flush()

    node.flush()

    assert node.driver.calls.count(("flush",)) == 1


def test_flush_after_a_write_that_another_flush_overtook_reaches_the_driver(plain, monkeypatch):
    node = plain()
    node.pwrite(0, memoryview(b"x"))
    write = node.driver.pwrite

    def be_overtaken(offset, buf, flags):
        node.flush()
        write(offset, buf, flags)

    monkeypatch.setattr(node.driver, "pwrite", be_overtaken)

    node.pwrite(1, memoryview(b"y"))
    node.flush()

    assert [call[0] for call in node.driver.calls] == ["pwrite", "flush", "pwrite", "flush"]


def test_flush_of_a_protocol_under_no_flush_never_reaches_the_host(plain):
    node = plain(flags=OpenFlags(cache=Cache(writeback=True, no_flush=True)))
    node.pwrite(0, memoryview(b"a"))

    node.flush()

    assert ("flush",) not in node.driver.calls


def test_host_error_when_the_driver_fails_carries_node_offset_and_errno(plain):
    node = plain(error=OSError(errno.ENOSPC, "No space left on device"))

    with pytest.raises(BlockError) as caught:
        node.pwrite(512, memoryview(b"a"))

    error = caught.value
    assert (error.node, error.offset, error.errno) == ("under-test", 512, errno.ENOSPC)
    assert error.strerror == "No space left on device"


def test_truncate_changes_the_length_that_requests_are_held_against(plain):
    node = plain()

    node.truncate(100)

    assert node.length() == 100
    assert read(node, 96, 8) == b"\x06" * 4 + bytes(4)


def test_truncate_when_it_fails_after_the_length_changed_then_the_node_knows_the_length(plain, monkeypatch):
    node = plain()

    def truncate(length, *, prealloc, exact):
        del node.driver.data[length:]
        raise BlockError("no flush", errno=errno.EIO)

    monkeypatch.setattr(node.driver, "truncate", truncate)

    with pytest.raises(BlockError, match="no flush"):
        node.truncate(1024)

    assert node.length() == 1024


def test_alignment_when_the_driver_wants_512_is_kept_for_every_request(plain):
    node = plain(own_limits=Limits(request_alignment=512))

    node.pwrite(700, memoryview(b"\xaa" * 20))

    assert read(node, 699, 22) == b"\x2b" + b"\xaa" * 20 + b"\x2d"
    assert all(offset % 512 == 0 and length % 512 == 0 for _, offset, length, _ in node.driver.calls)
