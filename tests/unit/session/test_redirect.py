"""Output into files and into the host's commands, and such commands alone."""

from __future__ import annotations

import os

import pytest


def test_redirect_when_output_goes_to_a_file_then_all_of_it(raw, tmp_path):
    printed = raw.run("length > out.txt; length >> out.txt; length", "read -v 0 16 > 'my dump'")

    assert printed == ("1 MiB\n", "")
    assert (tmp_path / "out.txt").read_text() == "1 MiB\n1 MiB\n"
    assert (tmp_path / "my dump").read_text().startswith("00000000:  cd cd")


def test_redirect_when_command_fails_then_its_message_is_on_stderr_and_the_session_failed(raw, tmp_path):
    printed = raw.run("nosuch > out.txt")

    assert printed == ("", 'command "nosuch" not found\n')
    assert ((tmp_path / "out.txt").read_text(), raw.session.status) == ("", 1)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("length > nowhere/out", "pyqio: nowhere/out: No such file or directory\n"),
        ("length > .", "pyqio: .: Is a directory\n"),
        ("length > /dev/full", "pyqio: /dev/full: No space left on device\n"),
        ("length | exit 3", "pyqio: exit status 3 of: exit 3\n"),
        ("!exit 4", "pyqio: exit status 4 of: exit 4\n"),
        ("!kill -9 $$", "pyqio: ended by signal SIGKILL: kill -9 $$\n"),
        ("length > 'a\0b'", "pyqio: a\\x00b: a name has no NUL byte\n"),
        ("!true \0", "pyqio: the host's shell: a name has no NUL byte\n"),
        ("!true " + 200000 * "x", "pyqio: the host's shell: Argument list too long\n"),
        ("| head", "pyqio: '|' stands behind a command, and once: | head\n"),
    ],
)
def test_redirect_when_it_fails_then_one_line_and_the_session_failed(raw, line, told):
    assert raw.run(line) == ("", told)
    assert (raw.session.status, raw.run("length")) == (1, ("1 MiB\n", ""))


def test_pipe_when_host_reads_all_then_what_it_makes_of_it_stands_in_its_place(raw):
    assert raw.run("length; length | tr M m; cat", "length") == ("1 MiB\n1 miB\n1 MiB\n", "")


def test_pipe_when_host_stops_reading_then_the_command_stops_and_nothing_failed(raw):
    printed = raw.run("read -v 0 1M | head -1; echo $?")

    assert printed == (f"00000000:  {'cd ' * 16} {'.' * 16}\n0\n", "")
    assert raw.session.status == 0


def test_host_when_it_is_called_then_on_the_sessions_streams_and_in_order(raw):
    assert raw.run("length; ! echo one; echo two >&2", "length") == ("1 MiB\none\n1 MiB\n", "two\n")


def test_host_when_its_output_is_diverted_through_an_alias_then_into_the_file(raw, tmp_path):
    raw.run("alias hello '!echo hello'", "hello you > out.txt")

    assert (tmp_path / "out.txt").read_text() == "hello you\n"


def test_pipe_when_many_were_run_then_no_descriptor_is_left(raw):
    raw.run("length | cat > /dev/null")
    before = os.listdir("/proc/self/fd")
    raw.run(*["length | cat > /dev/null", "length > /dev/null", "!true"] * 3)

    assert os.listdir("/proc/self/fd") == before


def test_tee_when_on_then_both_streams_go_to_the_file_without_escapes(raw, tmp_path):
    raw.run("tee log.txt", "length", "nosuch", "length > /dev/null")
    raw.session.environment.out("\x1b[1;31mred\x1b[0m \x1b]0;title\x07text\n")
    printed = raw.run("tee off", "length")

    assert (tmp_path / "log.txt").read_text() == '1 MiB\ncommand "nosuch" not found\nred text\n'
    assert printed == ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07text\n1 MiB\n", "")


def test_tee_when_appended_then_former_lines_stay(raw, tmp_path):
    raw.run("tee log.txt", "length", "tee -a log.txt", "length", "tee off")

    assert (tmp_path / "log.txt").read_text() == "1 MiB\n1 MiB\n"


def test_tee_when_the_file_takes_no_more_then_told_once(raw):
    printed = raw.run("tee /dev/full", "length", "length")

    assert printed == ("1 MiB\n1 MiB\n", "pyqio: /dev/full: No space left on device: nothing more goes there\n")


def test_tee_when_the_file_cannot_be_opened_then_told(raw):
    assert raw.run("tee nowhere/x") == ("", "pyqio: nowhere/x: No such file or directory\n")


def test_captured_when_output_has_no_end_then_what_prints_it_is_stopped(raw):
    environment = raw.session.environment
    raw.run("length")
    with environment.captured() as printed:
        raw.session.run_line("length")
        raw.session.run_line("nosuch")
        raw.session.run_line("!echo hello")
        raw.session.run_line("read -v 0 1M")
    shown = raw.run("length")

    assert printed.startswith(b'1 MiB\ncommand "nosuch" not found\nhello\n00000000:  cd cd')
    assert 1 << 20 < len(printed) < 2 << 20
    assert shown == ("1 MiB\n", "")
