from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError, CorruptError
from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.overlap import Overlap
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

MIB = 1 << 20
CLUSTER = 65536
COPIED = 1 << 63
RESERVED = {"header": 0, "refcount table": CLUSTER, "refcount block": 2 * CLUSTER, "L1": 3 * CLUSTER, "L2": 4 * CLUSTER}


class Damage(Exception):
    pass


@pytest.fixture
def guard():
    def fail(message):
        raise Damage(message)

    return Overlap(16, overlap.TEMPLATES["cached"], fail)


def test_check_when_a_cluster_is_free_lets_it_pass(guard):
    guard.claim(CLUSTER, CLUSTER, overlap.ACTIVE_L2)

    guard.check(0, CLUSTER)
    guard.check(2 * CLUSTER, CLUSTER)


def test_check_when_two_sections_are_hit_names_the_first(guard):
    guard.claim(CLUSTER, CLUSTER, overlap.REFCOUNT_BLOCK)
    guard.claim(CLUSTER, 1, overlap.ACTIVE_L2)

    with pytest.raises(Damage, match="overlaps with active L2 table"):
        guard.check(CLUSTER + 10, 1)


def test_check_when_the_section_writes_to_itself_lets_it_pass(guard):
    guard.claim(CLUSTER, CLUSTER, overlap.ACTIVE_L2)

    guard.check(CLUSTER, CLUSTER, overlap.ACTIVE_L2)


def test_check_when_a_section_is_not_watched_lets_it_pass(guard):
    guard.claim(CLUSTER, CLUSTER, overlap.INACTIVE_L2)

    guard.check(CLUSTER, CLUSTER)


def test_release_when_another_section_stays_keeps_that_one(guard):
    guard.claim(CLUSTER, CLUSTER, overlap.ACTIVE_L1 | overlap.ACTIVE_L2)

    guard.release(CLUSTER, CLUSTER, overlap.ACTIVE_L1)

    with pytest.raises(Damage, match="active L2 table"):
        guard.check(CLUSTER, 1)


@pytest.mark.parametrize("place", ["refcount table", "refcount block", "L1", "L2"])
def test_write_when_a_cluster_is_metadata_marks_the_image_corrupt(opened, place):
    first = opened(MIB)
    first.image.pwrite(0, b"x")
    first.image.close()
    damaged = patched(first.file, (RESERVED["L2"], 8, COPIED | RESERVED[place]))
    before = bytes(damaged.data[CLUSTER:])
    image = Opened(damaged).image

    with pytest.raises(CorruptError, match=r"Marking image as corrupt: Preventing invalid write on metadata") as caught:
        image.pwrite(100, b"y")
    with pytest.raises(BlockError, match="No medium found"):
        image.pread(0, 1)
    image.close()

    assert caught.value.strerror == "Input/output error"
    assert damaged.data[CLUSTER:] == before
    assert damaged.data[79] == 2


def test_write_when_overlap_check_is_off_goes_through(opened):
    first = opened(MIB)
    first.image.pwrite(0, b"x")
    first.image.close()
    damaged = patched(first.file, (RESERVED["L2"], 8, COPIED | RESERVED["L1"]))

    Opened(damaged, **{"overlap-check": "none"}).image.pwrite(60000, b"y")

    assert damaged.data[RESERVED["L1"] + 60000] == ord("y")


def test_read_when_an_entry_is_unaligned_and_the_image_read_only_serves_the_rest(opened):
    first = opened(MIB)
    first.image.pwrite(0, b"x" * 2 * CLUSTER)
    first.image.close()
    damaged = Opened(patched(first.file, (RESERVED["L2"], 8, COPIED | 5 * CLUSTER + 512)), read_only=True)

    with pytest.raises(CorruptError, match=r"Image is corrupt: Cluster allocation offset 0x50200 unaligned"):
        damaged.image.pread(0, 1)

    assert damaged.image.pread(CLUSTER, 3) == b"xxx"
