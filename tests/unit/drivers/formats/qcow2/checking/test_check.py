"""The check and its repair.  What it says is held against qemu-img's in tests/oracle; here it is what it does."""

from __future__ import annotations

import random

import pytest

from pyqio.base.errors import BlockError
from pyqio.base.types import OpenFlags
from pyqio.block.graph import Graph
from pyqio.block.node import Node
from tests.unit.drivers.formats.qcow2.conftest import WRITEBACK, Opened, Recorder, apply, patched

CLUSTER = 4096
BLOCK, L1, L2, DATA = (number * CLUSTER for number in (2, 3, 4, 5))
COPIED = 1 << 63
FAR = 1 << 50

DAMAGES = {
    "leak": [(L2, 8, 0)],
    "count-high": [(BLOCK + 2 * 6, 2, 900)],
    "count-zero": [(BLOCK + 2 * 6, 2, 0)],
    "counts-zero": [(BLOCK, 64, 0)],
    "flag": [(L2, 8, DATA)],
    "shared": [(L2, 8, COPIED | DATA + CLUSTER)],
    "no-blocks": [(CLUSTER, 8, 0)],
    "block-unaligned": [(CLUSTER, 8, BLOCK + 512)],
    "block-far": [(CLUSTER + 8, 8, FAR)],
    "table-far": [(48, 8, FAR)],
    "snapshots": [(60, 4, 3), (64, 8, FAR)],
}
"""Edits that a repair puts right."""


@pytest.fixture
def sound(opened):
    """The file of an image with data in its first, second and last clusters."""
    qcow2 = opened(1 << 20, cluster_size=CLUSTER)
    qcow2.image.pwrite(0, b"a" * CLUSTER + b"b" * CLUSTER)
    qcow2.image.pwrite((1 << 20) - CLUSTER, b"z" * CLUSTER)
    qcow2.image.close()
    return qcow2.file


def examine(file, fix=""):
    """The result of a check, and what it says."""
    flags = OpenFlags(read_only=not fix, cache=WRITEBACK, checking=True)
    findings = []
    with Graph().open(None, {"driver": "qcow2", "file": Node("file", file, flags)}, flags) as image:
        return image.check(fix=fix, report=findings.append), findings


def test_check_when_it_is_followed_then_told_of_the_whole_image(sound):
    flags = OpenFlags(read_only=True, cache=WRITEBACK, checking=True)
    steps = []

    with Graph().open(None, {"driver": "qcow2", "file": Node("file", sound, flags)}, flags) as image:
        image.check(advance=steps.append)

    assert sum(steps) >= 1 << 20 > min(steps) >= 0


def amount(file):
    """How many things are wrong."""
    result, _ = examine(file)
    return result.corruptions + result.leaks + result.check_errors


def test_check_when_an_image_is_sound_finds_nothing(sound):
    result, findings = examine(sound)

    assert findings == []
    assert (result.corruptions, result.leaks, result.check_errors) == (0, 0, 0)
    assert (result.allocated_clusters, result.fragmented_clusters, result.total_clusters) == (3, 0, 256)
    assert result.image_end_offset == DATA + 3 * CLUSTER


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_when_it_repairs_leaves_nothing_wrong_and_the_contents(sound, damage):
    file = patched(sound, *DAMAGES[damage])
    before = Opened(Recorder(bytes(patched(sound, *DAMAGES[damage][:1]).data)), read_only=True)
    expected = before.image.pread(0, 1 << 20) if damage in ("leak", "shared") else Opened(sound).image.pread(0, 1 << 20)

    found, (result, _) = amount(file), examine(file, "all")

    assert found > 0
    assert result.corruptions_fixed + result.leaks_fixed > 0
    assert amount(file) == 0
    assert Opened(file).image.pread(0, 1 << 20) == expected


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_when_nothing_is_to_be_repaired_writes_nothing(sound, damage):
    file = patched(sound, *DAMAGES[damage])
    before = bytes(file.data)

    examine(file)

    assert (file.data, file.changes) == (before, 0)


