"""Internal snapshots: contents, counts and flags after each change, failures, and power cuts."""

from __future__ import annotations

import errno
import random

import pytest

from pyqio.base.errors import BlockError, FormatError, OpenError
from pyqio.drivers.formats.qcow2 import layout
from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, findings, patched
from tests.unit.drivers.formats.qcow2.test_order import cut, damaged, undercounted

MIB = 1 << 20
CLUSTER = 65536
DATE = 1_700_000_000 * 10**9
KINDS = [
    {},
    {"compat": "0.10"},
    {"cluster_size": 512},
    {"refcount_bits": 4},
    {"refcount_bits": 64, "cluster_size": 4096},
    {"lazy_refcounts": "on"},
]


def take(opened, name):
    opened.image.snapshot_create(name, date_ns=DATE)


def miscounted(opened):
    """What the check finds of counts that are not the number of references."""
    return [finding for finding in findings(opened) if "OFLAG_COPIED" not in finding]


def assert_sound(opened):
    assert findings(opened) == []


@pytest.mark.parametrize("options", KINDS, ids=str)
def test_snapshot_when_taken_applied_and_deleted_then_contents_and_counts_follow(opened, options):
    qcow2 = opened(MIB, **options)
    image = qcow2.image
    image.pwrite(0, b"1" * 3 * CLUSTER)
    image.pwrite(5 * CLUSTER, b"z" * CLUSTER, compressed=True)
    take(qcow2, "one")
    image.pwrite(CLUSTER - 10, b"2" * CLUSTER)
    take(qcow2, "two")
    image.discard(0, MIB)
    assert_sound(qcow2)

    image.snapshot_apply("two")
    two = image.pread(0, MIB)
    assert_sound(qcow2)
    image.snapshot_apply("one")
    one = image.pread(0, MIB)
    image.snapshot_delete("two")
    assert_sound(qcow2)
    image.snapshot_delete("one")
    assert_sound(qcow2)

    assert one == b"1" * 3 * CLUSTER + bytes(2 * CLUSTER) + b"z" * CLUSTER + bytes(MIB - 6 * CLUSTER)
    assert two == one[: CLUSTER - 10] + b"2" * CLUSTER + one[2 * CLUSTER - 10 :]
    assert image.snapshots() == []
    assert image.pread(0, MIB) == one


def test_snapshot_when_written_to_afterwards_then_stays_in_memory_and_on_disk(opened):
    qcow2 = opened(MIB)
    qcow2.image.pwrite(0, b"1" * CLUSTER)
    take(qcow2, "one")
    qcow2.image.pwrite(0, b"2" * 512)
    qcow2.image.close()

    before = Opened(qcow2.file, read_only=True, snapshot={"name": "one"}).image
    after = Opened(qcow2.file, read_only=True).image

    assert before.pread(0, CLUSTER) == b"1" * CLUSTER
    assert after.pread(0, CLUSTER) == b"2" * 512 + b"1" * (CLUSTER - 512)


def test_apply_when_the_disk_had_another_size_then_has_it_again(opened):
    qcow2 = opened(MIB, cluster_size=512)
    qcow2.image.pwrite(MIB - 1, b"e")
    take(qcow2, "small")
    qcow2.image.truncate(3 * MIB)
    qcow2.image.pwrite(3 * MIB - 1, b"f")
    take(qcow2, "large")
    qcow2.image.truncate(512)

    qcow2.image.snapshot_apply("small")
    small = qcow2.image.length(), qcow2.image.pread(MIB - 1, 1)
    qcow2.image.snapshot_apply("large")
    large = qcow2.image.length(), qcow2.image.pread(MIB - 1, 1), qcow2.image.pread(3 * MIB - 1, 1)

    assert small == (MIB, b"e")
    assert large == (3 * MIB, b"e", b"f")
    assert_sound(qcow2)


def test_apply_when_the_name_is_also_an_id_then_the_id_counts(opened):
    qcow2 = opened(MIB)
    for name, fill in (("2", b"a"), ("x", b"b")):
        qcow2.image.pwrite(0, fill)
        take(qcow2, name)

    qcow2.image.snapshot_apply("2")

    assert qcow2.image.pread(0, 1) == b"b"


