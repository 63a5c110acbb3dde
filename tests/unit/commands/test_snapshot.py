from __future__ import annotations

import pytest

from pyqio.drivers.formats.qcow2 import Qcow2


@pytest.fixture
def disk(record, tmp_path):
    """A session with a qcow2 image of 1 MiB."""
    Qcow2.create(str(tmp_path / "disk.qcow2"), 1 << 20, {})
    recorder = record()
    recorder.run("open disk.qcow2")
    return recorder


def names(printed):
    return [line.split()[:2] for line in printed.splitlines()[2:]]


@pytest.mark.parametrize("listing", ["snapshot", "snapshot -l"])
def test_snapshot_when_listed_then_one_line_each(disk, listing):
    disk.run("snapshot -c one", "snapshot -c 'the other'", "snapshot -c one")

    printed, told = disk.run(listing)

    assert names(printed) == [["1", "one"], ["2", "the"], ["3", "one"]]
    assert told == ""


def test_snapshot_when_there_is_none_then_nothing_is_listed(disk):
    assert disk.run("snapshot -l") == ("", "")


def test_snapshot_when_applied_and_deleted_then_the_disk_is_as_it_was(disk):
    disk.run("write -q -P 1 0 64k", "snapshot -c one", "write -q -P 2 0 64k", "truncate 2M")

    told = disk.run("snapshot -a one", "read -q -P 1 0 64k", "length", "snapshot -d one", "snapshot")

    assert told == ("1 MiB\n", "")
    assert disk.session.status == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("snapshot -a no", "Could not apply snapshot 'no': Failed to load snapshot: No such file or directory"),
        ("snapshot -d no", "Could not delete snapshot 'no': snapshot not found"),
        ("snapshot -d 1", "Could not delete snapshot '1': snapshot not found"),
        ("snapshot -l -c x", "Cannot mix '-l', '-a', '-c', '-d'"),
        ("snapshot -a x -d y", "Cannot mix '-l', '-a', '-c', '-d'"),
    ],
)
def test_snapshot_when_it_cannot_be_then_qemu_imgs_words(disk, line, told):
    disk.run("snapshot -c one")

    assert disk.run(line) == ("", f"pyqio: {told}\n")
    assert disk.session.status == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("snapshot -l", ""),
        ("snapshot -c s", "pyqio: Could not create snapshot 's': -95 (Operation not supported)\n"),
        ("snapshot -a s", "pyqio: Could not apply snapshot 's': Block driver does not support snapshots\n"),
        ("snapshot -d s", "pyqio: Could not delete snapshot 's': snapshot not found\n"),
    ],
)
def test_snapshot_when_the_format_has_none_then_qemu_imgs_words(raw, line, told):
    assert raw.run(line) == ("", told)


def test_snapshot_when_the_image_is_read_only_then_refused(disk):
    told = disk.run("reopen -r", "snapshot -c s")

    assert told == ("", "pyqio: Could not create snapshot 's': -1 (Operation not permitted)\n")


def test_open_when_a_snapshot_is_named_then_its_disk_is_read(disk):
    disk.run("write -q -P 1 0 64k", "snapshot -c one", "write -q -P 2 0 64k", "truncate 2M", "close")

    told = disk.run("open -r -o snapshot.name=one disk.qcow2", "read -q -P 1 0 64k", "length")

    assert told == ("1 MiB\n", "")
    assert disk.session.status == 0
