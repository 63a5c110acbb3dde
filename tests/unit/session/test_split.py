from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.commands.rejected import Rejected
from pyqio.session.split import Step, quoted, split


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
    assert split(text) == [Step(words) for words in commands]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("read 0 1 | head -1; echo 'x", [Step(["read", "0", "1"], "|", "head -1; echo 'x")]),
        ("map|wc -l\nlength", [Step(["map"], "|", "wc -l"), Step(["length"])]),
        ("map | a || b", [Step(["map"], "|", "a || b")]),
        ("map > out.txt", [Step(["map"], ">", "out.txt")]),
        ("map>out.txt;length", [Step(["map"], ">", "out.txt"), Step(["length"])]),
        ("map >> 'my out' # all", [Step(["map"], ">>", "my out")]),
        ("open a\\>b 'c|d' \"e>f\"", [Step(["open", "a>b", "c|d", "e>f"])]),
        ("!ls -l; echo 'x", [Step([], "!", "ls -l; echo 'x")]),
        ("length; ! ls | wc\nlength", [Step(["length"]), Step([], "!", "ls | wc"), Step(["length"])]),
        ("open a!b", [Step(["open", "a!b"])]),
        ("'!ls'", [Step(["!ls"])]),
    ],
)
def test_split_when_output_or_line_is_the_hosts_then_steps_say_so(text, steps):
    assert split(text) == steps


@given(st.text(alphabet="ab $*\\\"'#;|>!\n\r\t\0\ud800", max_size=30))
def test_split_when_anything_is_typed_then_steps_or_one_reason(text):
    assert all(step.words or step.sign == "!" for step in steps_of(text))


def steps_of(text):
    """The steps of a line, none for one that is rejected."""
    try:
        return split(text)
    except Rejected as reason:
        assert reason.prefixed
        return []


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_quoted_when_words_are_split_again_then_the_same(words):
    assert split(" ".join(map(quoted, words))) == [Step(words)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("open 'a b", "a quote without its end: 'a b"),
        ('read 0 1; open "a', 'a quote without its end: "a'),
        ("open a\\", "a backslash at the end: a\\"),
        ("map |", "the command after '|' is missing"),
        ("map > ; length", "the file after '>' is missing"),
        ("map >>", "the file after '>>' is missing"),
        ("! ", "the command after '!' is missing"),
        ("| head", "'|' stands behind a command, and once: | head"),
        ("map > a > b", "'>' stands behind a command, and once: map > a > b"),
        ("map > a b", "a command ends with '> a', but 'b' follows"),
    ],
)
def test_split_when_something_is_left_open_then_rejected(text, message):
    with pytest.raises(Rejected) as caught:
        split(text)

    assert str(caught.value) == message