def test_delete_when_names_are_the_same_then_the_first_goes(opened):
    qcow2 = opened(MIB)
    take(qcow2, "same")
    take(qcow2, "same")

    qcow2.image.snapshot_delete("same")

    assert [snapshot.id for snapshot in qcow2.image.snapshots()] == ["2"]


@pytest.mark.parametrize("operation", ["snapshot_apply", "snapshot_delete"])
def test_operation_when_there_is_no_such_snapshot_then_enoent(opened, operation):
    with pytest.raises(BlockError) as caught:
        getattr(opened(MIB).image, operation)("none")

    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("compat", ["0.10", "1.1"])
def test_create_when_a_count_would_not_fit_then_nothing_has_changed(opened, compat):
    options = {} if compat == "0.10" else {"refcount_bits": 1}
    qcow2 = opened(MIB, compat=compat, **options)
    qcow2.store.geometry.refcount_max = 1
    qcow2.image.pwrite(0, b"1" * 3 * CLUSTER)
    qcow2.image.flush()
    before = bytes(qcow2.file.data)

    with pytest.raises(BlockError) as caught:
        take(qcow2, "one")

    assert caught.value.errno == errno.EINVAL
    assert qcow2.file.data == before
    assert_sound(qcow2)


def test_create_when_there_are_too_many_then_refused(opened, monkeypatch):
    qcow2 = opened(MIB)
    take(qcow2, "one")
    monkeypatch.setattr(layout, "MAX_SNAPSHOTS", 1)

    with pytest.raises(BlockError) as caught:
        take(qcow2, "two")

    assert caught.value.errno == errno.EFBIG


def test_delete_when_discards_are_passed_on_then_frees_the_host_clusters(opened):
    qcow2 = opened(MIB)
    qcow2.image.pwrite(0, b"1" * 2 * CLUSTER)
    take(qcow2, "one")
    qcow2.image.pwrite(0, b"2" * 2 * CLUSTER)
    qcow2.file.discarded.clear()

    qcow2.image.snapshot_delete("one")

    freed = {at for start, length in qcow2.file.discarded for at in range(start, start + length, CLUSTER)}
    assert freed >= {5 * CLUSTER, 6 * CLUSTER}


def test_delete_when_discards_are_not_wanted_then_leaves_the_host_clusters(blank):
    qcow2 = Opened(blank(MIB), **{"pass-discard-snapshot": "off"})
    qcow2.image.pwrite(0, b"1")
    take(qcow2, "one")
    qcow2.file.discarded.clear()

    qcow2.image.snapshot_delete("one")

    assert qcow2.file.discarded == []


def two_states(opened, **options):
    """An image with the snapshots ``old``, of ones, and ``new``, of twos, that holds threes."""
    qcow2 = opened(MIB, **options)
    for fill, name in ((b"1", "old"), (b"2", "new")):
        qcow2.image.pwrite(0, fill * 4 * CLUSTER)
        take(qcow2, name)
    qcow2.image.pwrite(CLUSTER, b"3" * CLUSTER)
    qcow2.image.flush()
    return qcow2


CHANGES = {
    "create": lambda image: image.snapshot_create("third", date_ns=DATE),
    "apply": lambda image: image.snapshot_apply("old"),
    "delete": lambda image: image.snapshot_delete("new"),
}


SMALL = [{"cluster_size": 4096}, {"cluster_size": 4096, "compat": "0.10"}]


class FailsOnce(Recorder):
    """One change fails, all others succeed."""

    def _change(self, offset, data):
        if self.changes == self.fail_at:
            self.fail_at = None
            raise BlockError(errno=errno.ENOSPC)
        super()._change(offset, data)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", SMALL, ids=str)
