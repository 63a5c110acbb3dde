from __future__ import annotations

from itertools import pairwise

import pytest

from pyqio.session.tokens import tokens


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  ", []),
        ("read 0 512", [("word", "read"), ("word", "0"), ("word", "512")]),
        ("a;b\nc", [("word", "a"), ("end", ";"), ("word", "b"), ("end", "\n"), ("word", "c")]),
        ("a # b; c\nd", [("word", "a"), ("comment", "# b; c"), ("end", "\n"), ("word", "d")]),
        ("a#b", [("word", "a#b")]),
        ("'a b'\"c d\"\\ e", [("word", "a bc d e")]),
        (r'"a\"b\\"', [("word", 'a"b\\')]),
        ("open 'a b", [("word", "open"), ("open", "a b")]),
        ('open ra"a \\" b', [("word", "open"), ("open", 'raa " b')]),
        ("open x\\", [("word", "open"), ("open", "x")]),
        ("a | b 'c; d\ne", [("word", "a"), ("sign", "|"), ("outside", " b 'c; d"), ("end", "\n"), ("word", "e")]),
        ("!a; b", [("sign", "!"), ("outside", "a; b")]),
        ("a; !b", [("word", "a"), ("end", ";"), ("sign", "!"), ("outside", "b")]),
        ("a !b", [("word", "a"), ("word", "!b")]),
        ("a>b >> c", [("word", "a"), ("sign", ">"), ("word", "b"), ("sign", ">>"), ("word", "c")]),
        ("a |", [("word", "a"), ("sign", "|")]),
    ],
)
def test_tokens_when_line_is_given_then_kinds_and_texts(line, expected):
    assert [(token.kind, token.text) for token in tokens(line)] == expected


@pytest.mark.parametrize("line", ["read  0 'x y' # z", "a|b;c\n!d", "x 'y", "\x00\udcff \\\n;"])
def test_tokens_when_put_together_then_nothing_but_blanks_is_left_out(line):
    found = list(tokens(line))

    gaps = [line[one.end : other.start] for one, other in pairwise(found)]
    assert (found[0].start, found[-1].end, "".join(gaps).strip()) == (0, len(line), "")
