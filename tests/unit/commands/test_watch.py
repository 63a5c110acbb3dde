"""watch, time, timing and set."""

from __future__ import annotations

import pytest


def test_watch_when_no_terminal_then_each_run_has_a_heading(raw):
    printed = raw.run("watch -n 0.1 -c 2 alloc 0 16")

    alloc = "16/16 bytes allocated at offset 0 bytes\n"
    assert printed == (f"every 0.1 s: alloc 0 16, 1\n{alloc}every 0.1 s: alloc 0 16, 2\n{alloc}", "")


def test_watch_when_a_line_is_given_then_all_of_it(raw):
    assert raw.run("watch -c 1 'length; length' | grep -c MiB") == ("2\n", "")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("watch -n x length", "pyqio: 'x' is no number of seconds from 0.1 to 86400\n"),
        ("watch -n nan length", "pyqio: 'nan' is no number of seconds from 0.1 to 86400\n"),
        ("watch -c 0 length", "pyqio: '0' is no number from 1 to 999999999\n"),
        ("timing maybe", "pyqio: expects 'on' or 'off', not 'maybe'\n"),
        ("watch -x length", "watch: invalid option -- 'x'\n"),
    ],
)
def test_watch_when_wrong_then_told(raw, line, told):
    assert raw.run(line)[1] == told


def test_time_when_a_command_is_given_then_its_seconds_follow(raw):
    printed, told = raw.run("time length")

    assert (printed.splitlines()[0], printed.splitlines()[1][:9], told) == ("1 MiB", "seconds: ", "")


def test_time_when_the_command_fails_then_so_does_it(raw):
    assert not raw.session.run_line("time nosuch")


def test_timing_when_on_then_after_each_command(raw):
    printed = raw.run("timing on", "length; length", "timing off", "length", "timing")[0].splitlines()

    assert [line.split(":")[0] for line in printed] == [
        *["1 MiB", "seconds"] * 2, "seconds", "1 MiB", "timing is off",
    ]  # fmt: skip


def test_set_when_nothing_is_named_then_all_settings(raw):
    lines = raw.run("set")[0].splitlines()

    assert lines[0].split() == ["name", "value", "meaning"]
    assert [line.split()[:2] for line in lines if line.startswith(("diff", "safe"))] == [
        ["diff", "stacked"], ["safe", "off"],
    ]  # fmt: skip


def test_set_when_a_value_is_given_then_it_holds(raw):
    raw.run("set diff side", "set safe on")

    assert raw.run("set diff")[0].splitlines()[1].split()[:2] == ["diff", "side"]
    assert raw.session.settings["safe"] is True


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("set dif", "pyqio: there is no setting 'dif'; did you mean diff?\n"),
        ("set xyzzy 1", "pyqio: there is no setting 'xyzzy'; 'set' lists them\n"),
        ("set diff wide", "pyqio: setting diff: expects one of stacked, side, not 'wide'\n"),
        ("set safe maybe", "pyqio: setting safe: expects 'on' or 'off', not 'maybe'\n"),
    ],
)
def test_set_when_wrong_then_told(raw, line, told):
    assert raw.run(line) == ("", told)


def test_safe_when_there_is_no_terminal_then_nothing_is_asked(raw):
    assert raw.run("set safe on", "write -q 0 512") == ("", "")
