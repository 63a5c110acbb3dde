"""Terminals that are narrow, poor, resized, hung up, or fed with anything but commands."""

from __future__ import annotations

import os
import signal
import struct
import time

import pexpect
import pytest

from tests.e2e.conftest import PLAIN_PROMPT, PROMPT, PYQIO, SECONDS

CTRL_C, CTRL_D, TAB = "\x03", "\x04", "\t"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"
DIRTY = 1
"""The bit of qcow2's incompatible features that says that the image was not closed."""


@pytest.fixture
def bash(terminal):
    """``bash("pyqio ...")`` runs a line in a shell that compares the terminal's modes before and after."""

    def start(line, **variables):
        child = terminal("--norc", "--noprofile", "-i", program="/bin/bash", PS1="$ ", HISTFILE="", **variables)
        child.sendline(f"bind 'set enable-bracketed-paste off'; stty -a >before; {line}; echo status $?")
        return child

    return start


def modes_are_sane(child):
    """Whether the terminal is, after the program, as it was before."""
    child.sendline("stty -a >after; cmp before after && echo sa''me")
    return child.expect_exact(["same\r\n", "differ"]) == 0


def process_below(child):
    """The process that the shell ``child`` waits for."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with open(f"/proc/{child.pid}/task/{child.pid}/children") as children:
            if found := children.read().split():
                return int(found[0])
    raise AssertionError("the shell waits for nobody")


def test_terminal_when_shell_is_quit_then_it_is_as_before(bash, pattern_image):
    child = bash(f"{PYQIO} -f raw raw.img")
    child.expect(PROMPT)
    child.send("quit\r")
    child.expect_exact("status 0\r\n")

    assert modes_are_sane(child)


@pytest.mark.parametrize("moment", ["editing", "sleeping"])
def test_terminal_when_shell_is_terminated_then_it_is_as_before(bash, pattern_image, moment):
    child = bash(f"{PYQIO} -f raw raw.img")
    child.expect(PROMPT)
    child.send("length" if moment == "editing" else "sleep 60000\r")
    child.expect_exact("length" if moment == "editing" else "\x1b[?2004l")
    time.sleep(0.1)
    os.kill(process_below(child), signal.SIGTERM)
    child.expect_exact("status 143\r\n")

    assert modes_are_sane(child)


CRASHES = {
    "in a command": "from pyqio.session.state import Session; Session.run_line = None",
    "in the prompt": "from pyqio.shell import status; status.prompt = None",
    "while the editor is loaded": "import sys; sys.modules['pyqio.shell.editor'] = None",
}


@pytest.mark.parametrize("change", CRASHES.values(), ids=CRASHES)
def test_terminal_when_shell_crashes_then_it_is_as_before(bash, python, change):
    child = bash(f'{python} -c "from pyqio.cli.main import main; {change}; main([\\"pyqio\\", \\"-q\\"])"')
    child.send("length\r")
    child.expect_exact("Traceback")
    child.expect_exact("status 1\r\n")

    assert modes_are_sane(child)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_image_when_shell_is_ended_by_a_signal_then_it_is_closed(terminal, pyqio, tmp_path, number, status):
    def features():
        with open(tmp_path / "x.qcow2", "rb") as image:
            return struct.unpack_from(">Q", image.read(104), 72)[0]

    pyqio("-c", "create -q -f qcow2 -o lazy_refcounts=on x.qcow2 1M")
    child = terminal("x.qcow2")
    child.expect(PROMPT)
    child.send("write 0 64k\r")
    child.expect_exact("64 KiB")
    child.expect(PROMPT)
    before = features()
    child.kill(number)
    child.expect(pexpect.EOF)
    child.wait()

    assert (before & DIRTY, features() & DIRTY, child.exitstatus) == (DIRTY, 0, status)


@pytest.mark.parametrize("first", ["", "trap '' HUP; "], ids=["told", "not told"])
def test_hangup_when_terminal_is_gone_then_image_is_closed(terminal, pyqio, tmp_path, first):
    pyqio("-c", "create -q -f qcow2 -o lazy_refcounts=on x.qcow2 1M")
    child = terminal("-c", f"{first}exec {PYQIO} x.qcow2", program="/bin/sh")
    child.expect(PROMPT)
    child.send("write 0 64k\r")
    child.expect_exact("64 KiB")
    child.expect(PROMPT)
    child.ptyproc.delayafterclose = 1
    child.close(force=False)

    assert pyqio("-r", "-c", "read -P 0xcd 0 64k", "x.qcow2").returncode == 0
    with open(tmp_path / "x.qcow2", "rb") as image:
        assert struct.unpack_from(">Q", image.read(104), 72)[0] & DIRTY == 0


def test_shell_when_terminal_is_twenty_columns_wide_then_everything_fits(screen, damaged_pair):
    shell = screen(damaged_pair, size=(20, 12))
    shell.run("read 0 4k")
    shell.send("rea" + TAB)
    shell.wait_for("readv")
    shell.send(CTRL_C + "raed\r")
    lines = shell.wait_for('command "raed" not f')

    assert "mismatches 1" in lines[11]
    shell.send(CTRL_C)
    assert shell.run("length")[-3:-1] != []


def test_shell_when_it_is_resized_while_a_line_is_typed_then_it_is_drawn_anew(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")
    shell.send("length; length")
    shell.settled()
    for size in ((30, 8), (8, 3), (200, 50), (60, 15)):
        shell.resize(*size)
        shell.settled()

    assert (shell.lines[14], any("length; length" in line for line in shell.lines)) == (
        "raw on file  raw.img  64 KiB  rw  cache writethrough",
        True,
    )
    shell.send("\r")
    shell.wait_for("64 KiB")


def test_shell_when_it_is_resized_while_a_command_prints_then_the_prompt_comes_back(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")
    shell.send("read -v 0 64k\r")
    for columns in range(40, 120, 8):
        shell.resize(columns, 20)
        time.sleep(0.01)
    shell.wait_for("read 65536/65536 bytes")

    assert shell.run("length")[-3:-1] != []


@pytest.mark.parametrize("frame", [(PASTE, PASTED), ("", "")], ids=["pasted", "typed"])
def test_line_when_it_has_a_hundred_thousand_characters_then_it_can_be_thrown_away(terminal, pattern_image, frame):
    child = terminal("-f", "raw", "raw.img")
    child.expect(PROMPT)
    start, end = frame
    data = f"{start}{'x' * 100_000}{end}{CTRL_C}length\r".encode()
    while data:
        data = data[os.write(child.child_fd, data[:1000]) :]
        child.expect([r".+", pexpect.TIMEOUT], timeout=0)

    child.expect_exact("64 KiB")


def test_line_when_it_is_long_and_wrong_then_it_is_said_so(screen, pattern_image):
    shell = screen("-f", "raw", "raw.img")
    shell.send(f"{PASTE}{'x' * 100_000}{PASTED}\r")

    shell.wait_for('command "xxxx')


def test_paste_when_it_is_binary_then_nothing_happens(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img")
    child.expect(PROMPT)
    garbage = bytes(byte for byte in range(256) if byte != 0x1B) * 8
    os.write(child.child_fd, PASTE.encode() + garbage + PASTED.encode() + b"\r")
    child.expect_exact("a quote without its end")
    child.send(CTRL_C)
    child.expect(PROMPT)
    child.sendline("length")
    child.expect_exact("64 KiB")

    assert "Traceback" not in child.before


def test_shell_when_locale_is_not_utf_8_then_names_survive(screen, tmp_path):
    (tmp_path / "ü.img").write_bytes(bytes(512))
    shell = screen(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    shell.send(f"open ü{TAB}")
    shell.settled()
    shell.send("\r")

    shell.wait_for("512 bytes")


def test_shell_when_standard_input_is_closed_then_it_ends(bash, pattern_image):
    child = bash(f"{PYQIO} -f raw raw.img <&-")

    child.expect_exact("status 0\r\n")


def test_shell_when_reader_of_its_output_goes_away_then_it_ends_quietly(bash, pattern_image):
    child = bash(f"{PYQIO} -f raw raw.img | head -n 1")
    child.send("length\r")
    child.expect_exact("64 KiB")
    child.send("length\rlength\r" + CTRL_D)
    child.expect_exact("status 0\r\n")

    assert "Traceback" not in child.before
    assert modes_are_sane(child)


def test_poor_terminal_when_line_is_wrong_then_a_caret_is_under_the_word(terminal):
    child = terminal("-q", TERM="dumb")
    child.expect_exact(PLAIN_PROMPT)
    child.sendline("length; raed 0")
    child.expect_exact(PLAIN_PROMPT)

    assert child.before.splitlines()[1:] == [
        "               ^",
        'command "raed" not found; did you mean read or readv?',
    ]


def test_poor_terminal_when_line_is_empty_then_the_last_read_goes_on(terminal, pattern_image):
    child = terminal("-f", "raw", "raw.img", TERM="dumb")
    child.expect_exact(PLAIN_PROMPT)
    child.sendline("read -v 0 16")
    child.expect_exact(PLAIN_PROMPT)
    child.sendline("")

    child.expect_exact("read 16/16 bytes at offset 16")
