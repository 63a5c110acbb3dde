"""Each hint on bytes that it is about, and on bytes that only look like it."""

from __future__ import annotations

import random

import pytest

from pyqio.base.types import Extent, Run
from pyqio.verify.hints import Enough, Ground, Scene, hints
from pyqio.verify.journal import Effect, Operation, Outcome

SIZE = 1 << 20
CLUSTER = 65536
BOTH = Outcome("ok", "ok", "ok")


def noise(seed, size=SIZE):
    return bytearray(random.Random(seed).randbytes(size))


def scene(raw, test, *, operations=(), ground=None, host=b"", backing=b"", changed=""):
    """The scene of the first bytes that differ between two images of equal length."""
    places = {"raw": raw, "test": test, "host": host, "backing": backing}
    unlike = [at for at in range(len(raw)) if raw[at] != test[at]]
    last = unlike[0]
    for at in unlike:
        if at - last >= 16:
            break
        last = at
    run = Run(unlike[0], last + 1)
    area = Run(run.start // 512 * 512, min(-(-run.end // 512) * 512, run.start // 512 * 512 + 65536))
    run = Run(run.start, min(run.end, area.end))
    return Scene(
        run=run,
        area=area,
        raw=bytes(raw[area.start : area.end]),
        test=bytes(test[area.start : area.end]),
        byte_count=len(unlike),
        length=len(raw),
        read=lambda where, offset, length: bytes(places[where][offset : offset + length]),
        operations=operations,
        ground=ground or Ground(),
        changed=changed,
    )


def told(*arguments, **more):
    return [hint.text for hint in hints(scene(*arguments, **more))]


def kinds(*arguments, **more):
    return [hint.kind for hint in hints(scene(*arguments, **more))]


def write(number, fill, offset=0, length=CLUSTER, *, kind="write", outcome=BOTH, session=""):
    return Operation(
        number=number,
        text=f"write -P {fill} {offset} {length}",
        effect=Effect(kind, offset, length, fill),
        outcome=outcome,
        when=0.0,
        elapsed=0.0,
        session=session,
    )


def read(number, offset=0, length=CLUSTER, outcome=BOTH):
    return write(number, None, offset, length, kind="read", outcome=outcome)


def patched(data, offset, piece):
    copy = bytearray(data)
    copy[offset : offset + len(piece)] = piece
    return copy


def filled(*parts):
    """An image of zeroes with (offset, length, byte) in it."""
    data = bytearray(SIZE)
    for offset, length, byte in parts:
        data[offset : offset + length] = bytes([byte]) * length
    return data


# The bytes alone


def test_bit_flip_when_one_bit_then_named() -> None:
    raw = noise(1)

    found = told(raw, patched(raw, 1030, bytes([raw[1030] ^ 8])))

    assert found == ["bit 3 of byte 0x406 is flipped, and nothing else"]


def test_bit_flip_when_two_bits_then_their_places() -> None:
    raw = noise(1)

    found = told(raw, patched(raw, 1030, bytes([raw[1030] ^ 8, raw[1031] ^ 1])))

    assert found == ["2 bits are flipped, at 0x406, 0x407, and nothing else"]


@pytest.mark.parametrize("piece", [[0xF0], [1, 1, 1, 1]])
def test_bit_flip_when_more_bits_then_none(piece) -> None:
    raw = noise(1)

    assert kinds(raw, patched(raw, 1030, bytes(raw[1030 + at] ^ bits for at, bits in enumerate(piece)))) == []


def test_bit_flip_when_other_bytes_differ_too_then_none() -> None:
    raw = noise(1)
    test = patched(raw, 1030, bytes([raw[1030] ^ 8]))

    assert kinds(raw, patched(test, 9000, bytes(b ^ 255 for b in raw[9000:9100]))) == []


@pytest.mark.parametrize("width", [2, 4, 8])
def test_byte_swap_when_words_are_reversed_then_their_width(width) -> None:
    raw = noise(2)
    swapped = b"".join(raw[at : at + width][::-1] for at in range(512, 1024, width))

    found = told(raw, patched(raw, 512, swapped))

    assert found == [f"the test side has the bytes of each {8 * width}-bit word in the other order"]


def test_byte_swap_when_one_byte_is_not_swapped_then_none() -> None:
    raw = noise(2)
    swapped = bytearray(b"".join(raw[at : at + 4][::-1] for at in range(512, 1024, 4)))
    swapped[100] ^= 0x55

    assert kinds(raw, patched(raw, 512, swapped)) == []


@pytest.mark.parametrize("distance", [512, -1024, 32768])
def test_misdirected_read_when_a_near_sector_is_there_then_its_offset(distance) -> None:
    raw = noise(3)
    there = 131072 + distance

    found = told(raw, patched(raw, 131072, raw[there : there + 512]))

    assert found == [
        f"the test side holds at 0x20000 what guest offset {there:#x} should hold "
        f"(misdirected by {distance // 512:+d} sectors)"
    ]


def test_misdirected_read_when_a_cluster_is_there_then_both_clusters() -> None:
    raw = noise(3)

    found = told(raw, patched(raw, CLUSTER, raw[5 * CLUSTER : 6 * CLUSTER]), ground=Ground(cluster=CLUSTER))

    assert found == [
        "the test side holds at 0x10000 what guest offset 0x50000 should hold (misdirected: cluster 1 for cluster 5)"
    ]


def test_misdirected_read_when_one_byte_fills_several_places_then_none() -> None:
    raw = filled((0, 512, 1), (512, 1024, 2))

    assert kinds(raw, patched(raw, 0, b"\x02" * 512)) == []


def test_misdirected_read_when_one_byte_fills_one_place_then_it() -> None:
    raw = filled((0, SIZE, 7), (0, 512, 1), (512, 512, 2))

    assert kinds(raw, patched(raw, 0, b"\x02" * 512)) == ["misdirected read"]


def test_misdirected_write_when_it_landed_elsewhere_then_there() -> None:
    before, written = noise(4), noise(5, 4096)
    raw, test = patched(before, 8192, written), patched(before, 12288, written)

    found = told(raw, test)

    assert found == [
        "what guest offset 0x2000 should hold is at 0x3000 of the test side (misdirected by +8 sectors)",
    ]


def test_misdirected_write_when_the_bytes_belong_there_too_then_none() -> None:
    raw = noise(4)
    raw[12288:16384] = raw[8192:12288]

    assert kinds(raw, patched(raw, 8192, noise(5, 4096))) == []


# What was done to them


def test_lost_when_the_test_side_is_as_before_then_the_operation() -> None:
    raw = filled((0, CLUSTER, 0xCD))

    found = told(raw, filled(), operations=[write(7, 0xCD)])

    assert found == ["#7 did not reach the test side, which still holds zeroes, as before it"]


def test_lost_when_something_was_there_before_then_what() -> None:
    raw = filled((0, CLUSTER, 0xCD))

    found = told(raw, filled((0, CLUSTER, 0x11)), operations=[write(3, 0x11), write(7, 0xCD)])

    assert found == ["#7 did not reach the test side, which still holds what #3 left"]


def test_lost_when_it_was_a_discard_then_missed() -> None:
    operations = [write(3, 0x11, session="2026-11-22 21:13"), write(7, None, kind="discard")]

    found = hints(scene(filled(), filled((0, CLUSTER, 0x11)), operations=operations))

    assert found[0].kind == "missed discard"
    assert found[0].text.endswith("still holds what #3 of 2026-11-22 21:13 left")


def test_lost_when_the_raw_side_holds_something_else_then_not_claimed() -> None:
    assert "lost write" not in kinds(filled((0, CLUSTER, 0xEE)), filled(), operations=[write(7, 0xCD)])


def test_lost_when_the_last_write_covers_a_part_only_then_not_claimed() -> None:
    raw = filled((0, CLUSTER, 0xCD))

    assert "lost write" not in kinds(raw, filled(), operations=[write(7, 0xCD, 0, 512)])


def test_stale_when_an_older_write_is_seen_then_it() -> None:
    operations = [write(2, 0x11), write(3, 0x22), write(7, 0xCD)]

    found = told(filled((0, CLUSTER, 0xCD)), filled((0, CLUSTER, 0x11)), operations=operations)

    assert found == ["the test side holds 0x11, which #2 put there: stale data"]


def test_torn_when_the_tail_is_as_before_then_up_to_where() -> None:
    raw, test = filled((0, 8192, 0xCD)), filled((0, 4096, 0xCD))

    found = told(raw, test, operations=[write(7, 0xCD, 0, 8192)])

    assert found == ["#7 reached the test side up to 0x1000 only (8 sectors)"]


@pytest.mark.parametrize("length", [4000, 8192])
def test_torn_when_it_is_no_tail_or_no_sector_then_not_claimed(length) -> None:
    raw = filled((0, 16384, 0xCD))
    test = patched(raw, length, bytes(4096))

    assert "torn write" not in kinds(raw, test, operations=[write(7, 0xCD, 0, 16384)])


def test_changed_when_it_was_read_back_then_the_read() -> None:
    found = told(filled((0, CLUSTER, 0xCD)), filled(), operations=[write(7, 0xCD), read(8)])

    assert found[1:] == ["#8 found both sides alike here: the test side was changed later"]


def test_changed_when_it_is_not_known_what_was_written_then_not_whose_fault() -> None:
    found = told(noise(1), filled(), operations=[write(7, None), read(8)])

    assert found[-1] == "#8 found both sides alike here: one of them was changed later"


@pytest.mark.parametrize("later", [read(8, outcome=Outcome("mismatch", "ok", "ok")), read(8, 4096, 512)])
def test_changed_when_the_read_failed_or_was_elsewhere_then_not_claimed(later) -> None:
    raw = filled((0, CLUSTER, 0xCD))

    assert kinds(raw, filled(), operations=[write(7, 0xCD), later]) == ["lost write"]


def test_changed_when_the_file_is_newer_than_its_session_then_said() -> None:
    operations = [write(7, 0xCD, session="2026-11-22 21:13")]

    found = told(filled((0, CLUSTER, 0xCD)), filled(), operations=operations, changed="t.img was changed later")

    assert found[1:] == ["#7 of 2026-11-22 21:13 wrote here, and t.img was changed later"]


def test_uneven_when_one_side_failed_then_how() -> None:
    failed = write(7, 0xCD, outcome=Outcome("mismatch", "ok", "No space left on device"))

    found = told(filled((0, CLUSTER, 0xCD)), filled(), operations=[failed])

    assert found == ["#7 ended with: raw side ok, test side No space left on device"]


def test_trusted_side_when_it_is_the_one_that_is_wrong_then_said() -> None:
    found = told(filled(), filled((0, CLUSTER, 0xCD)), operations=[write(7, 0xCD)])

    assert found == ["the test side holds what #7 put there; it is the raw side that does not"]


# How the test side stores them


def test_overwritten_when_a_few_bytes_differ_in_a_sector_then_where_they_are() -> None:
    raw = filled((0, SIZE, 0xCD))
    ground = Ground(host_offset=0x50309, cluster=CLUSTER, host_name="t.qcow2")

    found = told(raw, patched(raw, 777, b"hello"), ground=ground)

    assert found == ["5 bytes of a sector that agrees otherwise: overwritten in place, at offset 0x50309 of t.qcow2"]


def test_overwritten_when_the_sector_differs_elsewhere_too_then_none() -> None:
    raw = filled((0, SIZE, 0xCD))
    ground = Ground(host_offset=0x50309, cluster=CLUSTER, host_name="t.qcow2")

    assert kinds(raw, patched(patched(raw, 777, b"hello"), 900, b"hello"), ground=ground) == []


def test_astray_when_the_cluster_agrees_elsewhere_then_it_is_no_other_cluster() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    host = filled((5 * CLUSTER, CLUSTER, 0x11))
    ground = Ground(host_offset=6 * CLUSTER, cluster=CLUSTER, extents=mapped((2, 6)))

    assert "wrong L2 entry" not in kinds(raw, patched(raw, CLUSTER, noise(11, 4096)), ground=ground, host=host)


def mapped(*places):
    """The extents of clusters: (guest, host) in clusters."""
    return lambda: [
        Extent(guest * CLUSTER, CLUSTER, data=True, zero=False, allocated=True, host_offset=host * CLUSTER)
        for guest, host in places
    ]


def test_shared_when_an_entry_leads_to_another_cluster_then_whose_and_where_its_own_is() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11), (2 * CLUSTER, CLUSTER, 0x22))
    test = filled((CLUSTER, 2 * CLUSTER, 0x22))
    host = filled((5 * CLUSTER, CLUSTER, 0x11), (6 * CLUSTER, CLUSTER, 0x22))
    ground = Ground(host_offset=6 * CLUSTER, cluster=CLUSTER, extents=mapped((1, 6), (2, 6)))

    found = hints(scene(raw, test, ground=ground, host=host))

    assert [hint.kind for hint in found] == ["wrong L2 entry"]
    assert found[0].text == (
        "guest clusters 0x10000 and 0x20000 both lead to host offset 0x60000, where 0x20000 belongs: "
        "the L2 entry of 0x10000 is wrong; its own bytes are at 0x50000"
    )


