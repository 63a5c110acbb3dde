"""The shell on a terminal of 80x24, driven key by key."""

from __future__ import annotations

import re
import stat
import time

import pexpect
import pytest

from tests.e2e.conftest import PLAIN_PROMPT, PROMPT

CTRL_C, CTRL_D, TAB, UP = "\x03", "\x04", "\t", "\x1b[A"


def end(child):
    """The exit status, once the program has ended by itself."""
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def said(child):
    """What was printed up to the last match, without the terminal's own sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", child.before)


@pytest.fixture
def shell(terminal, pattern_image):
    """The shell on raw.img, at its first prompt."""
    child = terminal("-f", "raw", "raw.img")
    child.expect(PROMPT)
    return child


def test_shell_when_it_starts_then_banner_has_image_format_size_and_help(shell):
    assert said(shell).splitlines()[0] == "raw.img: raw, 64 KiB; type 'help' for the commands"


def test_shell_when_command_is_typed_then_output_and_next_prompt(shell):
    shell.sendline("read -v 0 16")
    shell.expect_exact("read 16/16 bytes at offset 0")
    assert "00000000:  cd cd cd cd cd cd cd cd  cd cd cd cd cd cd cd cd  ................" in said(shell)
    shell.expect(PROMPT)


def test_shell_when_pair_differs_then_reports_and_lives_on(terminal, damaged_pair):
    child = terminal(damaged_pair)
    child.expect(PROMPT)
    child.sendline("read 0 4k")
    child.expect_exact("blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2")
    child.expect(PROMPT)
    child.sendline("read -P 0xcd 4k 4k")
    child.expect_exact("read 4096/4096 bytes at offset 4096")
    child.expect(PROMPT)
    child.sendline("quit")

    assert end(child) == 3


def test_shell_when_ctrl_c_is_typed_in_a_line_then_line_is_cleared(shell):
    shell.send("write 0 512" + CTRL_C)
    shell.expect(PROMPT)
    shell.sendline("length")
    shell.expect_exact("64 KiB")
    shell.expect(PROMPT)

    assert "wrote" not in said(shell)


def test_shell_when_ctrl_c_is_typed_in_a_command_then_command_stops(shell):
    shell.sendline("sleep 60000")
    shell.expect_exact("\x1b[?2004l")
    time.sleep(0.2)  # the terminal makes a signal of the key a moment later
    shell.send(CTRL_C)
    shell.expect(PROMPT)
    shell.sendline("length")
    shell.expect_exact("64 KiB")


def test_shell_when_ctrl_c_is_typed_in_a_long_dump_then_dump_stops(terminal, tmp_path):
    (tmp_path / "big.img").write_bytes(bytes(range(256)) * (1 << 18))
    child = terminal("--set", "pager=never", "-f", "raw", "big.img")
    child.expect(PROMPT)
    child.sendline("read -v 0 64M")
    child.expect_exact("00001000:")
    child.send(CTRL_C)
    child.expect(PROMPT)
    child.sendline("length")
    child.expect_exact("64 MiB")


def test_shell_when_ctrl_d_is_typed_then_it_ends_well(shell):
    shell.send(CTRL_D)

    assert end(shell) == 0


def test_shell_when_quit_is_typed_then_it_ends_well(shell):
    shell.sendline("quit")

    assert end(shell) == 0


def test_shell_when_a_command_failed_then_exit_status_says_so(shell):
    shell.sendline("read 1G 512")
    shell.expect(PROMPT)
    shell.sendline("quit")

    assert end(shell) == 1


def test_shell_when_no_image_is_named_then_open_works(terminal, pattern_image):
    child = terminal()
    child.expect(PROMPT)
    child.sendline("open raw.img")
    child.expect(PROMPT)
    child.sendline("length")
    child.expect_exact("64 KiB")


def test_shell_when_started_as_qemu_io_then_prompt_is_its_own(terminal, as_qemu_io, pattern_image):
    child = terminal("-f", "raw", "raw.img", program=as_qemu_io)
    child.expect("^[^\n]*qemu-io>")
    child.sendline("length")
    child.expect_exact("64 KiB")
    child.expect_exact("qemu-io>")
    child.sendline("q")

    assert end(child) == 0


def test_shell_when_aio_completes_then_report_stands_on_a_line_of_its_own(shell):
    shell.sendline("aio_read 0 4k")
    shell.expect_exact("read 4096/4096 bytes at offset 0")
    shell.sendline("length")
    shell.expect_exact("64 KiB")


def test_shell_when_tab_is_typed_then_command_is_completed(shell):
    shell.send("trun" + TAB)
    shell.expect_exact("cate")
    shell.send(" 128k\r")
    shell.expect(PROMPT)
    shell.sendline("length")
    shell.expect_exact("128 KiB")


def test_shell_when_tab_is_typed_after_a_colon_then_path_is_completed(terminal, damaged_pair):
    child = terminal()
    child.expect(PROMPT)
    child.send("open blkverify:ra" + TAB)
    child.expect_exact("w.img")
    child.send(":te" + TAB)
    child.expect_exact("st.img")
    child.send("\r")
    child.expect(PROMPT)
    child.sendline("read 0 4k")
    child.expect_exact("contents mismatch in sector 2")


def test_shell_when_tab_is_typed_after_a_hyphen_then_flags_are_explained(shell):
    shell.send("read -" + TAB)
    shell.expect_exact("report statistics in a machine parsable format")


def test_history_when_shell_ends_then_file_is_private_and_remembers(terminal, shell, tmp_path):
    shell.sendline("length")
    shell.expect(PROMPT)
    shell.send(CTRL_D)
    end(shell)
    folder = tmp_path / "state" / "pyqio"
    again = terminal("-f", "raw", "raw.img")
    again.expect(PROMPT)

    again.send(UP + "\r")

    again.expect_exact("64 KiB")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "history").stat().st_mode) == 0o600


def test_history_when_folder_cannot_be_made_then_shell_works_without(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img", XDG_STATE_HOME="/dev/null")
    child.expect(PROMPT)
    child.sendline("length")
    child.expect_exact("64 KiB")
    child.expect(PROMPT)
    child.sendline("quit")

    assert end(child) == 0


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": ""}])
def test_shell_when_terminal_is_poor_then_lines_are_read_plainly(terminal, pattern_image, variables):
    child = terminal("-f", "raw", "raw.img", **variables)
    child.expect_exact(PLAIN_PROMPT)
    child.sendline("length")
    child.expect_exact("64 KiB")
    child.expect_exact(PLAIN_PROMPT)
    child.send(CTRL_C)
    child.expect_exact(PLAIN_PROMPT)
    child.send(CTRL_D)

    assert end(child) == 0


def test_shell_when_terminal_is_dumb_then_no_escape_is_printed(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img", TERM="dumb")
    child.expect_exact(PLAIN_PROMPT)
    child.sendline("length")
    child.expect_exact(PLAIN_PROMPT)

    assert "\x1b" not in child.before


def test_shell_when_terminal_is_unknown_then_it_works(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img", TERM="no-such-terminal")
    child.expect(PROMPT)
    child.sendline("length")
    child.expect_exact("64 KiB")


def test_shell_when_colour_is_not_wanted_then_menu_has_none(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img", NO_COLOR="1")
    child.expect(PROMPT)
    child.send("re" + TAB)
    child.expect_exact("remove a breakpoint by tag")

    assert re.findall(r"\x1b\[(?:\d+;)*(?:[349]\d|10\d)[;m]", child.before) == []
