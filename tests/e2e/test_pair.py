"""A pair whose sides differ, compared and walked at a terminal."""

from __future__ import annotations

import json

import pytest

SLOW_PAIR = json.dumps(
    {
        "driver": "blkverify",
        "raw": {"driver": "null-co", "size": 1 << 30, "latency-ns": 5_000_000},
        "test": {"driver": "null-co", "size": 1 << 30},
    }
)
"""Takes 20 seconds to be compared."""


@pytest.fixture
def different(tmp_path):
    """The name of a pair of 64 KiB that differs in a sector and in a byte; fills are 0xcd and zero."""
    (tmp_path / "raw.img").write_bytes(b"\xcd" * 65536)
    data = bytearray(b"\xcd" * 65536)
    data[1024:1536] = bytes(512)
    data[40000] = 0x41
    (tmp_path / "test.img").write_bytes(data)
    return "blkverify:raw.img:test.img"


def fill(byte):
    """The bytes of a row."""
    eight = " ".join([f"{byte:02x}"] * 8)
    return f"{eight}  {eight}  ................"


DIFFERENCE = [
    "difference 1 of 2: [0x400, 0x600) 512 bytes",
    f"  000003f0:  {fill(0xCD)}",
    f"R 00000400:  {fill(0xCD)}",
    f"T 00000400:  {fill(0)}",
]


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_walk_when_80_columns_then_stacked_and_in_reverse(screen, different, variables):
    shell = screen(different, **variables)
    shell.run("verify")

    lines = shell.run("next")

    at = lines.index(DIFFERENCE[0])
    assert lines[at : at + 4] == DIFFERENCE
    assert "^^" not in "".join(lines)
    assert shell.look("00 00 00 00")[2], "reverse"
    assert max(map(len, lines)) <= 80


def test_walk_when_the_terminal_is_dumb_then_marks_stand_below(terminal, different):
    child = terminal(different, TERM="dumb")
    for line in ("verify", "next"):
        child.expect(r"pyqio(\[.*\])?> ")
        child.sendline(line)
    child.expect_exact("* the difference")

    text = child.before.replace("\r", "")

    assert "\n".join([*DIFFERENCE, " " * 13 + "^^ ^^ ^^"]) in text
    assert "\x1b" not in text


def test_walk_when_200_columns_and_set_side_then_side_by_side(screen, different):
    shell = screen(different, size=(200, 50))
    shell.run("set diff side")
    shell.run("verify")

    lines = shell.run("next")

    assert f"! 00000400:  {fill(0xCD)} | {fill(0)}" in lines


def test_walk_then_back_and_forth_and_no_further(screen, different):
    shell = screen(different, size=(80, 50))
    shell.run("verify")
    shell.run("next; next")

    lines = shell.run("next")

    assert "pyqio: of 2 known differences none lies past 0x9c40" in lines
    assert any(line.startswith("difference 1 of 2") for line in shell.run("prev"))


def test_mismatches_then_a_table_that_fits(screen, different):
    shell = screen(different)
    shell.run("verify")

    lines = shell.run("mismatches")

    assert any("0x400" in line and "512-aligned" in line and "all zero" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_verify_when_ctrl_c_then_stops_tells_how_to_go_on_and_the_shell_lives(screen):
    shell = screen(f"json:{SLOW_PAIR}", size=(100, 24))
    shell.send("verify\r")
    shell.child.expect_exact("%")

    shell.send("\x03")

    lines = shell.wait_for("'verify --resume' goes on from there")
    assert any("verify: the sides agree" in line for line in lines)
    assert "1 GiB" in shell.run("length")


def test_repair_when_asked_then_nothing_is_written_until_yes(screen, different, tmp_path):
    shell = screen(different)
    shell.send("verify --repair-from raw\r")
    shell.wait_for("[y/N]")
    before = (tmp_path / "test.img").read_bytes()
    shell.send("n\r")
    shell.wait_for("nothing was repaired")
    shell.send("verify --repair-from raw\r")
    shell.wait_for("of the test side with those of the raw side? [y/N]")

    shell.send("y\r")
    shell.wait_for("copied 513 bytes in 2 runs from raw to test")

    assert before[1024] == 0
    assert (tmp_path / "test.img").read_bytes() == (tmp_path / "raw.img").read_bytes()


def test_script_when_sides_differ_then_status_3_and_json_has_the_runs(pyqio, different):
    done = pyqio("--json", "-c", "verify", different)

    result = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 3
    assert (result["agrees"], result["runs"]) == (False, [{"start": 1024, "end": 1536}, {"start": 40000, "end": 40001}])


def test_script_when_interrupted_then_it_says_how_far_it_came(pyqio):
    done = pyqio("-c", "verify", f"json:{SLOW_PAIR}", prefix=("timeout", "--preserve-status", "-s", "INT", "1"))

    assert done.returncode == 130
    assert done.stdout.startswith("verify: the sides agree\n")
    assert "of 0x40000000; 'verify --resume' goes on from there\n" in done.stdout
    assert done.stderr == ""
