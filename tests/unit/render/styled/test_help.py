"""What stands out in help."""

from __future__ import annotations

import pytest

from pyqio.commands import index
from pyqio.commands import results as r
from pyqio.render.help import lines
from pyqio.render.styled.help import help_lines
from pyqio.render.styled.theme import Theme

THEME = Theme(heading="<h>", name="<n>", reset="</>")
EVERY = [
    *(r.Helped(name=spec.name, spec=spec) for spec in index.every()),
    r.HelpedAll(groups=[("All", index.every())], topics=[("sizes", "numbers")]),
]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("Images:\n", "<h>Images:</>\n"),
        (" Example:\n", "<h> Example:</>\n"),
        ("  remove_break  removes a breakpoint\n", "  <n>remove_break</>  removes a breakpoint\n"),
        ("  -o, --output path\n", "  <n>-o, --output path</>\n"),
        ("  -l len            length\n", "  <n>-l len</>            length\n"),
        ("                    and more of it\n", "                    and more of it\n"),
        (" 'read 0 1' - dumps  bytes\n", " 'read 0 1' - dumps  bytes\n"),
        ("\x1b[2J\n", "\\x1b[2J\n"),
    ],
)
def test_help_lines_when_line_is_a_heading_or_has_a_name_then_it_stands_out(text, drawn):
    assert "".join(help_lines(r.HelpedTopic(name="x", summary="", text=text), THEME)) == drawn


@pytest.mark.parametrize("result", EVERY, ids=lambda result: getattr(result, "name", "all"))
def test_help_lines_when_theme_is_empty_then_plain_text(result):
    assert "".join(help_lines(result, Theme())) == "".join(lines(result, own=True))
