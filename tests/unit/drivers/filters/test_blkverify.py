"""The verified pair over sides that lie, fail, fall short, or take their time."""

from __future__ import annotations

import errno
import threading
import time

import pytest

from pyqio.base.errors import BlockError, MismatchError, OpenError, OutcomeMismatch, Unsupported
from pyqio.base.types import COMPRESSED, FUA, MAY_UNMAP, NO_FALLBACK, Caps, Extent, Limits, Run
from pyqio.block.filename import Typed
from pyqio.block.node import Node
from pyqio.drivers.filters.blkverify import BlkVerify
from tests.unit.drivers.filters.conftest import FLAGS, SIZE, Side


def failing(**errors: int) -> Side:
    return Side(errors={name: BlockError(errno=number) for name, number in errors.items()})


# Names


@pytest.mark.parametrize(
    ("text", "raw", "test"),
    [
        ("blkverify:a:b", "a", "b"),
        ("blkverify:a:blkverify:b:c", "a", "blkverify:b:c"),
        ("blkverify:raw.img:nbd://host:10809/x", "raw.img", "nbd://host:10809/x"),
        ('blkverify:a:json:{"driver":"qcow2"}', "a", 'json:{"driver":"qcow2"}'),
        ("blkverify::", "", ""),
    ],
)
def test_parse_filename_when_two_parts_then_split_at_the_first_colon(text, raw, test) -> None:
    options = BlkVerify.parse_filename(text)

    assert options == {"raw": {"filename": raw}, "test": {"filename": test}}
    assert all(isinstance(side["filename"], Typed) for side in options.values())


@pytest.mark.parametrize("text", ["blkverify:", "blkverify:foo"])
def test_parse_filename_when_one_part_then_open_error(text) -> None:
    with pytest.raises(OpenError, match=r"^blkverify requires raw copy and original image path$"):
        BlkVerify.parse_filename(text)


# Reads


def test_pread_when_equal_then_both_are_read_and_the_bytes_returned(pair) -> None:
    data = pair.pread(1000, 3000)

    assert data == b"\xcd" * 3000
    assert pair.calls() == ([("pread", 1000, 3000, 0)], [("pread", 1000, 3000, 0)])


def test_pread_when_bytes_differ_then_mismatch_with_all_runs(pair) -> None:
    pair.test.data[1024:1536] = bytes(512)
    pair.test.data[700_000] = 0

    with pytest.raises(MismatchError) as caught:
        pair.pread(512, SIZE - 512)

    error = caught.value
    assert (error.operation, error.offset, error.length, error.node) == ("read", 512, SIZE - 512, "pair")
    assert error.runs == (Run(1024, 1536), Run(700_000, 700_001))
    assert (error.differing, error.first) == (513, 1024)
    assert (error.differences.run_count, error.differences.sector_count) == (2, 2)


def test_pread_when_bytes_differ_then_the_buffer_holds_the_raw_side(pair) -> None:
    pair.test.data[:] = bytes(SIZE)
    data = bytearray(SIZE)

    with pytest.raises(MismatchError):
        pair.node.pread(0, memoryview(data))

    assert data == pair.raw.data


def test_pread_after_a_mismatch_when_equal_elsewhere_then_served(pair) -> None:
    pair.test.data[0] = 1
    with pytest.raises(MismatchError):
        pair.pread(0, 512)

    data = pair.pread(512, 512)

    assert data == b"\xcd" * 512
    assert pair.driver.mismatches == 1


def test_pread_when_large_then_in_windows_of_the_cache(pair) -> None:
    pair.pread(0, SIZE)

    assert max(length for _, _, length, _ in pair.test.calls) == 256 * 1024


# Outcomes


