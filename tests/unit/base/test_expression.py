from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyqio.base.errors import UsageError
from pyqio.base.expression import CLUSTER, ExpressionError, evaluate, is_name
from pyqio.base.units import INT64_MAX

KNOWN = {".": 0x1200, "$": 1 << 20, CLUSTER: 65536, "bad": 1024, "k": 7}


def look_up(name):
    if name not in KNOWN:
        raise UsageError(f"there is no mark '{name}'")
    return KNOWN[name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("512", 512),
        ("0x400+2*64k", 0x400 + 2 * 65536),
        ("(1+2)*3", 9),
        ("1+2*3", 7),
        ("10-2-3", 5),
        ("-1+2", 1),
        ("--5", 5),
        ("2*-3+7", 1),
        ("7/2", 3),
        ("7%4", 3),
        ("1s", 512),
        ("0x10s", 8192),
        ("3c", 3 * 65536),
        ("0x3c", 0x3C),
        ("0x1b", 0x1B),
        ("1.5k", 1536),
        ("1.+1", 2),
        (".", 0x1200),
        (".+1s", 0x1400),
        ("$-1s", (1 << 20) - 512),
        ("$/2", 1 << 19),
        ("bad", 1024),
        ("bad+k", 1031),
        (" ( bad + 1 ) * 2 ", 2050),
        ("1E", 1 << 60),
        ("0x7fffffffffffffff", INT64_MAX),
        ("12E-1-4E", INT64_MAX),
        ("(" * 32 + "1" + ")" * 32, 1),
    ],
)
def test_evaluate_when_well_formed_then_its_value(text, value):
    assert evaluate(text, look_up) == value


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("", 0, "a number is missing"),
        ("   ", 3, "a number is missing"),
        ("1+", 2, "a number is missing"),
        ("0x400+*2", 6, "a number is missing"),
        ("()", 1, "a number is missing"),
        ("(1+2", 0, "this bracket is not closed"),
        ("(1 2)", 3, "an operator is missing"),
        ("1 2", 2, "an operator is missing"),
        ("1+2)", 3, "nothing was opened that ')' closes"),
        ("2(3)", 1, "an operator is missing"),
        ("12x", 0, "not a number, and not an operator"),
        ("1+0x", 2, "not a number, and not an operator"),
        ("1+#", 2, "not a number, and not an operator"),
        (".5k", 0, "not a number, and not an operator"),
        ("$1", 0, "not a number, and not an operator"),
        ("..", 0, "not a number, and not an operator"),
        ("1+nosuch", 2, "there is no mark 'nosuch'"),
        ("4/(2-2)", 1, "division by zero"),
        ("4%0", 1, "division by zero"),
        ("1+0.5", 2, "a part of a byte"),
        ("1.5s", 0, "a part of a byte"),
        ("1-2", 0, "the result is negative: -1"),
        ("8E", 0, f"the result is too large: {1 << 63}"),
        ("1+17E", 2, "the number is too large"),
        ("8E*8E", 2, "more than 64 bits"),
        ("99999999999999999s", 0, "more than 64 bits"),
        ("(" * 33 + "1" + ")" * 33, 32, "more than 32 brackets within one another"),
        ("\u0661+1", 0, "not a number, and not an operator"),
    ],
)
def test_evaluate_when_it_has_no_value_then_says_what_is_wrong_and_where(text, at, what):
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, look_up)

    assert (caught.value.at, caught.value.what) == (at, what)


def test_evaluate_when_text_is_endless_then_refused():
    with pytest.raises(ExpressionError, match="more than 512 characters"):
        evaluate("1+" * 300 + "1", look_up)


def test_evaluate_when_result_is_larger_than_wanted_then_refused():
    with pytest.raises(ExpressionError, match="too large: 10"):
        evaluate("5+5", look_up, largest=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", True), ("bad_1", True), ("_", True)]
    + [(text, False) for text in ("", "1", "1s", ".", "$", "a.b", "a b", "a-b", "\u00e9")],
)
def test_is_name_when_asked_then_letters_digits_and_underscores(text, expected):
    assert is_name(text) is expected


def number(value):
    return st.sampled_from([str(value), hex(value), f"({value})"])


def combined(inner):
    joined = st.builds("{}{}{}".format, inner, st.sampled_from(["+", "-", "*", " + ", " - "]), inner)
    divided = st.builds("({}){}{}".format, inner, st.sampled_from("/%"), st.integers(1, 200).flatmap(number))
    return joined | divided | st.builds("({})".format, inner) | st.builds("-{}".format, inner)


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.integers(0, 255).flatmap(number), combined, max_leaves=7))
def test_evaluate_when_arithmetic_then_as_python_does_it(text):
    # 2^62 keeps the result positive: no product of seven such numbers reaches it.
    assert evaluate(f"4E+({text})", look_up) == (1 << 62) + eval(text.replace("/", "//"))


def place_of_failure(text):
    """Where ``text`` is wrong, 0 where it is not."""
    try:
        assert 0 <= evaluate(text, look_up) <= INT64_MAX
    except ExpressionError as error:
        return error.at
    return 0


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789abcxskMEG.$+-*/%() ", max_size=40) | st.text(max_size=20))
def test_evaluate_when_anything_is_typed_then_a_number_or_a_reason_with_a_place(text):
    assert 0 <= place_of_failure(text) <= len(text)
