"""The diagnosis of a mismatch in colour."""

from __future__ import annotations

import pytest

from pyqio.base.types import Run
from pyqio.render.mismatch import report
from pyqio.render.styled.mismatch import mismatch_lines
from pyqio.render.styled.theme import THEMES, Theme
from pyqio.verify.diagnosis import Diagnosis, Excerpt, Holding, Step
from pyqio.verify.hints import Hint

DIAGNOSIS = Diagnosis(
    operation="read",
    offset=0,
    length=4096,
    message="contents mismatch at offset 1024",
    runs=(Run(1024, 1536),),
    run_count=1,
    byte_count=512,
    sector_count=1,
    end=1536,
    alignment="512-aligned",
    sides=(
        Holding("raw", "raw.img", "file", "all 0xcd", "", (Step("", "raw.img", "file", True, 1024, "data", ""),)),
        Holding("test", "t.qcow2", "qcow2", "all zero", "", (Step("", "t", "qcow2", False, 1024, "unallocated", ""),)),
    ),
    excerpt=Excerpt(1008, b"\xcd" * 32, b"\xcd" * 16 + bytes(16)),
    hints=(Hint("zeroed", "the test side has nothing allocated here"),),
    report="/x/1.json",
)


def test_lines_when_there_is_no_colour_then_as_plain_text() -> None:
    assert list(mismatch_lines(DIAGNOSIS, Theme(), 80)) == list(report(DIAGNOSIS))


def test_lines_when_there_is_colour_then_marked_by_reverse_video() -> None:
    theme = THEMES["ansi"]

    lines = list(mismatch_lines(DIAGNOSIS, theme, 80))

    assert (
        lines[0] == f"{theme.bad}blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2{theme.reset}"
    )
    assert theme.differ in lines[5]
    assert "^^" not in "".join(lines)
    assert lines[-2] == f"  {theme.hint}hint: the test side has nothing allocated here{theme.reset}"


@pytest.mark.parametrize("columns", [20, 40, 60, 79])
def test_lines_when_the_window_is_narrow_then_they_fit(columns) -> None:
    lines = list(mismatch_lines(DIAGNOSIS, Theme(), columns))

    assert max(len(line) for line in lines if "/x/1.json" not in line) <= columns


@pytest.mark.parametrize("columns", [60, 120])
def test_lines_when_the_window_has_another_width_then_no_word_is_lost(columns) -> None:
    shown = " ".join(" ".join(mismatch_lines(DIAGNOSIS, Theme(), columns)).split())

    assert "read sector_num=0 nb_sectors=8 contents mismatch in sector 2" in shown
    assert "pyqio explore /x/1.json" in shown