@pytest.mark.parametrize(
    ("raw", "test", "message"),
    [
        (Side(), failing(pread=errno.EIO), "return value mismatch -5 != 0"),
        (failing(pread=errno.EIO), Side(), "return value mismatch 0 != -5"),
        (failing(pread=errno.EIO), failing(pread=errno.ENOSPC), "return value mismatch -28 != -5"),
    ],
)
def test_pread_when_sides_end_differently_then_outcome_mismatch(make_pair, raw, test, message) -> None:
    pair = make_pair(raw, test)

    with pytest.raises(OutcomeMismatch, match=message) as caught:
        pair.pread(0, 512 * 1024)

    error = caught.value
    assert (error.operation, error.offset, error.length) == ("read", 0, 512 * 1024)
    assert (error.raw_error, error.test_error) == (raw.errors.get("pread"), test.errors.get("pread"))
    assert pair.driver.mismatches == 1


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("pread", lambda node: node.pread(0, memoryview(bytearray(512)))),
        ("pwrite", lambda node: node.pwrite(0, memoryview(bytes(512)))),
        ("pwrite_zeroes", lambda node: node.pwrite_zeroes(0, 512)),
        ("truncate", lambda node: node.truncate(512)),
    ],
)
def test_request_when_both_fail_alike_then_that_error(make_pair, name, request_) -> None:
    pair = make_pair(failing(**{name: errno.ENOSPC}), failing(**{name: errno.ENOSPC}))

    with pytest.raises(BlockError) as caught:
        request_(pair.node)

    assert caught.value is pair.raw.errors[name]
    assert pair.driver.mismatches == 0


@pytest.mark.parametrize(
    ("name", "operation", "request_"),
    [
        ("pwrite", "write", lambda node: node.pwrite(0, memoryview(bytes(512)))),
        ("pwrite_zeroes", "zero", lambda node: node.pwrite_zeroes(0, 512)),
        ("pdiscard", "discard", lambda node: node.pdiscard(0, 512)),
        ("truncate", "truncate", lambda node: node.truncate(512)),
    ],
)
def test_request_when_the_test_side_fails_then_outcome_mismatch(make_pair, name, operation, request_) -> None:
    pair = make_pair(test=failing(**{name: errno.ENOSPC}))

    with pytest.raises(OutcomeMismatch) as caught:
        request_(pair.node)

    assert (caught.value.operation, caught.value.errno) == (operation, errno.ENOSPC)
    assert caught.value.length == 512


def test_pwrite_when_the_raw_side_fails_then_the_test_side_is_written_all_the_same(make_pair) -> None:
    pair = make_pair(raw=failing(pwrite=errno.EIO))

    with pytest.raises(OutcomeMismatch):
        pair.node.pwrite(0, memoryview(b"new"))

    assert pair.test.data[:3] == b"new"


def test_pwrite_when_interrupted_then_the_other_side_is_written_all_the_same(pair) -> None:
    pair.raw.errors["pwrite"] = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        pair.node.pwrite(0, memoryview(b"new"))

    assert pair.test.data[:3] == b"new"


# Changes


def test_pwrite_when_flags_then_fua_to_both_and_compression_to_the_test_side(make_pair) -> None:
    caps = Caps(fua=True, compressed=True)
    pair = make_pair(Side(own_caps=caps), Side(own_caps=caps))

    pair.node.pwrite(0, memoryview(b"new"), FUA | COMPRESSED)

    assert pair.calls() == ([("pwrite", 0, 3, FUA)], [("pwrite", 0, 3, FUA | COMPRESSED)])
    assert pair.sides(0, 3) == (b"new", b"new")


def test_pwrite_when_fua_is_nobody_s_then_both_are_flushed(pair) -> None:
    pair.node.pwrite(0, memoryview(b"new"), FUA)

    assert [side[-1] for side in pair.calls()] == [("flush",), ("flush",)]


def test_pwrite_zeroes_when_unmapping_then_the_flag_reaches_who_knows_it(make_pair) -> None:
    pair = make_pair(Side(own_caps=Caps(may_unmap=True)), Side())

    pair.node.pwrite_zeroes(512, 1024, MAY_UNMAP)

    assert pair.calls() == ([("pwrite_zeroes", 512, 1024, MAY_UNMAP)], [("pwrite_zeroes", 512, 1024, 0)])
    assert pair.sides(512, 1536) == (bytes(1024), bytes(1024))


def test_pwrite_zeroes_when_no_fallback_and_the_test_side_cannot_then_unsupported_and_alike(make_pair) -> None:
    pair = make_pair(test=Side(zeroing=False))

    with pytest.raises(Unsupported):
        pair.node.pwrite_zeroes(0, 4096, NO_FALLBACK)

    assert pair.raw.data == pair.test.data == b"\xcd" * SIZE


