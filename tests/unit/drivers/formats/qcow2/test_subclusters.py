"""Extended L2 entries: what each subcluster's two bits become, and that the guest sees the same as ever."""

from __future__ import annotations

from random import Random

import pytest

from pyqio.base.errors import CorruptError
from tests.unit.drivers.formats.qcow2.conftest import Opened, apply, patched

CLUSTER = 65536
SUB = CLUSTER // 32
SIZE = 8 * CLUSTER
EXTENDED = (72, 8, 16)
ALL = 0xFFFFFFFF


@pytest.fixture
def extended(blank):
    """``extended(content)``: an empty image with extended entries, over a file of ``content`` where there is any."""

    def make(content=None):
        file = patched(blank(SIZE), EXTENDED)
        if content is None:
            return Opened(file)
        base = Opened(blank(len(content)))
        base.image.pwrite(0, content)
        base.image.close()
        return Opened(file, backing=Opened(base.file, read_only=True).image.node)

    return make


def bitmap(qcow2, cluster=0):
    """The bits of a guest cluster: (allocated, zero)."""
    table, index = qcow2.store.mapping.find(cluster * CLUSTER)
    return table.bitmaps[index] & ALL, table.bitmaps[index] >> 32


def extents(qcow2):
    return [(e.offset, e.length, e.data, e.zero, e.allocated) for e in qcow2.image.block_status()]


def test_pwrite_when_the_cluster_is_new_allocates_the_touched_subclusters_alone(extended):
    qcow2 = extended()

    qcow2.image.pwrite(3 * SUB + 100, b"x" * SUB)

    assert bitmap(qcow2) == (0b11000, 0)
    assert qcow2.image.pread(0, 8 * SUB) == bytes(3 * SUB + 100) + b"x" * SUB + bytes(4 * SUB - 100)


def test_pwrite_when_the_backing_file_has_data_copies_the_rest_of_the_subclusters(extended):
    qcow2 = extended(b"b" * SIZE)

    qcow2.image.pwrite(SUB + 10, b"x")

    assert bitmap(qcow2) == (0b10, 0)
    assert qcow2.image.pread(0, 3 * SUB) == b"b" * (SUB + 10) + b"x" + b"b" * (2 * SUB - 11)


def test_pwrite_when_the_cluster_is_there_adds_subclusters_in_place(extended):
    qcow2 = extended(b"b" * SIZE)
    qcow2.image.pwrite(0, b"x" * SUB)
    host = qcow2.driver.locate(0).host_offset

    qcow2.image.pwrite(5 * SUB, b"y" * SUB)

    assert bitmap(qcow2) == (0b100001, 0)
    assert qcow2.driver.locate(5 * SUB).host_offset == host + 5 * SUB


def test_pwrite_across_clusters_marks_the_ends_of_the_first_and_the_last(extended):
    qcow2 = extended()

    qcow2.image.pwrite(31 * SUB, b"x" * (CLUSTER + 2 * SUB))

    assert [bitmap(qcow2, n) for n in range(3)] == [(1 << 31, 0), (ALL, 0), (1, 0)]


def test_zero_of_subclusters_when_they_hold_data_keeps_the_cluster(extended):
    qcow2 = extended()
    qcow2.image.pwrite(0, b"x" * CLUSTER)

    qcow2.image.zero(2 * SUB, 3 * SUB)

    assert bitmap(qcow2) == (ALL & ~0b11100, 0b11100)
    assert qcow2.image.pread(0, 6 * SUB) == b"x" * 2 * SUB + bytes(3 * SUB) + b"x" * SUB


def test_zero_over_the_backing_file_hides_it_subcluster_by_subcluster(extended):
    qcow2 = extended(b"b" * SIZE)

    qcow2.image.zero(SUB, CLUSTER)

    assert [bitmap(qcow2, n) for n in range(2)] == [(0, ALL & ~1), (0, 1)]
    assert extents(qcow2)[:3] == [
        (0, SUB, False, False, False),
        (SUB, CLUSTER, False, True, True),
        (CLUSTER + SUB, SIZE - CLUSTER - SUB, False, False, False),
    ]


def test_pwrite_when_zero_subclusters_are_overwritten_clears_their_bits(extended):
    qcow2 = extended(b"b" * SIZE)
    qcow2.image.zero(0, 4 * SUB)

    qcow2.image.pwrite(SUB + 1, b"x")

    assert bitmap(qcow2) == (0b10, 0b1101)
    assert qcow2.image.pread(SUB, SUB) == b"\0x" + bytes(SUB - 2)


def test_discard_when_a_whole_cluster_goes_makes_all_of_it_zero(extended):
    qcow2 = extended(b"b" * SIZE)
    qcow2.image.pwrite(0, b"x")

    qcow2.image.discard(0, CLUSTER)

    assert bitmap(qcow2) == (0, ALL)
    assert qcow2.driver.locate(0).host_offset is None


