"""Whatever is typed, the shell has something to say of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pyqio.commands import index
from pyqio.session.environment import Environment
from pyqio.session.state import Session
from pyqio.shell.candidates import candidates
from pyqio.shell.judge import judge
from pyqio.shell.spans import spans

WORDS = st.sampled_from(
    [
        *index.MODULES,
        "-",
        "--",
        "-P",
        "--child=",
        "-o",
        "driver=qcow2,",
        "file.",
        "json:{'a':{",
        "blkverify:",
        "0x1",
        "$",
    ]
)
LINES = st.lists(WORDS | st.sampled_from(list(";|>!#'\"\\ \n")) | st.text(max_size=3), max_size=8).map(" ".join)
SESSION = Session(Environment())


@settings(max_examples=150, deadline=None)
@given(LINES | st.text(max_size=20))
def test_line_when_it_is_anything_then_it_is_coloured_judged_and_completed(line):
    coloured = "".join(text for _, text in spans(line, SESSION))
    mistake = judge(line, SESSION)
    offered = list(candidates(line, SESSION))

    assert coloured == line
    assert mistake is None or 0 <= mistake.start <= mistake.end <= len(line)
    assert all(candidate.replaced <= len(line) for candidate in offered)
