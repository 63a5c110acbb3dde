"""Where new clusters go: the same places as in QEMU, and never one that a power cut could still show elsewhere."""

from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError
from tests.unit.drivers.formats.qcow2.conftest import findings

MIB = 1 << 20
CLUSTER = 65536


def host_clusters(opened):
    """The host cluster of each guest cluster, -1 where it has none."""
    store = opened.store
    size = store.geometry.cluster_size
    return [store.mapping.run(at, at + 1).host_offset // size for at in range(0, store.size, size)]


def test_write_when_nothing_is_allocated_puts_the_l2_table_before_the_data(opened):
    qcow2 = opened(2 * CLUSTER)

    qcow2.image.pwrite(0, b"x" * 2 * CLUSTER)

    assert qcow2.driver.locate(0).detail == "L1[0] = 0x8000000000040000, L2[0] = 0x8000000000050000"
    assert host_clusters(qcow2) == [5, 6]


def test_write_when_a_cluster_was_freed_takes_the_first_that_is_free(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 3 * CLUSTER)

    qcow2.image.discard(CLUSTER, CLUSTER)
    qcow2.image.pwrite(3 * CLUSTER, b"y")

    assert host_clusters(qcow2) == [5, -1, 7, 6]


def test_write_when_a_freed_cluster_is_taken_again_flushes_first(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.image.flush()
    qcow2.image.discard(0, CLUSTER)
    before = qcow2.file.flushes

    qcow2.image.pwrite(CLUSTER, b"y" * CLUSTER)

    assert host_clusters(qcow2)[1] == 5
    assert qcow2.file.flushes > before


def test_discard_when_clusters_are_freed_reaches_the_file_after_the_flush(opened):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 2 * CLUSTER)

    qcow2.image.discard(0, 2 * CLUSTER)
    unflushed = list(qcow2.file.discarded)
    qcow2.image.flush()

    assert unflushed == []
    assert qcow2.file.discarded == [(5 * CLUSTER, 2 * CLUSTER)]


def test_write_when_a_neighbour_is_free_continues_there(opened):
    qcow2 = opened(8 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * 3 * CLUSTER)
    qcow2.image.discard(CLUSTER, CLUSTER)

    qcow2.image.pwrite(0, b"y" * 2 * CLUSTER)

    assert host_clusters(qcow2)[:3] == [5, 6, 7]


def test_refcounts_when_the_first_block_is_full_continue_in_the_next(opened):
    qcow2 = opened(MIB, cluster_size=512)

    qcow2.image.pwrite(0, b"x" * 300 * 512)
    qcow2.image.close()

    blocks = [entry // 512 for entry in qcow2.store.refcounts.table if entry]
    assert blocks == [2, 264]
    assert qcow2.store.refcounts.get(264) == 1


def test_refcount_table_when_it_is_full_moves_and_grows(opened):
    qcow2 = opened(64 * MIB, cluster_size=512)

    for at in range(0, 10 * MIB, MIB):
        qcow2.image.pwrite(at, b"x" * MIB)
    qcow2.image.close()

    fields = qcow2.store.fields
    assert (fields.refcount_table_offset // 512, fields.refcount_table_clusters) == (16641, 2)
    assert qcow2.store.refcounts.get(1) == 0, "the former table is free"
    assert findings(qcow2) == []


@pytest.mark.parametrize(("bits", "place"), [(64, 4162), (32, 8320)])
def test_refcount_table_when_blocks_are_small_has_blocks_for_all_of_itself(opened, bits, place):
    qcow2 = opened(64 * MIB, cluster_size=512, refcount_bits=bits)

    for at in range(0, bits * MIB // 8, MIB):
        qcow2.image.pwrite(at, b"x" * MIB)
    qcow2.image.close()

    assert findings(qcow2) == []
    assert qcow2.store.refcounts.table_offset // 512 >= place


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16, 32, 64])
def test_counts_when_compressed_clusters_share_a_host_cluster_stay_within_their_width(opened, bits):
    qcow2 = opened(MIB, refcount_bits=bits)
    for at in range(0, 8 * CLUSTER, CLUSTER):
        qcow2.image.pwrite(at, bytes([at // CLUSTER]) * CLUSTER, compressed=True)

    shared = qcow2.store.refcounts.get(5)

    assert shared == min(8, 2**bits - 1)
    assert qcow2.image.pread(0, 8 * CLUSTER) == b"".join(bytes([n]) * CLUSTER for n in range(8))


def test_compressed_write_when_the_cursor_cluster_was_freed_does_not_append_to_it(opened):
    qcow2 = opened(16 * CLUSTER)
    qcow2.image.pwrite(0, b"a" * CLUSTER, compressed=True)
    qcow2.image.pwrite(0, b"b" * CLUSTER)
    qcow2.image.pwrite(CLUSTER, b"c" * CLUSTER)

    qcow2.image.pwrite(2 * CLUSTER, b"d" * CLUSTER, compressed=True)

    assert qcow2.image.pread(0, 3 * CLUSTER) == b"b" * CLUSTER + b"c" * CLUSTER + b"d" * CLUSTER


@pytest.mark.parametrize("fail_at", range(6))
def test_write_when_the_disk_is_full_takes_nothing(opened, fail_at):
    qcow2 = opened(4 * CLUSTER)
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.image.flush()
    qcow2.file.fail_at = qcow2.file.changes + fail_at

    with pytest.raises(BlockError, match="No space left"):
        for _ in range(4):
            qcow2.image.pwrite(CLUSTER, b"y" * CLUSTER)
            qcow2.image.flush()
            qcow2.image.discard(CLUSTER, CLUSTER)
    qcow2.file.fail_at = None
    qcow2.image.pwrite(2 * CLUSTER, b"z" * CLUSTER)
    qcow2.image.close()

    assert qcow2.store.refcounts.last_used() <= 7
    assert qcow2.image.node.driver._store.mapping.run(0, 1).host_offset == 5 * CLUSTER
