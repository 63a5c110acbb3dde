"""The line editor on a real terminal: what its keys do, and what its user sees."""

from __future__ import annotations

import os
import time

import pexpect
import pytest

from tests.e2e.conftest import PROMPT, PYQIO

CTRL_C, CTRL_E, CTRL_R, CTRL_U, CTRL_X, CTRL_Z = "\x03", "\x05", "\x12", "\x15", "\x18", "\x1a"
TAB, ESCAPE, UP, DOWN, RIGHT, END = "\t", "\x1b", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[F"
BANNER = "raw.img: raw, 64 KiB; type 'help' for the commands"
TOOLBAR = "raw on file  raw.img  64 KiB  rw  cache writethrough"


@pytest.fixture
def shell(screen, pattern_image):
    """The screen of the shell on raw.img."""
    return screen("-f", "raw", "raw.img")


def top(lines):
    """The lines without the toolbar at the bottom, and without the empty ones above it."""
    *upper, _ = lines
    while upper and not upper[-1]:
        upper.pop()
    return upper


def test_screen_when_shell_starts_then_banner_prompt_and_toolbar(shell):
    lines = shell.settled()

    assert (top(lines), lines[23], shell.cursor) == ([BANNER, "pyqio>"], TOOLBAR, (7, 1))


def test_screen_when_banner_and_toolbar_are_off_then_prompt_alone(screen, pattern_image):
    shell = screen("-q", "--set", "toolbar=off", "-f", "raw", "raw.img")

    assert shell.settled() == ["pyqio>"]


def test_typing_when_it_begins_before_the_first_prompt_then_nothing_is_lost(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img")
    child.send("length\rquit\r")

    child.expect_exact("64 KiB")
    child.expect_exact("quit")


def test_typing_when_a_command_runs_then_it_stands_behind_the_next_prompt_alone(screen, pattern_image):
    shell = screen("-q", "--set", "toolbar=off", "-f", "raw", "raw.img")
    shell.send("sleep 500\r")
    while shell.is_edited:
        shell.draw()
    shell.send("leng")
    shell.wait_for("pyqio> leng")
    shell.send("th\r")

    assert shell.wait_for("64 KiB") == ["pyqio> sleep 500", "pyqio> length", "64 KiB", "pyqio>"]


def test_enter_when_command_is_unknown_then_it_is_kept_with_the_cursor_on_it(shell):
    lines = shell.run("length; raed 0 512")

    assert lines[1] == "pyqio> length; raed 0 512"
    assert lines[22] == 'command "raed" not found; did you mean read or readv?'
    assert shell.cursor == (len("pyqio> length; "), 1)
    assert shell.look("raed") == ("red", True, False)


def test_enter_when_number_is_wrong_then_cursor_is_on_it_and_it_can_be_mended(shell):
    shell.run("read 0 16z")
    column, _ = shell.cursor

    shell.send(f"{CTRL_E}\x7f\r")

    assert column == len("pyqio> read 0 ")
    shell.wait_for("read 16/16 bytes at offset 0")


def test_enter_when_no_image_is_open_then_that_is_no_mistake_of_the_line(screen):
    assert "no file open, try 'help open'" in screen().run("read 0 512")


def test_line_when_it_is_typed_then_its_parts_have_colours(shell):
    shell.send("open -r 'x y' x.img")
    shell.settled()

    assert shell.look("open") == ("default", True, False)
    assert shell.look("-r") == ("cyan", False, False)
    assert shell.look("'x y'") == ("green", False, False)


@pytest.mark.parametrize("options", [{"NO_COLOR": "1"}, {}])
def test_line_when_colour_is_not_wanted_then_there_is_none(screen, pattern_image, options):
    shell = screen(*([] if options else ["--color", "never"]), "-f", "raw", "raw.img", **options)
    shell.send("raed -r 'x y'\r")
    shell.settled()

    assert {shell.look(text)[0] for text in ("raed", "-r", "'x y'", "not found", "64 KiB")} == {"default"}


def test_tab_when_command_is_begun_then_menu_with_meanings_and_escape_closes_it(shell):
    shell.send("re" + TAB)
    menu = top(shell.wait_for("remove a breakpoint by tag"))
    shell.send(ESCAPE)

    assert {"read", "readv", "remove_break", "reopen"} <= {line.split()[0] for line in menu[2:]}
    deadline = time.monotonic() + 5
    while len(top(shell.settled())) > 2:
        assert time.monotonic() < deadline
    assert top(shell.lines) == [BANNER, "pyqio> re"]


def test_tab_when_the_next_key_follows_at_once_then_the_name_is_complete(shell, tmp_path):
    (tmp_path / "other.img").write_bytes(bytes(512))
    shell.send(f"close; open blkv{TAB}ot{TAB}:ra{TAB}\r")

    shell.wait_for("blkverify: raw=file test=raw")


def test_tab_when_names_have_blanks_then_they_are_spelled_for_the_tokenizer(shell, tmp_path):
    (tmp_path / "my disk.img").write_bytes(bytes(512))
    shell.send(f"close; open my{TAB}")
    shell.wait_for("my\\ disk.img")

    shell.send("\r")

    shell.wait_for("my disk.img  512 bytes")


def test_tab_when_folder_is_large_then_no_key_waits_for_it(shell, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "00000").touch()
    for number in range(1, 20_000):
        os.link(folder / "00000", folder / f"{number:05}")
    shell.settled()

    shell.send(f"open many/{TAB}")
    started = time.monotonic()
    shell.send(CTRL_U + "length")
    shell.wait_for("pyqio> length")

    assert time.monotonic() - started < 2


def test_suggestion_when_line_was_typed_before_then_right_takes_it(shell):
    shell.run("read -P 0xcd 0 512")
    shell.send("rea")
    offered = top(shell.settled())[-1]
    shell.send(RIGHT + "\r")

    assert offered == "pyqio> read -P 0xcd 0 512"
    assert [line for line in shell.settled() if "pyqio" in line][1] == "pyqio> read -P 0xcd 0 512"


@pytest.mark.parametrize("key", [RIGHT, END, CTRL_E])
def test_suggestion_when_key_takes_it_then_cursor_is_at_its_end(shell, key):
    shell.run("length")
    shell.send("le")
    shell.wait_for("pyqio> length")
    shell.settled()
    shell.send(key)
    shell.settled()

    assert shell.cursor == (len("pyqio> length"), 3)


def test_suggestion_when_it_is_off_then_there_is_none(shell):
    shell.run("length")
    shell.run("set suggest off")
    shell.send("le")

    assert top(shell.settled())[-1] == "pyqio> le"


def test_up_when_something_is_typed_then_only_lines_that_begin_so(shell):
    for line in ("read 0 16", "length", "read 16 16", "info"):
        shell.run(line)
    seen = []
    for keys in ("rea" + UP, UP, DOWN):
        shell.send(keys)
        seen.append(top(shell.settled())[-1])

    assert seen == ["pyqio> read 16 16", "pyqio> read 0 16", "pyqio> read 16 16"]


def test_ctrl_r_when_part_of_a_line_is_typed_then_it_is_found(shell):
    shell.run("read -P 0xcd 512 16")
    shell.run("length")
    shell.send(CTRL_R + "xcd")
    shell.wait_for("(reverse-i-search)`xcd': read -P 0xcd 512 16")
    shell.send("\r")

    shell.wait_for("at offset 512")


def test_history_when_line_begins_with_a_blank_then_it_is_forgotten(shell):
    shell.run("length")
    shell.run(" info")
    shell.send(UP)

    assert top(shell.settled())[-1] == "pyqio> length"


def test_history_when_two_shells_run_then_both_are_remembered(screen, pattern_image):
    one, other = screen("-r", "raw.img"), screen("-r", "raw.img")
    one.run("length")
    other.run("info")
    one.run("map")
    third = screen("-r", "raw.img")
    seen = []
    for _ in range(3):
        third.send(UP)
        seen.append(top(third.settled())[-1].split()[-1])

    assert seen == ["map", "info", "length"]


def test_enter_when_line_is_empty_then_the_last_read_goes_on(shell):
    shell.run("read -v 0 16")
    shell.send("\r")
    shell.wait_for("at offset 16")
    shell.send("\r")

    shell.wait_for("at offset 32")


def test_enter_when_line_has_a_blank_or_repeat_is_off_then_nothing_goes_on(shell):
    shell.run("read -v 0 16")
    shell.run(" ")
    shell.run("set repeat off")
    shell.run("")

    assert not any("offset 16" in line for line in shell.lines)


def test_paste_when_it_has_several_lines_then_they_run_in_order_after_enter(shell):
    shell.send("\x1b[200~read 0 16\nread 16 16\nlength\x1b[201~")
    before = top(shell.settled())
    shell.send("\r")
    shell.wait_for("64 KiB")

    said = [line for line in shell.lines if line.startswith(("read ", "64 KiB"))]
    assert before[1:] == ["pyqio> read 0 16", "read 16 16", "length"]
    assert said[-3:] == ["read 16/16 bytes at offset 0", "read 16/16 bytes at offset 16", "64 KiB"]


def test_editor_when_it_is_called_then_the_line_is_what_it_left(screen, pattern_image, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'read 512 16' >\"$1\"\n")
    editor.chmod(0o700)
    shell = screen("-f", "raw", "raw.img", VISUAL=str(editor))
    shell.send("read" + CTRL_X + CTRL_E)
    shell.wait_for("pyqio> read 512 16")
    shell.send("\r")

    shell.wait_for("at offset 512")


def test_vi_when_it_is_set_then_its_keys_work_at_the_next_line(shell):
    shell.run("set editing vi")
    shell.send("read 0 16x")
    shell.send(ESCAPE)
    time.sleep(0.6)
    shell.send("x\r")

    shell.wait_for("read 16/16 bytes at offset 0")


def test_prompt_when_pair_has_differed_then_it_and_the_toolbar_say_so(screen, damaged_pair):
    shell = screen(damaged_pair)
    lines = shell.run("read 0 4k")

    assert top(lines)[-1] == "pyqio[blkverify!]>"
    assert lines[23] == "blkverify: raw=file test=raw  64 KiB  rw  cache writethrough  mismatches 1"


def test_toolbar_when_window_is_narrow_then_it_fits(screen, damaged_pair):
    shell = screen(damaged_pair, size=(40, 10))

    assert shell.settled()[9] == "blkverify: raw=file test=raw  64 KiB  rw"


def test_aio_when_it_completes_while_a_line_is_typed_then_the_line_stays_whole(screen):
    shell = screen()
    shell.run("open -o driver=null-co,size=1M,latency-ns=700000000")
    shell.send("aio_read 0 4k\r")
    shell.wait_for("aio 1")
    shell.send("length; in")
    shell.wait_for("read 4096/4096 bytes at offset 0")
    lines = shell.settled()
    shell.send("fo\r")

    assert top(lines)[-1] == "pyqio> length; in"
    assert "aio" not in lines[-1]
    shell.wait_for("1 MiB")


def test_aio_when_it_finds_a_mismatch_then_report_stands_above_the_prompt_that_says_so(screen, damaged_pair):
    shell = screen(damaged_pair)
    shell.send("aio_read 0 4k\r")
    shell.wait_for("pyqio[blkverify!]>")
    shell.send("length")

    assert top(shell.settled())[-1] == "pyqio[blkverify!]> length"
    assert any(line.startswith("T 00000400:  00 00") for line in shell.lines)


@pytest.mark.parametrize(("choice", "keys", "end"), [("stop", "length\r", "64 KiB"), ("exit", "", pexpect.EOF)])
def test_aio_when_it_finds_a_mismatch_then_the_users_choice_counts(terminal, damaged_pair, choice, keys, end):
    child = terminal("--set", f"on-mismatch={choice}", damaged_pair)
    child.expect(PROMPT)
    child.send("aio_read 0 4k\r")
    child.expect_exact("contents mismatch")
    child.send(keys)

    assert child.expect_exact([end]) == 0


def test_suspend_when_command_runs_then_it_goes_on_and_can_be_stopped(terminal, pattern_image):
    child = terminal("--norc", "--noprofile", "-i", program="/bin/bash", PS1="bash$ ", HISTFILE="")
    child.sendline(f"{PYQIO} -f raw raw.img")
    child.expect(PROMPT)
    child.send("sleep 60000\r")
    child.expect_exact("\x1b[?2004l")
    time.sleep(0.2)
    child.send(CTRL_Z)
    child.expect_exact("Stopped")
    child.sendline("fg")
    child.expect_exact("raw.img")
    time.sleep(0.2)
    child.send(CTRL_C)
    child.expect_exact("interrupted")
    child.expect(PROMPT)
    child.send("length\r")

    child.expect_exact("64 KiB")


def test_suspend_when_line_is_typed_then_it_is_there_again_afterwards(terminal, pattern_image, tmp_path):
    child = terminal("--norc", "--noprofile", "-i", program="/bin/bash", PS1="bash$ ", HISTFILE="")
    child.expect_exact("bash$ ")
    child.sendline(f"{PYQIO} -f raw raw.img")
    child.expect_exact("pyqio> ")
    child.expect(r"\x1b\[\?2004h")
    child.send("leng" + CTRL_Z)
    child.expect_exact("Stopped")
    child.sendline("stty -a | grep -c ' echo '; fg")
    child.expect_exact("1\r\n")
    child.expect_exact("leng")
    child.send("th\r")

    child.expect_exact("64 KiB")
