"""Scripts, pipes, files and the host's commands: as processes, and on a terminal."""

from __future__ import annotations

import time

import pexpect
import pytest

PROMPT = r"pyqio> (?!\S)"
PLAIN_PROMPT = "pyqio> "
CTRL_C = "\x03"


@pytest.fixture
def shell(terminal, pattern_image):
    """The shell on raw.img on a plain terminal, whose driver edits the lines."""
    child = terminal("-f", "raw", "raw.img", TERM="dumb")
    child.expect_exact(PLAIN_PROMPT)
    return child


def answer(child, line):
    """What the shell prints after a line, the line itself left out."""
    child.sendline(line)
    child.expect_exact(PLAIN_PROMPT)
    return child.before.replace("\r\n", "\n").partition("\n")[2]


def test_script_when_a_host_command_reads_then_it_does_not_eat_the_script(pyqio, pattern_image):
    done = pyqio("-f", "raw", "raw.img", stdin="!cat\nlength\nlength | cat\n")

    assert (done.stdout, done.stderr, done.returncode) == ("64 KiB\n64 KiB\n", "", 0)


def test_pipe_when_head_has_enough_then_a_huge_read_stops_early(pyqio, tmp_path):
    (tmp_path / "big.img").touch()
    started = time.monotonic()
    done = pyqio("-f", "raw", "-c", "truncate 1T", "-c", "read -v 0 256M | head -1", "-c", "length", "big.img")

    assert (len(done.stdout.splitlines()), done.stderr, done.returncode) == (2, "", 0)
    assert time.monotonic() - started < 5


def test_status_when_the_host_command_fails_then_the_script_has_failed(pyqio, pattern_image):
    done = pyqio("-f", "raw", "raw.img", stdin="length\nread -v 0 16 | grep -q nosuch\nlength\n")

    assert (done.stdout, done.returncode) == ("64 KiB\n64 KiB\n", 1)
    assert done.stderr == "pyqio: exit status 1 of: grep -q nosuch (<stdin>:2)\n"


def test_source_when_a_command_fails_then_file_and_line_and_status(pyqio, pattern_image, tmp_path):
    (tmp_path / "x.qio").write_bytes(b"length\r\n\r\nread -P 1 0 512\r\n")
    done = pyqio("-f", "raw", "--source", "x.qio", "raw.img")

    assert (done.returncode, done.stderr.split(": ")[:2]) == (1, ["pyqio", "x.qio:3"])


def test_batch_when_it_is_safe_and_on_a_terminal_then_nothing_is_asked(terminal, pattern_image):
    child = terminal("-f", "raw", "--set", "safe=on", "-c", "write -q 0 512", "-c", "length", "raw.img")
    child.expect(pexpect.EOF)

    assert child.before == "64 KiB\r\n"


def test_ctrl_c_when_a_script_waits_for_a_host_command_then_the_script_ends(terminal, pattern_image):
    child = terminal("-c", "!echo ready; sleep 60", "-c", "length", "-f", "raw", "raw.img")
    child.expect_exact("ready")
    child.send(CTRL_C)
    child.expect(pexpect.EOF)
    child.wait()

    assert ("KiB" in child.before, child.exitstatus) == (False, 130)


def test_shell_when_a_host_command_is_stopped_then_the_prompt_is_back(shell):
    shell.sendline("!echo ready; sleep 60")
    shell.expect_exact("ready")
    shell.expect_exact("ready")
    shell.send(CTRL_C)
    shell.expect_exact("interrupted")
    shell.expect_exact(PLAIN_PROMPT)

    assert answer(shell, "length") == "64 KiB\n"


def test_shell_when_output_is_piped_or_kept_then_plain_text(shell, tmp_path):
    answer(shell, "tee log.txt")

    assert answer(shell, "length | tr K k") == "64 kiB\n"
    assert answer(shell, "length > out.txt") == ""
    assert answer(shell, "length") == "64 KiB\n"
    assert (tmp_path / "out.txt").read_text() == "64 KiB\n"
    assert "64 KiB\n" in (tmp_path / "log.txt").read_text()


def test_shell_when_it_is_safe_then_asks_before_it_writes(shell, pattern_image):
    answer(shell, "set safe on")
    shell.sendline("write -q -P 1 0 512")
    shell.expect_exact("change the image? [y/N]")
    refused = answer(shell, "n")
    shell.sendline("write -q -P 2 512 512")
    shell.expect_exact("change the image? [y/N]")
    answer(shell, "y")

    assert refused == "pyqio: not carried out ('set safe off' asks no more)\n"
    assert pattern_image.read_bytes()[:1024] == b"\xcd" * 512 + b"\x02" * 512


def test_shell_when_it_moves_about_then_the_place_is_remembered(shell):
    answer(shell, "goto $-1s")
    answer(shell, "mark last")

    assert answer(shell, "read . 512").startswith("read 512/512 bytes at offset 65024\n")
    assert answer(shell, "read last-1s 1s").startswith("read 512/512 bytes at offset 64512\n")
    assert answer(shell, "back").split()[4:6] == ["65024", "0xfe00"]


def test_shell_when_it_starts_then_rc_is_run_unless_it_is_skipped(terminal, tmp_path):
    folder = tmp_path / ".config" / "pyqio"
    folder.mkdir(parents=True)
    (folder / "rc").write_text("alias hello '!echo hello $1'\nhello reader\n")

    with_rc = terminal(TERM="dumb")
    with_rc.expect_exact(PLAIN_PROMPT)
    without = terminal("-X", TERM="dumb")
    without.expect_exact(PLAIN_PROMPT)

    assert "hello reader" in with_rc.before
    assert "hello reader" not in without.before
    assert answer(with_rc, "hello again") == "hello again\n"


def test_watch_when_on_a_terminal_then_only_what_changes_is_drawn_until_ctrl_c(terminal, pattern_image):
    folder = pattern_image.parent
    (folder / "count").write_text("first\n")
    (folder / "next").write_text("second\n")
    child = terminal(
        "-f", "raw", "-c", "tee log.txt", "-c", "watch -n 0.1 '!cat count; echo same'", "-c", "length", "raw.img"
    )
    child.expect_exact("first")
    child.expect_exact("same")
    (folder / "next").replace(folder / "count")
    child.expect_exact("second")
    time.sleep(0.3)
    child.send(CTRL_C)
    child.expect_exact("64 KiB")

    assert "same" not in child.before
    log = (folder / "log.txt").read_text()
    assert log.startswith("every 0.1 s: !cat count; echo same\nsecond\nsame\n")


def test_watch_when_the_terminal_is_dumb_then_each_run_has_a_heading(terminal, pattern_image):
    child = terminal("-f", "raw", "-c", "watch -n 0.1 -c 2 length", "raw.img", TERM="dumb")
    child.expect(pexpect.EOF)

    assert child.before == "every 0.1 s: length, 1\r\n64 KiB\r\nevery 0.1 s: length, 2\r\n64 KiB\r\n"