@pytest.mark.parametrize("damage", DAMAGES)
def test_repair_when_the_power_is_cut_leaves_it_no_worse_and_can_be_done_again(sound, damage):
    file, rng = patched(sound, *DAMAGES[damage]), random.Random(damage)
    found, cuts = amount(file), []

    def cut():
        kept = [change for change in file.pending if rng.random() < 0.5]
        for chosen in (kept, file.pending):
            disk = bytearray(file.stable)
            for offset, data in chosen:
                apply(disk, offset, data)
            cuts.append(Recorder(bytes(disk)))

    file.on_change = cut
    examine(file, "all")
    after = [amount(disk) for disk in cuts]
    for disk in cuts:
        examine(disk, "all")

    assert cuts
    assert all(count <= found + 3 for count in after), "new structures may be leaked"
    assert [amount(disk) for disk in cuts] == [0] * len(cuts)


@pytest.mark.parametrize("damage", DAMAGES)
def test_repair_when_a_write_fails_says_so_and_leaves_it_as_it_was(sound, damage):
    file = patched(sound, *DAMAGES[damage])
    before = bytes(file.data)

    file.fail_at = 0
    with pytest.raises(BlockError):
        examine(file, "all")

    assert file.data == before


def test_check_when_the_file_is_huge_and_nearly_empty_is_quick(sound):
    file = patched(sound, (L2 + 8 * 9, 8, COPIED | FAR))
    file.length = lambda: 1 << 46

    result, findings = examine(file)

    assert (result.corruptions, len(findings)) == (2, 2)
    assert result.image_end_offset == DATA + 3 * CLUSTER


@pytest.mark.parametrize("seed", range(8))
def test_check_when_tables_are_garbage_ends(sound, seed):
    rng = random.Random(seed)
    file = Recorder(bytes(sound.data))
    for _ in range(200):
        at = rng.choice([CLUSTER, BLOCK, L1, L2]) + rng.randrange(CLUSTER // 8) * 8
        apply(file.data, at, rng.randbytes(8))

    counted = amount(file)
    examine(file, "all")

    assert counted > 0
    assert amount(file) <= counted


def test_check_when_the_image_is_open_sees_what_is_not_written_yet(opened):
    qcow2 = opened(1 << 20, lazy_refcounts="on")
    qcow2.image.pwrite(0, b"x" * 100000)

    result = qcow2.image.check()

    assert (result.corruptions, result.leaks, result.allocated_clusters) == (0, 0, 2)


def test_check_when_an_open_image_is_repaired_goes_on_with_what_is_right(sound):
    qcow2 = Opened(patched(sound, (BLOCK + 2 * 6, 2, 0)))

    qcow2.image.check(fix="all")
    qcow2.image.pwrite(2 * CLUSTER, b"c" * 20 * CLUSTER)
    qcow2.image.close()

    assert amount(qcow2.file) == 0
    assert Opened(qcow2.file).image.pread(CLUSTER, 2 * CLUSTER) == b"b" * CLUSTER + b"c" * CLUSTER


def test_pread_when_an_image_is_open_to_be_checked_is_refused(sound):
    flags = OpenFlags(read_only=True, cache=WRITEBACK, checking=True)
    image = Graph().open(None, {"driver": "qcow2", "file": Node("file", sound, flags)}, flags)

    with pytest.raises(BlockError, match="to be checked"):
        image.pread(0, 1)


@pytest.mark.parametrize("byte", [3, 0x83])
def test_repair_when_an_l2_table_is_not_aligned_leaves_what_stands_there(sound, byte):
    file = patched(sound, (L1, 8, COPIED | L2 + 512), (DATA, CLUSTER, int.from_bytes(bytes([byte]) * CLUSTER, "big")))

    result, findings = examine(file, "all")

    assert result.corruptions > 0
    assert any("not cluster aligned" in finding for finding in findings)
    assert file.data[DATA : DATA + CLUSTER] == bytes([byte]) * CLUSTER
