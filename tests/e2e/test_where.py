"""From a corrupted entry to the reason, on a terminal and in a pipe: where, search, read -t, --child, peek."""

from __future__ import annotations

import json

import pytest

FIRST = 0x50000
L2 = 0x40000


@pytest.fixture
def corrupted(pyqio, tmp_path):
    """The name of a pair whose test side has an L2 entry (of guest cluster 1) that leads to cluster 0's data."""
    made = ("-c", "create -q -f raw raw.img 1M", "-c", "create -q -f qcow2 test.qcow2 1M")
    assert pyqio(*made).returncode == 0
    written = ("-c", "write -q -P 1 0 64k", "-c", "write -q -P 2 64k 64k")
    assert pyqio(*written, "blkverify:raw.img:test.qcow2").returncode == 0
    with open(tmp_path / "test.qcow2", "r+b") as file:
        file.seek(L2)
        entry = file.read(8)
        file.write(entry)
    return "blkverify:raw.img:test.qcow2"


@pytest.fixture
def shell(screen, corrupted):
    """The shell on the pair, on a tall terminal."""
    return screen("-r", corrupted, size=(80, 50))


def test_where_when_an_entry_leads_to_another_cluster_then_the_screen_says_so(shell):
    lines = shell.run("where 64k")

    assert f"    data at {FIRST:#x} of test.file" in lines
    assert "  ! the host cluster at 0x50000 is also that of guest cluster 0x0" in lines
    assert "  ! 2 entries lead to the host cluster, but its refcount is 1" in lines
    assert all(len(line) < 80 for line in lines)
    assert shell.look("! the host cluster at")[0] == "red"


def test_where_when_raw_then_the_entry_that_stands_there(shell):
    lines = shell.run("where --raw --child test 64k")

    assert f"L2 entry at {L2 + 8:#x} of test.qcow2" in lines
    assert "  40008  80 00 00 00 00 05 00 00  entry  0x8000000000050000  data" in lines


def test_child_when_completed_then_the_open_nodes(shell):
    shell.send("read --child te\t")

    assert shell.wait_for("test.file")


def test_tree_when_the_terminal_has_utf8_then_lines_are_drawn(shell):
    assert "└─ test: qcow2, 1 MiB, ro  #block300  test.qcow2" in shell.run("tree")


def test_search_when_enter_is_pressed_on_an_empty_line_then_the_next_place(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")
    shell.run("search 0xcdcd 10")

    assert any(line.split()[:1] == ["0xb"] for line in shell.run(""))


def test_where_when_printed_to_a_pipe_then_plain_text(pyqio, corrupted):
    done = pyqio("-r", "-c", "where 64k", "-c", "tree", corrupted)

    assert "\x1b" not in done.stdout
    assert "`- test: qcow2" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_where_when_json_is_asked_for_then_one_object_with_all_of_it(pyqio, corrupted):
    done = pyqio("-r", "--json", "-c", "where 64k", "-c", "where --raw 64k", corrupted)

    way, *structures = map(json.loads, done.stdout.splitlines())
    test = next(step for step in way["steps"] if step["path"] == "test")
    assert (way["type"], way["offset"]) == ("where", 65536)
    assert test["next"] == [{"child": "file", "offset": FIRST}]
    assert test["facts"]["l2"]["entry-offset"] == L2 + 8
    assert {found["type"] for found in structures} == {"structure"}


def test_read_when_raw_in_a_pipe_then_the_bytes_alone(pyqio, pattern_image):
    done = pyqio("-f", "raw", "-r", "-c", "read --raw 0 300", "raw.img", errors="surrogateescape")

    assert done.stdout == "\udccd" * 300


def test_read_when_raw_on_a_terminal_then_refused(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")

    assert any("would garble the terminal" in line for line in shell.run("read --raw 0 16"))


def test_read_when_raw_goes_through_a_pipe_of_the_shell_then_it_has_the_bytes(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")

    assert any(
        "cdcd cdcd" in line for line in shell.run("read --raw 0 16 | od -An -tx2 | tr ' ' '\\n' | paste -d' ' - - -")
    )


def test_poke_when_one_side_was_changed_then_the_pair_says_so(pyqio, corrupted):
    done = pyqio("-c", "poke --child test u8 0 9", "-c", "peek --child raw u8 0", "-c", "read 0 512", corrupted)

    assert done.stdout.startswith("wrote 1 bytes at offset 0x0 of test alone\n")
    assert " 1  0x1\n" in done.stdout
    assert done.stderr.startswith("blkverify: read ")
    assert done.returncode == 3
