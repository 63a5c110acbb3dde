"""What the block layer does for a driver that cannot."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.errors import Unsupported
from pyqio.base.types import COMPRESSED, FUA, MAY_UNMAP, NO_FALLBACK, Caps, Limits, OpenFlags
from pyqio.block.emulate import WINDOW, pieces


@given(
    offset=st.integers(0, 1 << 40),
    length=st.integers(0, 1 << 20),
    grain=st.sampled_from([1, 512, 4096, 65536]),
    largest=st.sampled_from([0, 1, 512, 70000, 1 << 30]),
)
def test_pieces_of_any_range_join_up_and_only_the_ends_are_unaligned(offset, length, grain, largest):
    end = offset + length
    largest = 0 if length > 200 * max(largest, grain) else largest

    cut = list(pieces(offset, end, grain=grain, largest=largest))

    assert sum(n for _, n in cut) == length
    assert all(a + n == b for (a, n), (b, _) in pairwise(cut))
    assert all(n > 0 for _, n in cut)
    assert all(at % grain == 0 for at, _ in cut[1:])
    assert all((at + n) % grain == 0 for at, n in cut[:-1])
    assert all(n <= max(largest, grain) for _, n in cut) or not largest


def test_pread_longer_than_max_transfer_is_cut(plain):
    node = plain(own_limits=Limits(max_transfer=1024))
    buf = bytearray(4096)

    node.pread(0, memoryview(buf))

    assert [call[2] for call in node.driver.calls] == [1024] * 4
    assert bytes(buf) == bytes(node.driver.data)


def test_zeroes_without_the_operation_are_written_as_a_buffer(plain):
    node = plain()

    node.pwrite_zeroes(10, 20)

    assert node.driver.data[10:30] == bytes(20)
    assert node.driver.calls == [("pwrite", 10, 20, 0)]


def test_zeroes_without_the_operation_and_without_fallback_are_refused(plain):
    node = plain()

    with pytest.raises(Unsupported):
        node.pwrite_zeroes(16, 32, NO_FALLBACK)

    assert node.driver.calls == []


def test_zeroes_in_the_drivers_grain_go_as_head_body_and_tail(plain):
    node = plain(zeroes=True, own_limits=Limits(pwrite_zeroes_alignment=1024), own_caps=Caps(may_unmap=True))

    node.pwrite_zeroes(1000, 3000, MAY_UNMAP)

    assert node.driver.calls == [
        ("pwrite_zeroes", 1000, 24, MAY_UNMAP),
        ("pwrite_zeroes", 1024, 2048, MAY_UNMAP),
        ("pwrite_zeroes", 3072, 928, MAY_UNMAP),
    ]


def test_zeroes_with_fua_flush_once_at_the_end(plain):
    node = plain(zeroes=True, own_limits=Limits(max_pwrite_zeroes=1024))

    node.pwrite_zeroes(0, 4096, FUA)

    assert [call[0] for call in node.driver.calls] == ["pwrite_zeroes"] * 4 + ["flush"]


def test_long_zeroes_without_the_operation_never_need_more_than_a_window(plain):
    node = plain(own_caps=Caps(growable=True))

    node.pwrite_zeroes(0, 3 * WINDOW)

    assert max(call[2] for call in node.driver.calls) == WINDOW
    assert node.length() == 3 * WINDOW


def test_unaligned_zeroes_over_a_sector_driver_keep_their_neighbours(plain):
    node = plain(flags=OpenFlags(probed=True), zeroes=True, own_limits=Limits(request_alignment=512))
    before = bytes(node.driver.data)

    node.pwrite_zeroes(500, 1000)

    assert node.driver.data == before[:500] + bytes(1000) + before[1500:]


def test_discard_offers_the_unaligned_ends_by_themselves(plain):
    node = plain(own_limits=Limits(request_alignment=512, pdiscard_alignment=1024))

    node.pdiscard(100, 3000)

    assert node.driver.calls == [("pdiscard", 100, 924), ("pdiscard", 1024, 2048), ("pdiscard", 3072, 28)]


def test_block_status_cuts_the_drivers_extents_to_the_range(plain):
    node = plain(holes=((1024, 2048),))

    extents = list(node.block_status(700, 1000))

    assert [(e.offset, e.length, e.allocated) for e in extents] == [(700, 512, True), (1212, 488, False)]


def test_block_status_past_the_end_is_one_hole(plain):
    node = plain()

    *_, last = node.block_status(4000, 1000)

    assert (last.offset, last.length, last.allocated, last.zero) == (4096, 904, False, True)


def test_copy_on_read_keeps_what_was_not_allocated_and_only_that(plain):
    node = plain(holes=((1024, 2048),))
    node.copy_on_read = True

    node.pread(512, memoryview(bytearray(1024)))

    writes = [call for call in node.driver.calls if call[0] == "pwrite"]
    assert writes == [("pwrite", 1024, 512, 0)]


def test_aligned_write_beside_a_read_modify_write_of_its_sector_is_not_lost(plain, monkeypatch):
    node = plain(own_limits=Limits(request_alignment=512))
    read, beside = node.driver.pread, threading.Thread(target=node.pwrite, args=(0, memoryview(b"\x11" * 512)))

    def read_slowly(offset, buf, flags):
        read(offset, buf, flags)
        beside.start()
        beside.join(0.05)

    monkeypatch.setattr(node.driver, "pread", read_slowly)

    node.pwrite(100, memoryview(b"\x22" * 8))
    beside.join()

    assert node.driver.data[:512] == b"\x11" * 512


@pytest.mark.parametrize(("detect", "passed"), [("on", 0), ("unmap", MAY_UNMAP)])
def test_write_of_zeroes_where_they_are_detected_becomes_write_zeroes(plain, detect, passed):
    node = plain(flags=OpenFlags(detect_zeroes=detect), zeroes=True, own_caps=Caps(may_unmap=True))

    node.pwrite(100, memoryview(bytes(50)))
    node.pwrite(100, memoryview(bytes(49) + b"x"))

    assert node.driver.calls == [("pwrite_zeroes", 100, 50, passed), ("pwrite", 100, 50, 0)]


def test_detected_zeroes_that_the_driver_cannot_write_are_written_as_a_buffer(plain):
    node = plain(flags=OpenFlags(detect_zeroes="on"))

    node.pwrite(100, memoryview(bytes(50)))

    assert node.driver.calls == [("pwrite", 100, 50, 0)]


def test_no_zeroes_at_an_unaligned_offset_without_fallback_are_refused(plain):
    node = plain(flags=OpenFlags(probed=True), zeroes=True, own_limits=Limits(request_alignment=512))

    with pytest.raises(Unsupported):
        node.pwrite_zeroes(100, 0, NO_FALLBACK)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (b"\0", [("pwrite_zeroes", 512, 512, 0), ("pwrite_zeroes", 1024, 512, 0)]),
        (b"x", [("pwrite", 512, 512, 0), ("pwrite", 1024, 512, 0)]),
    ],
)
def test_unaligned_write_of_detected_zeroes_depends_on_what_shares_its_last_sector(plain, held, expected):
    limits = Limits(request_alignment=512)
    node = plain(flags=OpenFlags(detect_zeroes="on"), zeroes=True, own_limits=limits)
    node.driver.data[1024:1536] = held * 512

    node.pwrite(512, memoryview(bytes(600)))

    assert [call for call in node.driver.calls if call[0] != "pread"] == expected
    assert node.driver.data[1112:1536] == held * 424


def test_compressed_write_of_detected_zeroes_needs_no_compression(plain):
    node = plain(flags=OpenFlags(detect_zeroes="on"), zeroes=True)

    node.pwrite(0, memoryview(bytes(512)), COMPRESSED)

    assert node.driver.calls == [("pwrite_zeroes", 0, 512, 0)]