def test_shared_when_the_other_s_bytes_are_gone_too_then_not_whose() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11), (2 * CLUSTER, CLUSTER, 0x22))
    ground = Ground(host_offset=6 * CLUSTER, cluster=CLUSTER, extents=mapped((1, 6), (2, 6)))

    assert kinds(raw, filled((CLUSTER, 2 * CLUSTER, 0x33)), ground=ground) == ["shared cluster"]


def test_astray_when_a_cluster_that_nothing_leads_to_has_the_bytes_then_there() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    host = filled((5 * CLUSTER, CLUSTER, 0x11))
    ground = Ground(kind="unallocated", cluster=CLUSTER, extents=mapped((2, 6)))

    found = told(raw, filled(), ground=ground, host=host)

    assert found == ["raw's bytes are at host offset 0x50000, where no L2 entry leads: this one leads to none"]


def test_astray_when_two_clusters_have_the_bytes_then_none() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    host = filled((5 * CLUSTER, 2 * CLUSTER, 0x11))
    ground = Ground(kind="unallocated", cluster=CLUSTER, extents=mapped((2, 7)))

    assert "wrong L2 entry" not in kinds(raw, filled(), ground=ground, host=host)


def test_astray_when_the_bytes_are_in_use_behind_another_entry_s_cluster_then_none() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    host = filled((8 * CLUSTER, CLUSTER, 0x11))
    contiguous = Extent(8 * CLUSTER, 4 * CLUSTER, data=True, zero=False, allocated=True, host_offset=5 * CLUSTER)
    inside = Extent(2 * CLUSTER, CLUSTER, data=True, zero=False, allocated=True, host_offset=6 * CLUSTER)
    ground = Ground(kind="unallocated", cluster=CLUSTER, extents=lambda: [contiguous, inside])

    assert "wrong L2 entry" not in kinds(raw, filled(), ground=ground, host=host)


