from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

CLUSTER = 65536
MIB = 1 << 20


def test_truncate_when_growing_past_the_l1_table_moves_it(opened):
    qcow2 = opened(32 * 1024, cluster_size=512)
    qcow2.image.pwrite(0, b"x" * 512)
    former = qcow2.store.fields.l1_table_offset

    qcow2.image.truncate(8 * MIB)
    former_count = qcow2.store.refcounts.get(former // 512)
    qcow2.image.pwrite(8 * MIB - 1, b"y")

    assert qcow2.store.fields.l1_size == 256
    assert former_count == 0
    assert qcow2.image.pread(0, 2) == b"xx"
    assert qcow2.image.pread(8 * MIB - 2, 2) == b"\0y"


def test_truncate_when_shrinking_gives_the_clusters_and_the_end_of_the_file_back(opened):
    qcow2 = opened(MIB)
    qcow2.image.pwrite(0, b"x" * MIB)

    qcow2.image.truncate(2 * CLUSTER)

    assert qcow2.image.length() == 2 * CLUSTER
    assert len(qcow2.file.data) == 7 * CLUSTER
    assert qcow2.image.pread(0, 2 * CLUSTER) == b"x" * 2 * CLUSTER


def test_truncate_when_growing_again_shows_nothing_of_what_was_cut_off(opened):
    qcow2 = opened(2 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 2 * CLUSTER)

    qcow2.image.truncate(1024)
    qcow2.image.truncate(2 * CLUSTER)

    assert qcow2.image.pread(0, 2 * CLUSTER) == b"x" * 1024 + bytes(2 * CLUSTER - 1024)


@pytest.mark.parametrize("prealloc", ["off", "metadata", "falloc", "full"])
def test_truncate_when_the_backing_file_is_longer_hides_the_rest_of_it(opened, prealloc):
    base = opened(4 * CLUSTER)
    base.image.pwrite(0, b"b" * 4 * CLUSTER)
    base.image.close()
    top = Opened(opened(CLUSTER + 512).file, backing=Opened(base.file, read_only=True).image.node)

    top.image.truncate(5 * CLUSTER, prealloc=prealloc)

    assert top.image.pread(0, 5 * CLUSTER) == b"b" * (CLUSTER + 512) + bytes(4 * CLUSTER - 512)


@pytest.mark.parametrize("prealloc", ["metadata", "falloc", "full"])
def test_truncate_when_preallocating_gives_every_new_cluster_a_place(opened, prealloc):
    qcow2 = opened(CLUSTER)
    qcow2.image.pwrite(0, b"x")

    qcow2.image.truncate(40 * CLUSTER, prealloc=prealloc)
    extents = list(qcow2.image.block_status())

    assert all(extent.allocated and extent.data for extent in extents)
    assert len(qcow2.file.data) >= 40 * CLUSTER
    assert qcow2.image.pread(0, 40 * CLUSTER) == b"x" + bytes(40 * CLUSTER - 1)


@pytest.mark.parametrize(
    ("length", "prealloc", "message"),
    [
        (1000, "off", "The new size must be a multiple of 512"),
        (512, "falloc", "Preallocation can't be used for shrinking an image"),
        (2**62, "off", "Failed to grow the L1 table"),
    ],
)
def test_truncate_when_it_cannot_be_done_changes_nothing(opened, length, prealloc, message):
    qcow2 = opened(MIB)
    before = bytes(qcow2.file.data)

    with pytest.raises(BlockError, match=message):
        qcow2.image.truncate(length, prealloc=prealloc)

    assert qcow2.image.length() == MIB
    assert qcow2.file.data == before


def test_truncate_when_a_version_2_image_has_snapshots_is_refused(opened):
    file = opened(MIB, compat="0.10").file
    snapshot = Opened(patched(file, (60, 4, 1), (64, 8, 5 * CLUSTER), (5 * CLUSTER + 39, 1, 0)))

    with pytest.raises(BlockError, match="Can't resize a v2 image which has snapshots"):
        snapshot.image.truncate(2 * MIB)


def test_truncate_with_metadata_when_free_clusters_hold_old_bytes_shows_zeroes(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 4 * CLUSTER)
    qcow2.image.discard(0, 4 * CLUSTER)
    qcow2.image.flush()

    qcow2.image.truncate(12 * CLUSTER, prealloc="metadata")

    assert qcow2.image.pread(0, 12 * CLUSTER) == bytes(12 * CLUSTER)


@pytest.mark.parametrize("prealloc", ["off", "metadata", "falloc", "full"])
@pytest.mark.parametrize("size", [0, 64 * 512])
def test_truncate_to_the_present_size_changes_nothing(opened, prealloc, size):
    qcow2 = opened(size, cluster_size=512)
    if size:
        qcow2.image.pwrite(size - 512, bytes(512), compressed=True)
    before = list(qcow2.image.block_status())

    qcow2.image.truncate(size, prealloc=prealloc)

    assert qcow2.image.length() == size
    assert [e.allocated for e in qcow2.image.block_status()] == [e.allocated for e in before]
