"""What results look like on a terminal: colours, widths, progress, the pager."""

from __future__ import annotations

import re
import signal

import pytest

from tests.e2e.conftest import PROMPT

SGR = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;5;[0-9]+|9[0-7])m")
UTF_8 = {"LC_ALL": "C.UTF-8"}
CTRL_C = "\x03"

DUMP = [
    "  00000000:  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a 00 ff  Hello, world!...",
    "  00000010:  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  ................",
    "* 30 equal rows, 0x20-0x1ff",
]
MAP = [
    "offset           size  state",
    "0x0            64 KiB  allocated    ██████",
    "0x10000        64 KiB  unallocated       ██████",
    "0x20000       128 KiB  allocated              ████████████",
    "0x40000       256 KiB  unallocated                       ██████████████████████",
]


@pytest.fixture
def images(tmp_path, pyqio):
    """hello.img, 1 MiB with a text in it, and disk.qcow2 with data, zeroes and nothing."""
    (tmp_path / "hello.img").write_bytes(b"Hello, world!\n\0\xff" + bytes((1 << 20) - 16))
    commands = ("create -q -f qcow2 disk.qcow2 512k", "open disk.qcow2", "write 0 64k", "write -z 128k 128k")
    assert not pyqio(*(word for command in commands for word in ("-c", command))).returncode
    return tmp_path


@pytest.fixture
def shown(terminal):
    """``shown("-c", "map", "x.img")`` is all that a run prints on a terminal, as it is printed."""

    def run(*arguments, **more):
        child = terminal(*arguments, **(UTF_8 | more))
        text = child.read().replace("\r\n", "\n")
        child.close()
        return text

    return run


def plain(text):
    """The text without colours, in lines."""
    return SGR.sub("", text).splitlines()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_dump_when_terminal_has_colours_then_classes_differ(shown, images, size):
    text = shown("-f", "raw", "-c", "read -v 0 512", "hello.img", size=size)

    assert plain(text)[:3] == DUMP
    assert "\x1b[0;36m48 65 6c 6c 6f 2c \x1b[32m20 \x1b[36m77" in text


