"""Tables and named values as text."""

from __future__ import annotations

import pytest

from pyqio.commands.results import Column, Table
from pyqio.render.tables import facts_lines, table_lines

COLUMNS = (Column("node"), Column("host_offset", "offset"), Column("size", "size"), Column("read_only", "flag"))


def test_table_lines_when_there_are_rows_then_columns_stand_below_one_another():
    table = Table(name="t", columns=COLUMNS, rows=[("raw", 512, 1 << 20, True), ("test.file", 1 << 33, None, False)])

    assert "".join(table_lines(table)) == (
        "node       host offset   size  read only\n"
        "raw              0x200  1 MiB  yes\n"
        "test.file  0x200000000         no\n"
    )


def test_table_lines_when_there_is_no_row_then_the_word_for_that():
    assert "".join(table_lines(Table(name="t", columns=COLUMNS, rows=[], empty="nothing yet"))) == "nothing yet\n"


def test_table_lines_when_there_is_a_note_then_it_is_the_last_line():
    table = Table(name="t", columns=(Column("n", "number"), Column("took", "seconds")), rows=[(1, 0.5)], note="1 more")

    assert list(table_lines(table)) == ["n      took\n", "1  0.500000\n", "1 more\n"]


def test_table_lines_when_text_would_act_on_a_terminal_then_it_is_escaped():
    table = Table(name="t", columns=(Column("name"),), rows=[("\x1b[31m",), ("盘",)])

    assert list(table_lines(table)) == ["name\n", "\\x1b[31m\n", "盘\n"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"l2_entry": 5, "copied": True}, "l2 entry: 5\ncopied: true\n"),
        ({"bits": ["a", {"x": 1}]}, "bits:\n    [0]: a\n    [1]:\n        x: 1\n"),
    ],
)
def test_facts_lines_when_values_are_nested_then_indented(values, text):
    assert "".join(facts_lines(values)) == text
