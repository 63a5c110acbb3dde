"""Lazy refcounts: the dirty bit, and what opening a dirty image makes of it."""

from __future__ import annotations

import pytest

from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, patched

MIB = 1 << 20
CLUSTER = 65536
DIRTY_BYTE = 79


@pytest.fixture
def left_open(opened):
    """A lazy image as it is on the disk after a flush and no close."""

    def make(**options):
        qcow2 = opened(MIB, lazy_refcounts="on", **options)
        qcow2.image.pwrite(0, b"x" * 3 * CLUSTER)
        qcow2.image.pwrite(5 * CLUSTER, b"y" * CLUSTER, compressed=True)
        qcow2.image.flush()
        return Recorder(qcow2.file.stable)

    return make


def test_write_when_refcounts_are_lazy_sets_the_dirty_bit_and_leaves_the_counts(left_open):
    file = left_open()

    assert file.data[DIRTY_BYTE] == 1
    assert file.data[2 * CLUSTER + 8 : 2 * CLUSTER + 18] == b"\0\1" + bytes(8), "the L2 table alone is counted"


def test_close_when_the_image_is_dirty_writes_the_counts_and_clears_the_bit(opened):
    qcow2 = opened(MIB, lazy_refcounts="on")
    qcow2.image.pwrite(0, b"x" * 3 * CLUSTER)

    qcow2.image.close()

    assert qcow2.file.data[DIRTY_BYTE] == 0
    assert qcow2.file.data[2 * CLUSTER + 8 : 2 * CLUSTER + 18] == b"\0\1" * 4 + b"\0\0"


@pytest.mark.parametrize("cluster_size", [512, CLUSTER])
def test_open_when_the_image_is_dirty_counts_anew(left_open, cluster_size):
    repaired = Opened(left_open(cluster_size=cluster_size))

    data = repaired.image.pread(0, 6 * CLUSTER)
    result = repaired.image.check()

    assert data == b"x" * 3 * CLUSTER + bytes(2 * CLUSTER) + b"y" * CLUSTER
    assert repaired.file.data[DIRTY_BYTE] == 0
    assert (result.corruptions, result.leaks) == (0, 0)


def test_open_when_the_image_is_dirty_and_read_only_leaves_it(left_open):
    file = left_open()
    before = bytes(file.data)

    data = Opened(file, read_only=True).image.pread(0, 1)

    assert data == b"x"
    assert file.data == before


def test_open_when_counts_are_wrong_both_ways_sets_them_and_the_copied_flags(left_open):
    block, l2 = 2 * CLUSTER, 4 * CLUSTER
    file = patched(left_open(), (block + 2 * 5, 2, 7), (block + 2 * 40, 2, 1), (l2, 8, 5 * CLUSTER))

    repaired = Opened(file)

    assert (repaired.image.check().corruptions, repaired.image.check().leaks) == (0, 0)
    assert int.from_bytes(repaired.file.data[l2 : l2 + 8], "big") == 1 << 63 | 5 * CLUSTER


def test_open_when_a_dirty_image_is_repaired_says_what_was_wrong(left_open):
    repaired = Opened(left_open())

    assert repaired.image.graph.findings == [
        *(f"ERROR cluster {cluster} refcount=0 reference=1" for cluster in range(5, 9)),
        "Rebuilding refcount structure",
        "Repairing cluster 1 refcount=1 reference=0",
        "Repairing cluster 2 refcount=1 reference=0",
    ]


@pytest.mark.parametrize("edit", [(4 * CLUSTER, 8, 1 << 50), (3 * CLUSTER, 8, 1 << 63 | 1 << 50)], ids=["data", "l2"])
def test_open_when_a_dirty_image_refers_to_nowhere_says_so_and_opens_it(left_open, edit):
    repaired = Opened(patched(left_open(), edit))

    assert repaired.image.graph.findings[0].startswith("ERROR: counting reference for region exceeding the end")
    assert repaired.image.check().corruptions == 1


def test_open_when_the_refcount_table_of_a_dirty_image_is_nowhere_makes_a_new_one(left_open):
    repaired = Opened(patched(left_open(), (48, 8, 1 << 50)))

    assert repaired.image.check().corruptions == 0


def test_reopen_when_lazy_refcounts_are_turned_off_leaves_a_clean_image(opened):
    qcow2 = opened(MIB, lazy_refcounts="on")
    qcow2.image.pwrite(0, b"x")

    qcow2.image.reopen(options={"lazy-refcounts": "off"})
    qcow2.image.pwrite(CLUSTER, b"y")

    assert qcow2.file.data[DIRTY_BYTE] == 0
