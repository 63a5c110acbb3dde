"""The list of known differences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.base.compare import GAP
from pyqio.base.types import Run
from pyqio.verify.findings import Findings


def found(*runs):
    findings = Findings()
    findings.add(Run(*run) for run in runs)
    return findings


@pytest.mark.parametrize(
    ("runs", "kept"),
    [
        ([(0, 512), (4096, 4608)], [(0, 512), (4096, 4608)]),
        ([(4096, 4608), (0, 512)], [(0, 512), (4096, 4608)]),
        ([(0, 512), (512, 1024)], [(0, 1024)]),
        ([(0, 512), (512 + GAP - 1, 1024)], [(0, 1024)]),
        ([(0, 512), (512 + GAP, 1024)], [(0, 512), (512 + GAP, 1024)]),
        ([(0, 10), (100, 110), (200, 210), (5, 205)], [(0, 210)]),
        ([(0, 100), (10, 20)], [(0, 100)]),
    ],
)
def test_add_when_runs_are_near_then_they_are_one(runs, kept):
    assert found(*runs).runs == kept


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (0, 1000, []),
        (20, 30, [(10, 20), (30, 50), (100, 110)]),
        (0, 20, [(20, 50), (100, 110)]),
        (40, 105, [(10, 40), (105, 110)]),
        (50, 100, [(10, 50), (100, 110)]),
    ],
)
def test_forget_when_a_range_agrees_then_only_that_goes(start, end, kept):
    findings = found((10, 50), (100, 110))

    findings.forget(start, end)

    assert findings.runs == kept


def test_after_and_before_when_walked_then_each_run_comes_once():
    findings = found((10, 50), (100, 110))

    assert (findings.after(-1), findings.after(10), findings.after(100)) == ((10, 50), (100, 110), None)
    assert (findings.before(1000), findings.before(100), findings.before(10)) == ((100, 110), (10, 50), None)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 600), st.integers(1, 120)), max_size=20))
def test_runs_when_changed_at_random_then_they_cover_what_a_set_of_bytes_does(steps):
    findings, known = Findings(), set()
    for adds, start, length in steps:
        if adds:
            findings.add([Run(start, start + length)])
            known |= set(range(start, start + length))
        else:
            findings.forget(start, start + length)
            known -= set(range(start, start + length))

    covered = {byte for run in findings.runs for byte in range(*run)}

    assert known <= covered
    assert all(later.start > earlier.end for earlier, later in zip(findings.runs, findings.runs[1:], strict=False))
