"""The check command: which image, which words, which status."""

from __future__ import annotations

import json

import pytest

from pyqio.cli.main import main

CLUSTER = 65536
BLOCK, L2 = 2 * CLUSTER, 4 * CLUSTER
CLEAN = """\
No errors were found on the image.
2/16 = 12.50% allocated, 0.00% fragmented, 0.00% compressed clusters
Image end offset: 458752
"""


@pytest.fixture
def qcow2(record, tmp_path):
    """A session beside ``test.qcow2``, an image of 1 MiB with two clusters of data."""
    recorder = record()
    recorder.run("create -q -f qcow2 test.qcow2 1M", "open test.qcow2", "write -q 0 128k", "close")
    recorder.path = tmp_path / "test.qcow2"
    return recorder


def damage(path, offset, number, width):
    data = bytearray(path.read_bytes())
    data[offset : offset + width] = number.to_bytes(width, "big")
    path.write_bytes(data)


def test_check_when_the_open_image_is_sound_says_so(qcow2):
    assert qcow2.run("open test.qcow2", "check") == (CLEAN, "")
    assert qcow2.session.status == 0


def test_check_when_a_pair_is_open_then_says_how_its_test_side_is_checked(qcow2):
    qcow2.run("create -q -f raw raw.img 1M", "open blkverify:raw.img:test.qcow2")

    assert qcow2.run("check") == (
        "",
        "pyqio: This image format does not support checks; 'check --child test' checks qcow2\n",
    )
    assert qcow2.run("check --child test") == (CLEAN, "")
    assert qcow2.run("check --child test test.qcow2")[1].startswith("pyqio: --child is a node of the open image")


def test_check_when_the_side_of_a_pair_is_repaired_then_it_serves_on(qcow2):
    damage(qcow2.path, BLOCK + 2 * 5, 2, 2)
    qcow2.run("create -q -f raw raw.img 1M", "open blkverify:raw.img:test.qcow2")

    printed, told = qcow2.run("check -r leaks --child test", "write -q -P 5 512k 64k", "read -q -P 5 512k 64k")

    assert "1 leaked clusters" in printed
    assert "Leaked cluster 5" in told
    assert qcow2.run("check --child test")[1] == ""


def test_check_when_an_image_is_named_checks_that(qcow2):
    damage(qcow2.path, 72, 3, 8)

    assert qcow2.run("check test.qcow2") == (CLEAN, "")
    assert qcow2.path.read_bytes()[79] == 3, "dirty and corrupt as before"


@pytest.mark.parametrize(
    ("offset", "number", "width", "finding", "status"),
    [
        (BLOCK + 10, 9, 2, "Leaked cluster 5 refcount=9 reference=1\n", 2),
        (L2, 0, 8, "Leaked cluster 5 refcount=1 reference=0\n", 3),
        (BLOCK + 10, 0, 2, "ERROR cluster 5 refcount=0 reference=1\n", 2),
    ],
)
def test_check_when_something_is_wrong_says_it_and_gives_qemu_imgs_status(
    qcow2, offset, number, width, finding, status
):
    damage(qcow2.path, offset, number, width)

    _, told = qcow2.run("check test.qcow2")

    assert told.startswith(finding)
    assert qcow2.session.status == status


def test_check_when_it_repairs_says_what_and_checks_again(qcow2):
    damage(qcow2.path, L2 + 8, 0, 8)

    printed, told = qcow2.run("open test.qcow2", "check -r leaks", "check")

    assert printed.startswith("The following inconsistencies were found and repaired:\n\n    1 leaked clusters\n")
    assert told == "Leaked cluster 6 refcount=1 reference=0\nRepairing cluster 6 refcount=1 reference=0\n"
    assert qcow2.session.status == 0


@pytest.mark.parametrize("spelling", ["--json", "-J", "-qJ"])
def test_check_when_json_is_wanted_prints_it_and_no_text(qcow2, spelling):
    damage(qcow2.path, BLOCK + 10, 9, 2)

    printed, _ = qcow2.run(f"check -r all {spelling} test.qcow2")

    assert json.loads(printed) == {
        "image-end-offset": 458752,
        "total-clusters": 16,
        "check-errors": 0,
        "leaks-fixed": 1,
        "allocated-clusters": 2,
        "filename": "test.qcow2",
        "format": "qcow2",
    }


def test_check_when_it_is_to_be_quiet_prints_no_summary(qcow2):
    assert qcow2.run("check -q test.qcow2") == ("", "")


@pytest.mark.parametrize(
    ("line", "told", "status"),
    [
        ("check", "no file open, try 'help open'\n", 1),
        ("check nosuch", "pyqio: Could not open 'nosuch': Could not open 'nosuch': No such file or directory\n", 1),
        ("check -r some test.qcow2", "pyqio: Unknown option value for -r (expecting 'leaks' or 'all'): some\n", 1),
        ("check -f raw test.qcow2", "pyqio: This image format does not support checks\n", 63),
        ("check -f qcow2 raw.img", "pyqio: Could not open 'raw.img': Image is not in qcow2 format\n", 1),
    ],
)
def test_check_when_it_cannot_be_done_says_why(qcow2, line, told, status):
    (qcow2.path.parent / "raw.img").write_bytes(bytes(1024))

    printed, complaint = qcow2.run(line)

    assert (printed, complaint.replace(" (line 0)", "")) == ("", told)
    assert qcow2.session.status == status


def test_check_when_the_open_image_is_read_only_repairs_nothing(qcow2):
    assert qcow2.run("open -r test.qcow2", "check -r all") == ("", "pyqio: Block node is read-only\n")


@pytest.mark.parametrize(("fix", "status", "bit"), [("", 2, 3), ("-r all", 0, 0)])
def test_main_when_a_check_is_all_that_is_asked_opens_the_image_as_it_is(qcow2, capfd, fix, status, bit):
    damage(qcow2.path, 72, 3, 8)
    damage(qcow2.path, BLOCK + 10, 0, 2)

    assert main(["pyqio", "-c", f"check {fix}", str(qcow2.path)]) == status
    assert qcow2.path.read_bytes()[79] == bit


def test_main_when_more_than_a_check_is_asked_repairs_a_dirty_image_and_says_so(qcow2, capfd):
    damage(qcow2.path, 72, 1, 8)
    damage(qcow2.path, BLOCK + 10, 0, 2)

    status = main(["qemu-io", "-c", "length", str(qcow2.path)])

    assert status == 0
    assert capfd.readouterr() == (
        "1 MiB\n",
        "ERROR cluster 5 refcount=0 reference=1\n"
        "Rebuilding refcount structure\n"
        "Repairing cluster 1 refcount=1 reference=0\n"
        "Repairing cluster 2 refcount=1 reference=0\n",
    )
