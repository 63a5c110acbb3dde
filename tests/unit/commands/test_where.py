"""where, children and tree, through a session."""

from __future__ import annotations

import pytest

from pyqio.drivers.formats.qcow2 import Qcow2

RAW = """\
guest offset 0x401 (1025): sector 2, byte 0x1
.: raw, raw.img
    data at 0x401 of file
file: file, raw.img
    data at 0x401
    host: until offset 0x100000, file length 0x100000
"""
QCOW2 = """\
guest offset 0x0 (0): sector 0, byte 0x0
.: qcow2, test.qcow2
    data at 0x50000 of file
    cluster: number 0, byte 0x0, size 64 KiB
    L1: index 0, entry 0x8000000000040000, entry offset 0x30000, copied,
        table offset 0x40000, refcount 1
    L2: index 0, entry 0x8000000000050000, entry offset 0x40000, copied,
        cluster offset 0x50000
    refcount: count 2, cluster 5, block offset 0x20000, entry offset 0x2000a
    users: count 1, complete
  ! the host cluster at 0x50000 has refcount 2, but COPIED says 1
  ! 1 entry leads to the host cluster, but its refcount is 2
"""
ENTRY = """\
L2 entry at 0x40000 of test.qcow2
  40000  80 00 00 00 00 05 00 00  entry  0x8000000000050000  data
         bits 63     copied               1  the refcount is exactly 1
         bits 62     compressed           0
         bits 61-56  reserved             0x0
         bits 55-9   host cluster offset  0x50000
         bits 8-1    reserved             0x0
         bits 0      zero                 0
"""


@pytest.fixture
def qcow2(record, tmp_path):
    """A session with an image that has a cluster of data, whose refcount is wrong."""
    recorder = record()
    Qcow2.create("test.qcow2", 1 << 20, {})
    recorder.run("open test.qcow2", "write -q 0 64k", "close")
    with open("test.qcow2", "r+b") as file:
        file.seek(0x2000A)
        file.write(b"\0\2")
    recorder.run("open -o driver=qcow2 test.qcow2")
    return recorder


def test_where_when_the_image_is_raw_then_the_file_s_offset(raw):
    assert raw.run("where 1025") == (RAW, "")


def test_where_when_no_offset_is_given_then_the_position_which_it_also_sets(raw):
    raw.run("where 1025")

    assert raw.session.position.offset == 1025
    assert raw.run("where") == (RAW, "")


def test_where_when_metadata_are_wrong_then_marked(qcow2):
    printed, told = qcow2.run("where 0")

    assert printed.startswith(QCOW2)
    assert told == ""


def test_where_when_raw_then_the_bytes_of_each_entry(qcow2):
    assert ENTRY in qcow2.run("where --raw 0")[0]


def test_where_when_a_child_is_named_then_from_there_and_the_position_stays(qcow2):
    printed, _ = qcow2.run("where --child file 0x50000")

    assert printed.splitlines()[1] == "file: file, test.qcow2"
    assert qcow2.session.position.offset == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("where 1M", "pyqio: offset 0x100000 is not inside the 0x100000 bytes that there are\n"),
        ("where --child nosuch 0", "pyqio: there is no node 'nosuch'; there are: ., file\n"),
    ],
)
def test_where_when_there_is_no_such_place_then_says_what_there_is(raw, line, told):
    assert raw.run(line) == ("", told)
    assert raw.session.status == 1


def test_children_when_asked_then_a_row_for_each_node(raw):
    printed, _ = raw.run("children")

    assert [line.split()[:2] for line in printed.splitlines()] == [["path", "driver"], [".", "raw"], ["file", "file"]]


def test_tree_when_a_pair_is_open_then_it_is_drawn(record, tmp_path):
    recorder = record()
    (tmp_path / "raw.img").write_bytes(bytes(1 << 20))
    Qcow2.create("test.qcow2", 1 << 20, {})
    recorder.run("open blkverify:raw.img:test.qcow2")

    assert recorder.run("tree")[0] == (
        "blkverify, 1 MiB, rw  #block100  blkverify:raw.img:test.qcow2\n"
        "+- raw: file, 1 MiB, rw  #block000  raw.img\n"
        "`- test: qcow2, 1 MiB, rw  #block300  test.qcow2\n"
        "   `- file: file, 192.500 KiB, rw  #block200  test.qcow2\n"
    )
