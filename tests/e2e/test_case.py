"""From a mismatch to its cause: found in one process, picked up in another."""

from __future__ import annotations

import pexpect
import pytest

from tests.e2e.conftest import PROMPT

WRITTEN = "write -q -P 0xcd 0 64k"


@pytest.fixture
def pair(pyqio, tmp_path):
    """The name of a pair that was written to through pyqio, and whose test side lost half a kilobyte later."""
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(bytes(65536))
    pyqio("-c", WRITTEN, "blkverify:raw.img:test.img")
    data = bytearray((tmp_path / "test.img").read_bytes())
    data[1024:1536] = bytes(512)
    (tmp_path / "test.img").write_bytes(data)
    return "blkverify:raw.img:test.img"


def test_case_when_a_mismatch_is_found_in_the_shell_then_explore_picks_it_up(terminal, pair):
    shell = terminal(pair)
    shell.expect(PROMPT)
    shell.sendline("read 0 4k")
    shell.expect_exact("contents mismatch in sector 2")
    shell.expect_exact(f"{WRITTEN} (ok/ok)")
    shell.expect_exact("test.img was changed after")
    shell.expect_exact("pyqio explore ~/state/pyqio/reports/1.json")
    shell.expect(PROMPT)
    shell.sendline("quit")
    shell.expect(pexpect.EOF)

    shell = terminal("explore", "state/pyqio/reports/1.json")
    shell.expect_exact("read-only")
    shell.expect_exact("contents mismatch in sector 2")
    shell.expect(PROMPT)
    shell.sendline("blame .")
    shell.expect_exact(WRITTEN)
    shell.expect(PROMPT)
    shell.sendline("mismatches")
    shell.expect_exact("0x400")
    shell.expect(PROMPT)
    shell.sendline("quit")
    shell.expect(pexpect.EOF)
    shell.wait()

    assert shell.exitstatus == 0


def test_case_when_it_stops_at_a_mismatch_then_the_rest_of_the_line_is_not_run(terminal, pair):
    shell = terminal(pair)
    shell.expect(PROMPT)
    shell.sendline("set on-mismatch stop; read -q 0 4k; length")
    shell.expect_exact("pyqio explore")
    shell.expect(PROMPT)

    assert "64 KiB" not in shell.before
    shell.sendline("length")
    shell.expect_exact("64 KiB")


def test_explore_when_commands_are_given_then_they_run_and_the_status_is_theirs(pyqio, pair):
    assert pyqio("-c", "read -q 0 4k", pair).returncode == 3

    done = pyqio("explore", "-c", "blame 0x400")
    failed = pyqio("explore", "1", "-c", "read 0 1M")

    assert (done.returncode, done.stderr) == (0, "")
    assert WRITTEN in done.stdout
    assert failed.returncode == 1


def test_explore_when_there_is_no_report_then_one_line(pyqio):
    done = pyqio("explore")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pyqio: there is no report in ")
    assert done.stderr.count("\n") == 1


def test_report_when_a_file_is_named_then_it_is_the_one(pyqio, pair, tmp_path):
    done = pyqio("--report", "mine.json", "-c", "read -q 0 4k", pair)

    assert done.stderr.endswith("  pyqio explore mine.json\n")
    assert "contents mismatch" in pyqio("explore", "mine.json", "-c", "length").stdout
    assert not (tmp_path / "state" / "pyqio" / "reports").exists()


def test_case_when_the_name_is_qemu_io_then_nothing_is_kept(pyqio, pair, as_qemu_io, tmp_path):
    before = sorted(tmp_path.glob("state/**/*"))

    pyqio("-c", "write 0 512", "-c", "read 0 4k", pair, program=as_qemu_io)

    assert sorted(tmp_path.glob("state/**/*")) == before
