"""Both sides of a pair in colour."""

from __future__ import annotations

import re

import pytest

from pyqio.base.types import Run
from pyqio.commands.results import Diff
from pyqio.render import diff as plain
from pyqio.render.styled.diff import diff_lines
from pyqio.render.styled.theme import THEMES, UNCOLORED, Theme
from pyqio.verify.difference import Part

RAW = bytes(range(64))
TEST = RAW[:20] + b"\xff\xfe" + RAW[22:]
SEQUENCE = re.compile("\x1b\\[[0-9;]*m")


def diff(raw: bytes = RAW, test: bytes = TEST, **more) -> Diff:
    return Diff(raw="raw.img", test="test.qcow2", offset=0, length=64, parts=[Part(0, 64, raw, test)], **more)


def unstyled(lines) -> list[str]:
    return [SEQUENCE.sub("", line) for line in lines]


@pytest.mark.parametrize("theme", [*THEMES.values(), UNCOLORED])
@pytest.mark.parametrize("side", [False, True])
def test_lines_then_text_is_the_plain_one_without_marks(theme, side):
    result = diff(side=side, run=Run(20, 22), number=1, count=2)

    lines = unstyled(diff_lines(result, theme, 160))

    assert lines == [line for line in plain.diff_lines(result) if "^" not in line]


@pytest.mark.parametrize("side", [False, True])
def test_lines_when_nothing_can_be_styled_then_plain(side):
    assert list(diff_lines(diff(side=side), Theme(), 160)) == list(plain.diff_lines(diff(side=side)))


def test_lines_then_differing_bytes_are_in_reverse_in_both_panes():
    row = next(line for line in diff_lines(diff(), UNCOLORED, 80) if "T" in SEQUENCE.sub("", line)[:1])

    assert row.count("\x1b[0;7m") == 2
    assert "\x1b[0;7mff fe\x1b[0m" in row
    assert "\x1b[0;7m..\x1b[0m" in row


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_lines_when_the_window_is_narrow_then_rows_fit(columns):
    lines = unstyled(diff_lines(diff(), THEMES["ansi"], columns))

    assert max(len(line) for line in lines if not line.startswith("*")) <= columns


def test_lines_when_a_side_has_ended_then_said_in_its_row():
    lines = unstyled(diff_lines(diff(raw=b"", test=b"x" * 64), UNCOLORED, 80))

    assert lines[0] == "R 00000000:  past its end"
    assert lines[1].startswith("T 00000000:  78 78")
