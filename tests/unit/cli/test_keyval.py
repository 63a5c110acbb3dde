from __future__ import annotations

import pytest

from pyqio.cli.keyval import BadPairs, parse


@pytest.mark.parametrize(
    ("text", "values", "helps"),
    [
        ("", {}, False),
        ("secret", {"type": "secret"}, False),
        ("secret,id=s,", {"type": "secret", "id": "s"}, False),
        ("type=secret,id=s,id=t", {"type": "secret", "id": "t"}, False),
        ("x,a=1,,2,b==", {"type": "x", "a": "1,2", "b": "="}, False),
        ("x,a=,b=c", {"type": "x", "a": "", "b": "c"}, False),
        ("x,a.b=1,a.c.d=2", {"type": "x", "a": {"b": "1", "c": {"d": "2"}}}, False),
        ("help", {}, True),
        ("x,?", {"type": "x"}, True),
        ("x,help=on", {"type": "x", "help": "on"}, False),
    ],
)
def test_parse_when_text_is_right_then_its_values(text, values, helps):
    assert parse(text, "type") == (values, helps)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,a", "Expected '=' after parameter 'a'"),
        ("x,,a=b", "Invalid parameter ''"),
        ("x,=b", "Invalid parameter ''"),
        ("x,.a=b", "Invalid parameter '.a'"),
        ("x,a..b=b", "Invalid parameter 'a..b'"),
        ("x,1a=b", "Invalid parameter '1a'"),
        ("x,a=1,a.b=2", "Parameters 'a.*' used inconsistently"),
        ("x,a.b.c=1,a.b=2", "Parameters 'a.b.*' used inconsistently"),
    ],
)
def test_parse_when_text_is_wrong_then_qemus_words(text, message):
    with pytest.raises(BadPairs) as caught:
        parse(text, "type")

    assert str(caught.value) == message