def test_pwrite_over_a_compressed_cluster_takes_all_of_it_over(extended):
    qcow2 = extended()
    qcow2.image.pwrite(0, b"c" * CLUSTER, compressed=True)

    qcow2.image.pwrite(7 * SUB, b"x")

    assert bitmap(qcow2) == (ALL, 0)
    assert qcow2.image.pread(0, CLUSTER) == b"c" * 7 * SUB + b"x" + b"c" * (25 * SUB - 1)


def test_pwrite_when_a_snapshot_shares_the_cluster_copies_from_the_first_to_the_last_subcluster_with_data(extended):
    qcow2 = extended(b"b" * SIZE)
    qcow2.image.pwrite(2 * SUB, b"x" * SUB)
    qcow2.image.pwrite(9 * SUB, b"x" * SUB)
    table, index = qcow2.store.mapping.find(0)
    table.entries[index] &= ~(1 << 63)

    qcow2.image.pwrite(4 * SUB, b"y" * SUB)

    assert bitmap(qcow2) == (0b1111111100, 0)
    assert qcow2.image.pread(0, 11 * SUB) == b"b" * 2 * SUB + b"x" * SUB + b"b" * SUB + b"y" * SUB + b"b" * 4 * SUB + (
        b"x" * SUB + b"b" * SUB
    )


@pytest.mark.parametrize("bits", [1 << 32 | 1, 3 << 40 | 1 << 9])
def test_pread_when_a_subcluster_is_data_and_zero_at_once_finds_the_image_corrupt(extended, bits):
    qcow2 = extended()
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.store.mapping.find(0)[0].bitmaps[0] = bits

    with pytest.raises(CorruptError, match="Invalid cluster entry found"):
        qcow2.image.pread(0, 512)


def test_pread_when_a_subcluster_has_data_and_no_cluster_finds_the_image_corrupt(extended):
    qcow2 = extended()
    qcow2.image.pwrite(CLUSTER, b"x")
    qcow2.store.mapping.find(0)[0].bitmaps[0] = 1

    with pytest.raises(CorruptError, match="Invalid cluster entry found"):
        qcow2.image.pread(0, 512)


@pytest.mark.parametrize("seed", range(12))
def test_random_requests_when_the_image_is_opened_again_show_the_same_as_a_bytearray(extended, blank, seed):
    rng = Random(seed)
    content = rng.randbytes(SIZE * rng.choice((1, 2)) // 2)
    qcow2 = extended(content)
    model = bytearray(content.ljust(SIZE, b"\0"))
    backing = qcow2.image.node.children["backing"].node
    for _ in range(150):
        offset = rng.randrange(SIZE // 512) * 512
        length = min(rng.choice((512, SUB, rng.randint(1, CLUSTER), 2 * CLUSTER)), SIZE - offset)
        data = rng.choice((rng.randbytes(length), bytes(length)))
        if any(data):
            qcow2.image.pwrite(offset, data)
        else:
            qcow2.image.zero(offset, length, unmap=rng.random() < 0.5)
        apply(model, offset, data)
    qcow2.image.close()

    again = Opened(qcow2.file, backing=backing)

    assert again.image.pread(0, SIZE) == model


@pytest.mark.parametrize("prealloc", ["off", "metadata", "falloc", "full"])
@pytest.mark.parametrize("size", [0, 3 * SUB + 512, CLUSTER])
def test_truncate_when_the_backing_file_is_longer_shows_zeroes_in_the_new_range(extended, prealloc, size):
    qcow2 = extended(b"b" * SIZE)
    qcow2.image.truncate(size)

    qcow2.image.truncate(4 * CLUSTER, prealloc=prealloc)

    assert qcow2.image.pread(0, 4 * CLUSTER) == b"b" * size + bytes(4 * CLUSTER - size)


@pytest.mark.parametrize("prealloc", ["metadata", "falloc", "full"])
def test_truncate_when_nothing_is_below_leaves_preallocated_subclusters_unallocated(extended, prealloc):
    qcow2 = extended()

    qcow2.image.truncate(2 * SIZE, prealloc=prealloc)

    table, index = qcow2.store.mapping.find(SIZE)
    assert table.entries[index]
    assert bitmap(qcow2, SIZE // CLUSTER) == (0, 0)


@pytest.mark.parametrize("bits", [1 << 32 | 1, 3 << 40 | 1 << 9])
@pytest.mark.parametrize("offset", [0, 20 * SUB])
def test_pwrite_when_a_subcluster_is_data_and_zero_at_once_finds_the_image_corrupt(extended, bits, offset):
    qcow2 = extended()
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.store.mapping.find(0)[0].bitmaps[0] = bits

    with pytest.raises(CorruptError, match="Invalid cluster entry found \\(L2"):
        qcow2.image.pwrite(offset, bytes(512))
