from __future__ import annotations

import pytest

from pyqio.cli.options import OPTIONS, WrongUsage, parse


def taken(line):
    operands = []
    found = [(option.name, argument) for option, argument in parse(line.split(" "), operands, own=False)]
    return found, operands


@pytest.mark.parametrize(
    ("line", "options", "operands"),
    [
        ("x.img -r -c quit", [("read-only", ""), ("cmd", "quit")], ["x.img"]),
        ("-rcquit x.img", [("read-only", ""), ("cmd", "quit")], ["x.img"]),
        ("--cmd=quit --cm quit", [("cmd", "quit"), ("cmd", "quit")], []),
        ("--cmd= -", [("cmd", "")], ["-"]),
        ("--no --i -- -r --x", [("nocache", ""), ("image-opts", "")], ["-r", "--x"]),
        ("--aio native -Tx", [("aio", "native"), ("trace", "x")], []),
    ],
)
def test_parse_when_line_is_right_then_options_in_order(line, options, operands):
    assert taken(line) == (options, operands)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-x", "invalid option -- 'x'"),
        ("-rx", "invalid option -- 'x'"),
        ("-X", "invalid option -- 'X'"),
        ("--source x", "unrecognized option '--source'"),
        ("-c", "option requires an argument -- 'c'"),
        ("--cmd", "option '--cmd' requires an argument"),
        ("--foo=1", "unrecognized option '--foo=1'"),
        ("--help=1", "option '--help' doesn't allow an argument"),
        ("--f=1", "option '--f=1' is ambiguous; possibilities: '--format' '--force-share'"),
        ("--c", "option '--c' is ambiguous; possibilities: '--cmd' '--copy-on-read' '--cache'"),
        ("--n", "option '--n' is ambiguous; possibilities: '--nocache' '--native-aio'"),
    ],
)
def test_parse_when_line_is_wrong_then_glibcs_words(line, message):
    with pytest.raises(WrongUsage) as caught:
        taken(line)

    assert str(caught.value) == message


def test_options_when_listed_then_qemu_ios_letters_each_once():
    letters = [option.letter for option in OPTIONS if option.letter and not option.own]

    assert sorted(letters) == sorted("hVcfrsnCmkidtTU")
