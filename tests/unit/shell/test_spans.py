from __future__ import annotations

import pytest

from pyqio.shell.spans import spans


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("read", ["command"]),
        ("rea", ["plain"]),
        ("raed", ["error"]),
        ("rea 0", ["error", "plain", "number"]),
        ("read -v 0x200 4k", ["command", "plain", "flag", "plain", "number", "plain", "number"]),
        ("read -z", ["command", "plain", "error"]),
        ("write -zu 0", ["command", "plain", "flag", "plain", "number"]),
        ("open -r x.img", ["command", "plain", "flag", "plain", "path"]),
        ("open 'x y", ["command", "plain", "string"]),
        ("length; length # x", ["command", "sign", "plain", "command", "plain", "comment"]),
        ("time read 0", ["command", "plain", "command", "plain", "number"]),
        ("length|cat", ["command", "sign", "outside"]),
    ],
)
def test_spans_when_line_is_given_then_what_its_parts_are(session, line, expected):
    assert [kind for kind, _ in spans(line, session)] == expected


@pytest.mark.parametrize("line", ["", "  read\t0 # x ", "a\nb", "\x00\udcff'", "read 0 \\"])
def test_spans_when_put_together_then_the_line(session, line):
    assert "".join(text for _, text in spans(line, session)) == line