def test_hidden_when_subcluster_bits_are_wrong_then_which() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    test = patched(raw, CLUSTER + 4096, bytes(4096))
    host = filled((5 * CLUSTER, CLUSTER, 0x11))
    ground = Ground(kind="zero", base=5 * CLUSTER, cluster=CLUSTER, subcluster=2048)

    found = told(raw, test, ground=ground, host=host)

    assert found == [
        "raw's bytes are at host offset 0x51000, but the L2 entry's bits of subclusters 2 to 3 say that it is zero"
    ]


def test_hidden_when_the_host_cluster_holds_something_else_then_none() -> None:
    raw = filled((CLUSTER, CLUSTER, 0x11))
    ground = Ground(kind="zero", base=5 * CLUSTER, cluster=CLUSTER, subcluster=2048)

    assert kinds(raw, patched(raw, CLUSTER, bytes(2048)), ground=ground, host=filled()) == ["zeroed"]


def test_backing_when_nothing_is_allocated_then_it_shows() -> None:
    ground = Ground(kind="backing", cluster=CLUSTER, backing_name="base.img")

    found = told(filled((0, CLUSTER, 0x11)), filled((0, CLUSTER, 0x33)), ground=ground)

    assert found == ["nothing is allocated here: the backing file base.img shows through"]


