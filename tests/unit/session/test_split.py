from __future__ import annotations

import pytest

from pyqio.commands.rejected import Rejected
from pyqio.session.split import split


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("", []),
        ("  \t ", []),
        ("# all of it", []),
        ("read 0 512", [["read", "0", "512"]]),
        ("\tread\t0  512 ", [["read", "0", "512"]]),
        ("length; read 0 1;;info ;", [["length"], ["read", "0", "1"], ["info"]]),
        ("length\nread 0 1\n# no\ninfo", [["length"], ["read", "0", "1"], ["info"]]),
        ("open 'a b' # c; d", [["open", "a b"]]),
        ("open a#b", [["open", "a#b"]]),
        ("open ''", [["open", ""]]),
        ('open "it\'s" \'say "x"\'', [["open", "it's", 'say "x"']]),
        (r"open a\ b \;c \"d", [["open", "a b", ";c", '"d']]),
        (r"open 'a\b' " + r'"c\"d\\"', [["open", "a\\b", 'c"d\\']]),
        ("open pre'mid'post", [["open", "premidpost"]]),
        ("open 'a;b#c'", [["open", "a;b#c"]]),
    ],
)
def test_split_when_text_is_right_then_commands_of_words(text, commands):
    assert split(text) == commands


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("open 'a b", "a quote without its end: 'a b"),
        ('read 0 1; open "a', 'a quote without its end: "a'),
        ("open a\\", "a backslash at the end: \\"),
    ],
)
def test_split_when_something_is_left_open_then_rejected(text, message):
    with pytest.raises(Rejected) as caught:
        split(text)

    assert str(caught.value) == message
