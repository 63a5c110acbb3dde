from __future__ import annotations

import pytest

from pyqio.shell.judge import judge


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "# nothing",
        "read 0 512",
        "read -v 0 512; length",
        "map --graph",
        "read -t qcow2-header",
        "read 0 512 > 'a b'",
        "read 0 512 | no such command",
        "! no such command",
        "open no/such/image",
        "open -o driver=qcow2,file.filename=x,l2-cache-size=1M",
        "open -o driver=qcow2,overlap-check.template=all,file.driver=file,backing.driver=raw",
        "aio_read -i 0 x",
        "write 0 512",
        "read 0x200+2*64k ($-1s)%4",
        "read bad+512 3c",
        "head 3",
        "alias tail 'read $-512 512'; tail",
        "source names.qio; whatever 1 2",
    ],
)
def test_judge_when_line_may_be_run_then_there_is_no_mistake(session, line):
    session.aliases["head"] = "read -v 0 $1s"

    assert judge(line, session) is None


@pytest.mark.parametrize(
    ("line", "message", "blamed"),
    [
        ("raed 0 512", 'command "raed" not found; did you mean read or readv?', "raed"),
        (
            "alias tail length; read 0 5z",
            "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 5z",
            "5z",
        ),
        ("length; raed 0", 'command "raed" not found; did you mean read or readv?', "raed"),
        ("read 0 5z", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 5z", "5z"),
        ("write -P 300 0 300", "300 is not a valid pattern byte", "300"),
        ("write -P300 0 512", "300 is not a valid pattern byte", "300"),
        ("open -t driect x", "Invalid cache option: driect", "driect"),
        ("open 'x", "a quote without its end", "'x"),
        ("open x\\", "a backslash at the end", "x\\"),
        ("open -o driver=qcow x", "Unknown driver 'qcow'; did you mean qcow2?", "qcow"),
        (
            "open -o driver=qcow2,l2-cache=1M x",
            "'qcow2' has no option 'l2-cache'; did you mean l2-cache-size?",
            "l2-cache",
        ),
        ("create -f qcow x 1M", "Unknown file format 'qcow'; did you mean qcow2?", "qcow"),
        ("read 0 (512+4", "Parsing error: this bracket is not closed, at character 1 -- (512+4", "(512+4"),
        ("map > ; length", "the file after '>' is missing", ">"),
        ("map > a b", "a command ends with '> a', but 'b' follows", "b"),
        ("| head", "'|' stands behind a command, and once", "|"),
        ("length 5", "bad argument count 1 to length, expected 0 arguments", "5"),
    ],
)
def test_judge_when_something_is_wrong_then_what_and_where(session, line, message, blamed):
    mistake = judge(line, session)

    assert (mistake.message, line[mistake.start : mistake.end]) == (message, blamed)


def test_judge_when_operands_are_missing_then_synopsis(session):
    assert judge("truncate -m off", session).message.startswith("usage: truncate [-m prealloc_mode] off")


def test_judge_when_option_is_unknown_then_message_and_synopsis(session):
    assert judge("read -z 0 512", session).message.startswith("read: invalid option -- 'z'; usage: read [")


def test_judge_when_same_text_is_right_elsewhere_then_the_wrong_one_is_blamed(session):
    mistake = judge("write 300 -P 300 512", session)

    assert (mistake.start, mistake.end) == (13, 16)