def test_backing_when_the_cluster_holds_its_bytes_then_said() -> None:
    backing = noise(6)
    raw = patched(backing, 4096, noise(7, 512))

    found = told(raw, backing, ground=Ground(cluster=CLUSTER, backing_name="base.img"), backing=backing)

    assert found == ["the test side holds the bytes of its backing file base.img"]


@pytest.mark.parametrize(
    ("kind", "start"),
    [("unallocated", "the test side has nothing"), ("zero", "the entry"), ("data", "the test side has zeroes")],
)
def test_zeroed_when_the_test_side_is_zero_then_why(kind, start) -> None:
    raw = noise(8)

    (found,) = hints(scene(raw, patched(raw, 4096, bytes(512)), ground=Ground(kind=kind)))

    assert (found.kind, found.text.startswith(start)) == ("zeroed", True)


def test_zeroed_when_the_raw_side_is_zero_then_missed_and_which_subclusters() -> None:
    raw = filled((0, SIZE, 0x11), (CLUSTER, 4096, 0))
    ground = Ground(cluster=CLUSTER, subcluster=2048)

    found = told(raw, filled((0, SIZE, 0x11)), ground=ground)

    assert found == [
        "the raw side is zero here: a discard or zeroes missed the test side (subclusters 0 to 1)",
    ]


def test_hints_when_nothing_fits_then_none() -> None:
    raw = noise(9)

    assert kinds(raw, patched(raw, 4096, noise(10, 512))) == []


def test_hints_when_enough_was_read_then_those_that_need_no_more() -> None:
    def stop(where, offset, length):
        raise Enough

    raw = noise(9)
    whole = scene(raw, patched(raw, 4096, bytes(512)))

    assert [hint.kind for hint in hints(whole.replace(read=stop))] == ["zeroed"]
