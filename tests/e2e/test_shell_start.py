"""What stands between the command line and the first prompt."""

from __future__ import annotations

import pexpect
import pytest

from tests.e2e.conftest import PROMPT
from tests.e2e.test_start import HEAVY

MOST = 150
"""Modules at the first prompt, on a pair, beside those of a bare interpreter; 133 when this was written."""

WATCH = """
import sys
bare = set(sys.modules)
from pyqio.shell import opening
first = opening.typed_ahead
def watched(stdin):
    loaded.append(set(sys.modules) - bare)
    return first(stdin)
loaded = []
opening.typed_ahead = watched
from pyqio.cli.main import main
sys.argv[0] = "pyqio"
main()
for name, modules in ("before", loaded[0]), ("after", sys.modules):
    with open(name, "w") as out:
        print(*sorted(modules), file=out)
"""


@pytest.fixture
def loaded(terminal, damaged_pair, python, tmp_path):
    """The modules that are loaded when the first prompt is drawn, and in the end."""
    child = terminal("-c", WATCH, damaged_pair, program=python)
    child.expect(PROMPT)
    child.send("length\r")
    child.expect_exact("64 KiB")
    child.send("quit\r")
    child.expect(pexpect.EOF)
    return [set((tmp_path / name).read_text().split()) for name in ("before", "after")]


def test_start_when_first_prompt_is_drawn_then_little_is_loaded(loaded):
    before, _ = loaded

    assert {name.partition(".")[0] for name in before} & HEAVY == set()
    assert len(before) <= MOST


def test_start_when_a_session_is_over_then_what_it_did_not_need_is_not_loaded(loaded):
    _, after = loaded

    assert {name.partition(".")[0] for name in after} & {"rich", "pygments", "tomllib", "html"} == set()
    assert "prompt_toolkit" in after