@pytest.mark.parametrize(
    ("arguments", "variables", "colours", "sequences"),
    [
        ((), {}, True, True),
        ((), {"TERM": "dumb"}, False, False),
        ((), {"NO_COLOR": "1"}, False, True),
        (("--color", "never"), {}, False, False),
        (("--color=always",), {"TERM": "dumb", "NO_COLOR": "1"}, True, True),
        (("--theme", "dark"), {}, True, True),
        (("--set", "color=never"), {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_dump_when_colours_are_chosen_then_the_same_text(shown, images, arguments, variables, colours, sequences):
    text = shown(*arguments, "-f", "raw", "-c", "read -v 0 512", "hello.img", **variables)

    assert plain(text)[:3] == DUMP
    assert (bool(COLOUR.search(text)), bool(SGR.search(text))) == (colours, sequences)


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (79, "  00000000:  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a 00 ff  Hello, world!..."),
        (46, "  00000000:  48 65 6c 6c 6f 2c 20 77  Hello, w"),
        (20, "00000000 48 65 6c 6c"),
    ],
)
def test_dump_when_window_is_narrow_then_rows_are_shorter(shown, images, columns, row):
    assert plain(shown("-f", "raw", "-c", "read -v 0 512", "hello.img", size=(columns, 24)))[0] == row


def test_dump_when_output_is_a_pipe_then_as_in_qemu_io(pyqio, images):
    line = pyqio("-f", "raw", "-c", "read -v 0 16", "hello.img").stdout.splitlines()[0]

    assert line == "00000000:  48 65 6c 6c 6f 2c 20 77 6f 72 6c 64 21 0a 00 ff  Hello..world...."


def test_dump_when_colour_is_forced_on_a_pipe_then_as_on_a_terminal(pyqio, images):
    done = pyqio("--color", "always", "-f", "raw", "-c", "read -v 0 512", "hello.img")

    assert plain(done.stdout)[:3] == DUMP
    assert COLOUR.search(done.stdout)


def test_map_when_it_is_shown_then_ranges_are_drawn_to_scale(shown, images):
    assert plain(shown("-c", "map", "disk.qcow2")) == MAP


def test_map_when_it_is_a_graph_then_cells_and_a_legend(shown, images):
    lines = plain(shown("-c", "map --graph", "disk.qcow2"))

    assert (lines[0], lines[1], lines[2]) == (
        f"0x0      {'█' * 64}",
        f"0x10000  {'·' * 64}",
        f"0x20000  {'░' * 64}",
    )
    assert lines[-2:] == [
        "█ data 64 KiB   ░ zero 128 KiB   · unallocated 320 KiB",
        "A cell is 1 KiB of 512 KiB.",
    ]


def test_map_when_locale_is_not_utf_8_then_ascii_alone(shown, images):
    assert shown("-c", "map --graph", "-c", "map", "disk.qcow2", LC_ALL="C").isascii()


def test_refused_line_when_something_of_it_is_wrong_then_caret(shown, images):
    lines = plain(shown("-f", "raw", "-c", "read 0 12q", "hello.img"))

    assert lines[1:] == ["  read 0 12q", "         ^^^"]


def test_colors_when_theme_is_chosen_then_legend_in_its_colours(shown):
    text = shown("--theme", "colorblind", "-c", "colors")

    assert "\x1b[0;1;7;38;5;166mmismatch   \x1b[0m  a range in which the sides of a pair differ" in text
    assert plain(text)[-1] == "theme colorblind, color auto"


def test_start_when_dump_goes_to_a_terminal_then_rich_is_not_loaded(terminal, images, python):
    code = (
        "import sys; from pyqio.cli.main import main; main(['pyqio', '-f', 'raw', '-c', 'read -v 0 64', 'hello.img']);"
        "print('loaded:', *sorted({'rich', 'prompt_toolkit', 'asyncio'} & set(sys.modules)), '.')"
    )

    assert "loaded: ." in terminal("-c", code, program=python).read()


def test_progress_when_it_takes_long_then_bar_with_rate_and_time_and_no_trace(terminal, images):
    child = terminal("-c", "create -q -f qcow2 big.qcow2 2G", "-c", "open big.qcow2", "-c", "write -c 0 2000M", **UTF_8)
    child.expect(r"\x1b\[0;36mwrite\x1b\[0m  \[.*░+.*\].* [0-9]+%  [0-9.]+ [KMG]iB/s  [0-9]+:[0-9]{2} left")
    child.kill(signal.SIGINT)
    rest = child.read()

    assert rest.endswith("\r\x1b[K")


def test_progress_when_it_is_switched_off_or_output_is_no_terminal_then_none(pyqio, images):
    done = pyqio("-c", "create -q -f qcow2 big.qcow2 2G", "-c", "open big.qcow2", "-c", "write -c 0 20M")

    assert done.stderr == ""


def test_pager_when_output_is_taller_than_the_screen_then_less_until_it_is_left(screen, images):
    shell = screen("-f", "raw", "hello.img", LESS="", PAGER="less -SR", **UTF_8)

    shell.send("read -v 0 1k; set squeeze off\r")
    assert "* 62 equal rows, 0x20-0x3ff" in shell.wait_for("equal rows")

    shell.send("read -v 0 64k\r")
    assert shell.wait_for("000000")[0] == DUMP[0]
    shell.send("G")
    assert "64 KiB, 1 ops" in shell.wait_for("64 KiB, 1 ops")[-2]
    shell.send("q")
    shell.wait_for("pyqio>")
    assert shell.run("length")[-3:-1] == ["1 MiB", "pyqio>"]


def test_pager_when_it_is_left_early_or_interrupted_then_the_shell_goes_on(screen, images):
    shell = screen("-f", "raw", "hello.img", LESS="", PAGER="less -SR", **UTF_8)
    shell.run("set squeeze off")

    shell.send("read -v 0 1M\r")
    shell.wait_for("00000010")
    shell.send(CTRL_C)
    shell.settled()
    shell.send("q")
    shell.wait_for("pyqio>")

    assert "1 MiB" in shell.run("length")


@pytest.mark.parametrize("variables", [{"PAGER": ""}, {"PAGER": "no-such-pager"}, {"TERM": "dumb"}])
def test_pager_when_there_is_none_then_all_goes_to_the_screen(terminal, images, variables):
    child = terminal("--set", "squeeze=off", "-f", "raw", "hello.img", **(UTF_8 | variables))
    child.expect("pyqio>")
    child.sendline("read -v 0 4k")

    child.expect_exact("4 KiB, 1 ops")
    child.expect("pyqio>")


def test_resize_when_window_becomes_narrow_then_next_result_is_too(screen, images):
    shell = screen("-f", "raw", "hello.img", **UTF_8)
    assert DUMP[0] in shell.run("read -v 0 64")

    shell.resize(50, 24)

    assert "  00000000:  48 65 6c 6c 6f 2c 20 77  Hello, w" in shell.run("read -v 0 64")


def test_progress_when_ctrl_c_is_typed_in_the_shell_then_no_trace(terminal, images, pyqio):
    assert pyqio("-c", "create -q -f qcow2 big.qcow2 2G").returncode == 0
    child = terminal("big.qcow2", size=(60, 24), **UTF_8)
    child.expect(PROMPT)
    child.sendline("write -c 0 2000M")
    child.expect(r"write(?:\x1b\[0m)?  \[[^\r\n]*B/s[^\r\n]*left")
    line = SGR.sub("", child.match[0])

    child.send(CTRL_C)
    child.expect("interrupted")

    assert len(f"{line}^C") < 60
    assert re.fullmatch(r"[^\n]*\^C[^\n]*\r\x1b\[K", child.before)