def test_change_when_one_write_fails_then_it_is_undone_or_the_image_is_dead(opened, change, options):
    qcow2 = two_states(opened, **options)
    start = bytes(qcow2.file.data)
    contents = {b"1" * 4 * CLUSTER, qcow2.image.pread(0, 4 * CLUSTER)}
    undone = 0

    for limit in range(100):
        file = FailsOnce(start)
        trial = Opened(file)
        file.fail_at = limit
        try:
            CHANGES[change](trial.image)
        except BlockError:
            survivor = trial if not trial.store.dead else Opened(Recorder(bytes(file.data)))
            undone += survivor is trial
            assert undercounted(survivor) == []
            assert survivor.image.pread(0, 4 * CLUSTER) in contents
            assert trial.store.dead or findings(trial) == []
        else:
            break

    assert 0 < undone < limit < 99


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", SMALL, ids=str)
def test_change_when_the_file_is_full_after_any_write_then_the_image_stays_sound(opened, change, options):
    qcow2 = two_states(opened, **options)
    start = bytes(qcow2.file.data)
    contents = {b"1" * 4 * CLUSTER, qcow2.image.pread(0, 4 * CLUSTER)}
    failures = 0

    for limit in range(200):
        file = Recorder(start)
        trial = Opened(file)
        file.fail_at = limit
        try:
            CHANGES[change](trial.image)
        except BlockError:
            failures += 1
            file.fail_at = None
            survivor = Opened(Recorder(bytes(file.data)))
            assert undercounted(survivor) == []
            assert survivor.image.pread(0, 4 * CLUSTER) in contents
            assert trial.store.dead or miscounted(trial) == []
        else:
            break

    assert 3 < failures < 199


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("options", SMALL, ids=str)
def test_change_when_the_power_is_cut_at_any_write_then_the_image_is_sound(opened, change, options):
    qcow2 = two_states(opened, **options)
    contents = {b"1" * 4 * CLUSTER, qcow2.image.pread(0, 4 * CLUSTER)}
    rng = random.Random(f"{change} {options}")
    damage = []

    def look():
        for _ in range(3):
            disk = cut(qcow2.file, rng)
            dirty = disk.data[79] & 1
            survivor = Opened(disk)
            damage.extend(undercounted(survivor) if dirty or "compat" in options else damaged(survivor))
            damage.extend({survivor.image.pread(0, 4 * CLUSTER)} - contents)
            damage.extend({snapshot.name for snapshot in survivor.image.snapshots()} - {"old", "new", "third"})

    qcow2.file.on_change = look
    CHANGES[change](qcow2.image)

    assert damage == []
    assert_sound(qcow2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "none"}, "Failed to load snapshot: Can't find snapshot"),
        ({"id": "1", "name": "new"}, "Failed to load snapshot: Can't find snapshot"),
    ],
)
def test_open_when_the_snapshot_is_not_there_then_refused(opened, options, message):
    file = two_states(opened).file

    with pytest.raises(OpenError, match=message):
        Opened(file, read_only=True, snapshot=options)


def test_open_when_a_snapshot_is_to_be_written_to_then_refused(opened):
    file = two_states(opened).file

    with pytest.raises(OpenError, match="Failed to load snapshot: Device is not readonly"):
        Opened(file, snapshot={"name": "old"})


def test_reopen_when_a_snapshot_is_to_be_written_to_then_refused(opened):
    seen = Opened(two_states(opened).file, read_only=True, snapshot={"id": "1", "name": "old"})

    with pytest.raises(OpenError, match="Device is not readonly"):
        seen.image.reopen(read_only=False)

    assert seen.image.pread(0, 1) == b"1"


@pytest.mark.parametrize("number", [1 << 60, CLUSTER + 512, 1 << 50], ids=["far", "unaligned", "outside"])
def test_open_when_the_snapshots_l1_is_nowhere_then_refused_or_zero(opened, number):
    file = two_states(opened).file
    table = int.from_bytes(file.data[64:72], "big")

    outcome = outcome_of(lambda: Opened(patched(file, (table, 8, number)), read_only=True, snapshot={"id": "1"}))

    assert outcome in (FormatError, bytes(512))


def outcome_of(open_image):
    try:
        return open_image().image.pread(0, 512)
    except FormatError as error:
        return type(error)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("entry", [1 << 50, 3 * CLUSTER + 512], ids=hex)
def test_change_when_a_table_leads_nowhere_then_refused_and_nothing_changes(opened, change, entry):
    qcow2 = two_states(opened)
    tables = {"create": qcow2.store.fields.l1_table_offset, "apply": 0, "delete": 1}
    for index, snapshot in enumerate(qcow2.store.snapshots):
        tables.update({name: snapshot.l1_table_offset for name, at in tables.items() if at == index})
    damaged = Opened(patched(qcow2.file, (tables[change], 8, entry)))
    before = bytes(damaged.file.data)

    with pytest.raises(BlockError):
        CHANGES[change](damaged.image)

    assert len(damaged.image.snapshots()) == 2
    assert damaged.file.data[:CLUSTER] == before[:CLUSTER]
