from __future__ import annotations

import os

import pytest

from pyqio.base.errors import BlockError, Unsupported
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

CLUSTER = 65536
L2 = 4 * CLUSTER


def overlay(opened, content, *, size=None, **options):
    """An empty image above one that holds ``content``."""
    base = opened(len(content))
    base.image.pwrite(0, content)
    base.image.close()
    top = opened(len(content) if size is None else size, **options)
    top.image.close()
    return Opened(top.file, backing=Opened(base.file, read_only=True).image.node)


@pytest.mark.parametrize("cluster_size", [512, 4096, 65536, 2 << 20])
@pytest.mark.parametrize(("offset", "length"), [(0, 1), (511, 2), (70_000, 300_000), (4_194_303, 1)])
def test_pread_after_pwrite_gives_the_bytes_and_zeroes_around_them(opened, cluster_size, offset, length):
    image = opened(4 << 20, cluster_size=cluster_size).image
    data = os.urandom(length)

    image.pwrite(offset, data)

    whole = image.pread(0, 4 << 20)
    assert whole == bytes(offset) + data + bytes(len(whole) - offset - length)


def test_pwrite_when_the_cluster_is_its_own_writes_in_place_and_nothing_else(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.image.flush()

    qcow2.image.pwrite(100, b"y")

    assert qcow2.file.pending == [(5 * CLUSTER + 100, b"y")]


def test_pwrite_when_clusters_stand_in_a_row_is_one_transfer(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 4 * CLUSTER)
    calls = []
    pwrite = qcow2.file.pwrite
    qcow2.file.pwrite = lambda offset, buf, flags: (calls.append((offset, len(buf))), pwrite(offset, buf, flags))

    qcow2.image.pwrite(10, b"y" * (4 * CLUSTER - 20))

    assert calls == [(5 * CLUSTER + 10, 4 * CLUSTER - 20)]


def test_pwrite_when_a_cluster_is_shared_copies_it(opened):
    first = opened(4 * CLUSTER)
    first.image.pwrite(0, b"x" * CLUSTER)
    first.image.close()
    shared = Opened(patched(first.file, (L2, 8, 5 * CLUSTER), (2 * CLUSTER + 10, 2, 2)))

    shared.image.pwrite(10, b"y")
    shared.image.close()

    assert shared.driver.locate(0).detail.endswith("L2[0] = 0x8000000000060000")
    assert shared.file.data[5 * CLUSTER : 6 * CLUSTER] == b"x" * CLUSTER
    assert shared.file.data[6 * CLUSTER : 6 * CLUSTER + 12] == b"x" * 10 + b"yx"
    assert [shared.store.refcounts.get(cluster) for cluster in (5, 6)] == [1, 1]


def test_pwrite_when_an_l2_table_is_shared_copies_it(opened):
    first = opened(4 * CLUSTER)
    first.image.pwrite(0, b"x" * CLUSTER)
    first.image.close()
    counts = (2 * CLUSTER + 8, 2, 2), (2 * CLUSTER + 10, 2, 2)
    shared = Opened(patched(first.file, (3 * CLUSTER, 8, L2), (L2, 8, 5 * CLUSTER), *counts))

    shared.image.pwrite(0, b"y" * CLUSTER)
    shared.image.close()

    assert shared.file.data[L2 : L2 + 8] == (5 * CLUSTER).to_bytes(8, "big"), "the snapshot's table"
    assert shared.driver.locate(0).detail.startswith("L1[0] = 0x8000000000060000")
    assert [shared.store.refcounts.get(cluster) for cluster in (4, 5)] == [1, 1]


def test_pwrite_when_the_backing_file_shows_keeps_what_surrounds_the_data(opened):
    top = overlay(opened, b"b" * 2 * CLUSTER)

    top.image.pwrite(CLUSTER - 1, b"tt")

    assert top.image.pread(0, 2 * CLUSTER) == b"b" * (CLUSTER - 1) + b"tt" + b"b" * (CLUSTER - 1)


def test_pread_when_the_backing_file_is_shorter_gives_zeroes_past_its_end(opened):
    top = overlay(opened, b"b" * 1024, size=CLUSTER)

    assert top.image.pread(1000, 100) == b"b" * 24 + bytes(76)


def test_compressed_write_when_read_in_parts_gives_the_bytes(opened):
    image = opened(4 * CLUSTER).image
    data = os.urandom(100) * 4000

    image.pwrite(0, data[: 4 * CLUSTER], compressed=True)

    assert image.pread(0, 4 * CLUSTER) == data[: 4 * CLUSTER]
    assert image.pread(CLUSTER - 7, 14) == data[CLUSTER - 7 : CLUSTER + 7]


def test_compressed_write_when_data_cannot_be_packed_stores_it_plainly(opened):
    qcow2 = opened(CLUSTER)
    data = os.urandom(CLUSTER)

    qcow2.image.pwrite(0, data, compressed=True)

    assert qcow2.driver.locate(0).kind == "data"
    assert qcow2.image.pread(0, CLUSTER) == data


@pytest.mark.parametrize(("offset", "length"), [(1, CLUSTER), (0, CLUSTER - 1), (CLUSTER, CLUSTER + 512)])
def test_compressed_write_when_clusters_are_not_whole_is_invalid(opened, offset, length):
    image = opened(4 * CLUSTER).image

    with pytest.raises(BlockError, match="Invalid argument"):
        image.pwrite(offset, b"x" * length, compressed=True)


def test_compressed_write_when_the_image_ends_in_the_cluster_is_padded(opened):
    image = opened(CLUSTER + 512).image

    image.pwrite(CLUSTER, b"x" * 512, compressed=True)

    assert image.pread(CLUSTER, 512) == b"x" * 512


def test_compressed_write_when_something_is_stored_fails_for_that_cluster_alone(opened):
    image = opened(2 * CLUSTER).image
    image.pwrite(0, b"x")

    with pytest.raises(BlockError, match="Input/output error"):
        image.pwrite(0, b"y" * 2 * CLUSTER, compressed=True)

    assert image.pread(0, 2) == b"x\0"
    assert image.pread(CLUSTER, 2) == b"yy"


def test_pread_when_a_compressed_stream_is_damaged_fails(opened):
    first = opened(CLUSTER)
    first.image.pwrite(0, b"x" * CLUSTER, compressed=True)
    first.image.close()
    damaged = Opened(patched(first.file, (5 * CLUSTER, 8, 2**64 - 1)))

    with pytest.raises(BlockError, match="Input/output error"):
        damaged.image.pread(0, 1)


def test_zero_when_a_whole_cluster_is_meant_keeps_it_in_reserve(opened):
    qcow2 = opened(2 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * CLUSTER)

    qcow2.image.zero(0, CLUSTER)

    assert qcow2.driver.locate(0).detail.endswith("L2[0] = 0x8000000000050001")
    assert qcow2.image.pread(0, CLUSTER) == bytes(CLUSTER)


def test_zero_when_it_may_unmap_gives_the_cluster_back(opened):
    qcow2 = opened(2 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * CLUSTER)

    qcow2.image.zero(0, CLUSTER, unmap=True)
    qcow2.image.flush()

    assert qcow2.driver.locate(0).detail.endswith("L2[0] = 0x1")
    assert qcow2.store.refcounts.get(5) == 0


def test_zero_when_a_part_is_meant_of_a_cluster_of_zeroes_takes_the_whole(opened):
    qcow2 = opened(2 * CLUSTER)

    qcow2.image.zero(100, 50, no_fallback=True)

    assert qcow2.driver.locate(0).kind == "zero"


def test_zero_when_a_part_is_meant_of_a_cluster_of_data_cannot_be_done_without_writing(opened):
    image = opened(2 * CLUSTER).image
    image.pwrite(0, b"x" * 300)

    with pytest.raises(Unsupported):
        image.zero(100, 50, no_fallback=True)
    image.zero(100, 50)

    assert image.pread(0, 301) == b"x" * 100 + bytes(50) + b"x" * 150 + b"\0"


def test_zero_when_the_backing_file_shows_hides_it(opened):
    top = overlay(opened, b"b" * 2 * CLUSTER)

    top.image.zero(0, CLUSTER)
    top.image.discard(CLUSTER, CLUSTER)

    assert top.image.pread(0, 2 * CLUSTER) == bytes(2 * CLUSTER)


def test_discard_when_the_image_is_version_2_and_has_a_backing_file_changes_nothing(opened):
    top = overlay(opened, b"b" * CLUSTER, compat="0.10")
    top.image.pwrite(0, b"t" * CLUSTER)

    top.image.discard(0, CLUSTER)

    assert top.image.pread(0, 3) == b"ttt"


def test_discard_when_clusters_are_not_whole_leaves_their_parts(opened):
    image = opened(4 * CLUSTER).image
    image.pwrite(0, b"x" * 3 * CLUSTER)

    image.discard(100, 2 * CLUSTER)

    assert image.pread(0, 3 * CLUSTER) == b"x" * CLUSTER + bytes(CLUSTER) + b"x" * CLUSTER