def test_pwrite_zeroes_when_no_fallback_and_the_raw_side_cannot_then_it_is_written(make_pair) -> None:
    pair = make_pair(raw=Side(zeroing=False))

    pair.node.pwrite_zeroes(0, 4096, NO_FALLBACK)

    assert pair.sides(0, 4096) == (bytes(4096), bytes(4096))


def test_flush_when_something_was_written_then_both(pair) -> None:
    pair.node.pwrite(0, memoryview(b"new"))

    pair.node.flush()

    assert [side[-1] for side in pair.calls()] == [("flush",), ("flush",)]


def test_truncate_when_grown_then_both_and_preallocated_on_the_test_side(pair) -> None:
    pair.node.truncate(2 * SIZE, prealloc="metadata")

    assert pair.calls() == ([("truncate", 2 * SIZE, "off")], [("truncate", 2 * SIZE, "metadata")])
    assert pair.node.length() == 2 * SIZE


# Discards


def test_pdiscard_when_the_test_side_keeps_its_bytes_then_the_raw_side_too(pair) -> None:
    pair.node.pdiscard(0, SIZE)

    assert pair.raw.data == pair.test.data == b"\xcd" * SIZE


def test_pdiscard_when_the_test_side_says_zero_then_the_raw_side_is_zeroed_unread(make_pair) -> None:
    pair = make_pair(test=Side(discarded=b"\0", claims_zero=True))

    pair.node.pdiscard(0, SIZE)

    assert pair.raw.data == bytes(SIZE)
    assert {call[0] for call in pair.raw.calls + pair.test.calls} == {"pwrite_zeroes", "pdiscard"}


def test_pdiscard_when_the_test_side_zeroes_some_bytes_then_the_raw_side_follows(make_pair) -> None:
    pair = make_pair(test=Side(discarded=b"\0\xcd\xcd"))

    pair.node.pdiscard(0, 600_000)

    assert pair.raw.data == pair.test.data
    assert pair.pread(0, 6) == b"\0\xcd\xcd\0\xcd\xcd"


def test_pdiscard_when_the_test_side_makes_bytes_up_then_mismatch(make_pair) -> None:
    pair = make_pair(test=Side(discarded=b"\0" * 99 + b"\x07"))

    with pytest.raises(MismatchError) as caught:
        pair.node.pdiscard(300_000, 200)

    error = caught.value
    assert (error.operation, error.offset, error.length) == ("discard", 300_000, 200)
    assert error.runs == (Run(300_099, 300_100), Run(300_199, 300_200))


def test_pdiscard_when_the_test_side_lies_about_zeroes_then_the_next_read_tells(make_pair) -> None:
    pair = make_pair(test=Side(claims_zero=True))
    pair.node.pdiscard(0, 4096)

    with pytest.raises(MismatchError) as caught:
        pair.pread(0, 4096)

    assert caught.value.differing == 4096


# Lengths and limits


def test_length_when_the_sides_differ_then_the_test_side_s(make_pair) -> None:
    pair = make_pair(test=Side(data=bytearray(b"\xcd" * 4096)))

    assert pair.node.length() == 4096


def test_remarks_when_lengths_differ_then_both_are_told(make_pair) -> None:
    pair = make_pair(test=Side(data=bytearray(4096)))

    assert list(pair.driver.remarks()) == [
        "the raw side has 1048576 bytes and the test side 4096: only what both have can be compared"
    ]


@pytest.mark.parametrize("size", [SIZE, SIZE - 511])
def test_remarks_when_lengths_are_the_same_sectors_then_none(make_pair, size) -> None:
    pair = make_pair(test=Side(data=bytearray(size)))

    assert list(pair.driver.remarks()) == []


@pytest.mark.parametrize(
    "request_",
    [
        lambda node: node.pread(1024, memoryview(bytearray(1024))),
        lambda node: node.pwrite(1024, memoryview(bytes(1024))),
        lambda node: node.pwrite_zeroes(1024, 1024),
        lambda node: node.pdiscard(1024, 1024),
    ],
)
def test_request_when_past_the_end_of_the_raw_side_then_outcome_mismatch(make_pair, request_) -> None:
    short = bytearray(b"\xcd" * 1024)
    pair = make_pair(raw=Side(data=short, own_caps=Caps(growable=True)))

    with pytest.raises(OutcomeMismatch, match="return value mismatch 0 != -5") as caught:
        request_(pair.node)

    assert caught.value.raw_error.message == "the raw side ends at 1024"
    assert len(pair.raw.data) == 1024


