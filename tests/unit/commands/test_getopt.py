from __future__ import annotations

import pytest

from pyqio.commands import getopt
from pyqio.commands.rejected import Rejected


def taken(line, known="vqP", with_argument="P"):
    operands = []
    found = list(getopt.options(line.split(), operands, known=known, with_argument=with_argument))
    return found, operands


@pytest.mark.parametrize(
    ("line", "options", "operands"),
    [
        ("read 0 512", [], ["0", "512"]),
        ("read 0 512 -v", [("v", "")], ["0", "512"]),
        ("read 0 -v 512", [("v", "")], ["0", "512"]),
        ("read -vq 0 512", [("v", ""), ("q", "")], ["0", "512"]),
        ("read -vP0x48 0 16", [("v", ""), ("P", "0x48")], ["0", "16"]),
        ("read -P 0x48 0 16", [("P", "0x48")], ["0", "16"]),
        ("read -PP 0 4", [("P", "P")], ["0", "4"]),
        ("read -P -v 0", [("P", "-v")], ["0"]),
        ("read -v -- -1 -2", [("v", "")], ["-1", "-2"]),
        ("read - 0", [], ["-", "0"]),
        ("read -v -v", [("v", ""), ("v", "")], []),
    ],
)
def test_options_when_line_is_right_then_letters_in_order_and_operands(line, options, operands):
    assert taken(line) == (options, operands)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("read -x 0 16", "read: invalid option -- 'x'"),
        ("r -vx 0 16", "r: invalid option -- 'x'"),
        ("read --verbose 0 16", "read: invalid option -- '-'"),
        ("read 0 16 -P", "read: option requires an argument -- 'P'"),
        ("read -é 0", "read: invalid option -- '\udcc3'"),
    ],
)
def test_options_when_line_is_wrong_then_glibc_words_and_usage(line, message):
    with pytest.raises(Rejected) as caught:
        taken(line)

    assert (str(caught.value), caught.value.stderr, caught.value.usage) == (message, True, True)


def test_options_when_a_later_one_is_wrong_then_those_before_it_come_first():
    found = getopt.options(["read", "-v", "-x"], [], known="v", with_argument="")

    assert next(found) == ("v", "")
    with pytest.raises(Rejected):
        next(found)


LONG = {"--child": "--child", "--json": "J"}


def with_long(line):
    operands = []
    known = ("v", "J", "--child")
    found = list(getopt.options(line.split(), operands, known=known, with_argument=("--child",), long=LONG))
    return found, operands


@pytest.mark.parametrize(
    ("line", "options", "operands"),
    [
        ("read --child raw 0 512", [("--child", "raw")], ["0", "512"]),
        ("read 0 --child=raw -v 512", [("--child", "raw"), ("v", "")], ["0", "512"]),
        ("check --json x", [("J", "")], ["x"]),
        ("read --child= 0", [("--child", "")], ["0"]),
        ("read -- --child", [], ["--child"]),
    ],
)
def test_options_when_words_are_long_then_taken(line, options, operands):
    assert with_long(line) == (options, operands)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("read --child", "read: option '--child' requires an argument"),
        ("check --json=yes", "check: option '--json' doesn't allow an argument"),
        ("read --chil raw", "read: invalid option -- '-'"),
    ],
)
def test_options_when_a_long_word_is_wrong_then_says_so(line, message):
    with pytest.raises(Rejected, match=f"^{message}$"):
        with_long(line)


@pytest.mark.parametrize(("known", "operands"), [("v", ["-5", "-.5x"]), ("v5", [])])
def test_options_when_words_are_numbers_then_operands_unless_a_digit_is_an_option(known, operands):
    found = []
    words = ["poke", "-5", *(["--", "-.5x"] if operands else [])]

    list(getopt.options(words, found, known=known, with_argument="", numbers=True))

    assert found == operands