def test_pread_when_lengths_differ_within_a_sector_then_equal(make_pair) -> None:
    test = bytearray(b"\xcd" * 1000).ljust(1024, b"\0")
    pair = make_pair(Side(data=bytearray(b"\xcd" * 1000)), Side(data=test))

    assert pair.pread(512, 512) == test[512:]


def test_pwrite_when_both_grow_and_past_the_end_then_both_longer(make_pair) -> None:
    growing = Caps(growable=True)
    pair = make_pair(Side(own_caps=growing), Side(own_caps=growing))

    pair.node.pwrite(SIZE, memoryview(b"more"))

    assert pair.node.length() == SIZE + 4
    assert pair.sides(SIZE, SIZE + 4) == (b"more", b"more")


def test_limits_when_the_sides_differ_then_each_is_served_in_its_own_grain(make_pair) -> None:
    pair = make_pair(Side(own_limits=Limits(request_alignment=512)), Side(own_limits=Limits(memory_alignment=4096)))

    pair.node.pwrite(100, memoryview(b"new"))

    assert pair.node.limits == Limits(memory_alignment=4096)
    assert pair.calls() == ([("pread", 0, 512, 0), ("pwrite", 0, 512, 0)], [("pwrite", 100, 3, 0)])
    assert pair.sides(0, 512) == (pair.test.data[:512],) * 2


def test_block_status_when_the_sides_differ_then_the_raw_side_s(make_pair) -> None:
    pair = make_pair(test=Side(claims_zero=True))

    assert list(pair.node.block_status(0, 512)) == [
        Extent(0, 512, data=True, zero=False, allocated=True, host_offset=0)
    ]


# At once


def test_request_when_a_side_waits_then_the_next_runs_on_both_at_once(make_pair) -> None:
    pair = make_pair(Side(seconds=0.02), Side(seconds=0.02))
    pair.pread(0, 512)
    start = time.perf_counter()

    pair.pread(0, 512)

    assert time.perf_counter() - start < 0.035
    assert pair.raw.threads - pair.test.threads == {"pyqio-companion"}


def test_request_when_a_side_is_remote_then_the_first_runs_at_once(make_pair) -> None:
    pair = make_pair(test=Side(own_caps=Caps(remote=True)))

    pair.pread(0, 512)

    assert pair.raw.threads == {"pyqio-companion"}


def test_request_when_at_once_and_interrupted_then_waits_for_the_other_side(make_pair) -> None:
    pair = make_pair(Side(seconds=0.02), Side(own_caps=Caps(remote=True)))
    pair.test.errors["pwrite"] = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        pair.node.pwrite(0, memoryview(b"new"))

    assert pair.raw.data[:3] == b"new"


def test_close_when_threads_ran_then_they_end(make_pair) -> None:
    pair = make_pair(test=Side(own_caps=Caps(remote=True)))
    pair.pread(0, 512)

    pair.driver.close()

    assert "pyqio-companion" not in {thread.name for thread in threading.enumerate()}


def test_writes_when_they_overlap_then_both_sides_see_them_in_one_order(make_pair) -> None:
    pair = make_pair(Side(seconds=0.0005), Side(seconds=0.0002))
    patterns = [bytes([i]) * 4096 for i in range(8)]

    writers = [
        threading.Thread(target=lambda data=data: [pair.node.pwrite(i, memoryview(data)) for i in (0, 100, 2000)])
        for data in patterns
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert pair.raw.data == pair.test.data


# Nested pairs


def test_pread_when_a_pair_below_differs_then_its_own_report(make_pair) -> None:
    inner = make_pair()
    inner.test.data[300_000] = 0
    outer = Node("outer", BlkVerify(Node("raw", Side(), FLAGS), inner.node), FLAGS)

    with pytest.raises(MismatchError) as caught:
        outer.pread(0, memoryview(bytearray(SIZE)))

    assert (caught.value.node, caught.value.offset, caught.value.length) == ("pair", 0, SIZE)
    assert caught.value.runs == (Run(300_000, 300_001),)
