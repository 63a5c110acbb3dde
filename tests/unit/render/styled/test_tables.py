"""Tables and named values in the width of a window."""

from __future__ import annotations

import pytest

from pyqio.commands.results import Column, Table
from pyqio.render.styled.tables import facts_lines, table_lines
from pyqio.render.styled.theme import Theme

PLAIN = Theme()
MARKED = Theme(offset="<o>", heading="<h>", ok="<ok>", name="<n>", dim="<d>", reset="</>")
COLUMNS = (Column("name"), Column("at", "offset"), Column("state", "style"), Column("size", "size"))
TABLE = Table(
    name="t",
    columns=COLUMNS,
    rows=[("disk", 512, "ok", 1 << 20), ("a-name-that-is-rather-long.img", 0, "other", None)],
    note="2 rows",
)


def test_table_lines_when_it_fits_then_columns_stand_below_one_another():
    assert list(table_lines(TABLE, PLAIN, 80)) == [
        "name                               at  state   size\n",
        "disk                            0x200  ok     1 MiB\n",
        "a-name-that-is-rather-long.img    0x0  other\n",
        "2 rows\n",
    ]


def test_table_lines_when_window_is_narrower_then_longest_text_is_folded():
    rows = [(1, "write -P 0x22 1M 64k", "[0x100000, 0x110000)", "ok"), (2, "flush", "", "ok")]
    columns = (Column("number", "number"), Column("operation"), Column("touched_range"), Column("outcome", "style"))

    assert list(table_lines(Table(name="t", columns=columns, rows=rows), PLAIN, 45)) == [
        "number  operation      touched range  outcome\n",
        "     1  write -P 0x22  [0x100000,     ok\n",
        "        1M 64k         0x110000)\n",
        "     2  flush                         ok\n",
    ]


def test_table_lines_when_folding_is_not_enough_then_blank_columns_go_and_long_words_give_up_their_middle():
    columns = (Column("path"), Column("role"), Column("size", "size"), Column("file"))
    rows = [("test.file", "", 1 << 20, "blkverify:reference.img:test.qcow2")]

    assert list(table_lines(Table(name="t", columns=columns, rows=rows), PLAIN, 36)) == [
        "path        size  file\n",
        "test.file  1 MiB  blkveri...st.qcow2\n",
    ]


def test_table_lines_when_headings_are_long_then_they_are_folded_too():
    table = Table(name="t", columns=(Column("a_rather_long_heading"), Column("n", "number")), rows=[("x", 1)])

    assert list(table_lines(table, PLAIN, 15)) == ["a rather\n", "long heading  n\n", "x             1\n"]


def test_table_lines_when_nothing_more_gives_way_then_a_line_for_each_value():
    assert "".join(table_lines(TABLE, PLAIN, 20)) == (
        "name: disk\nat: 0x200\nstate: ok\nsize: 1 MiB\n"
        "\nname: a-name-that-is-rather-long.img\nat: 0x0\nstate: other\nsize:\n2 rows\n"
    )


def test_table_lines_when_theme_has_colours_then_words_of_the_theme_have_their_own():
    assert "".join(table_lines(TABLE.replace(rows=TABLE.rows[:1], note="n"), MARKED, 80)) == (
        "<h>name</>  <h>   at</>  <h>state</>  <h> size</>\ndisk  <o>0x200</>  <ok>ok   </>  1 MiB\n<d>n</>\n"
    )


def test_table_lines_when_there_are_very_many_rows_then_each_is_a_line():
    table = Table(name="t", columns=(Column("n", "number"), Column("text")), rows=[(1, "a b")] * 1000, note="end")

    assert list(table_lines(table, PLAIN, 4)) == ["n  text\n", *["1  a b\n"] * 1000, "end\n"]


@pytest.mark.parametrize(("empty", "lines"), [("none yet", ["none yet\n"]), ("", [""])])
def test_table_lines_when_there_is_no_row_then_the_word_for_that(empty, lines):
    assert list(table_lines(Table(name="t", columns=COLUMNS, rows=[], empty=empty), PLAIN, 80)) == lines


def test_table_lines_when_text_comes_from_outside_then_nothing_acts_on_the_terminal():
    table = Table(name="t", columns=(Column("name"),), rows=[("[red]\x1b[31m",), ("盘.img",)])

    assert list(table_lines(table, PLAIN, 80)) == ["name\n", "[red]\\x1b[31m\n", "盘.img\n"]


def test_facts_lines_when_values_are_nested_then_each_level_has_its_column():
    values = {"format": "qcow2", "cluster-size": 65536, "bitmaps": [{"name": "b\n", "in-use": True}]}

    assert "".join(facts_lines(values, PLAIN)) == (
        "format        qcow2\ncluster size  65536\nbitmaps\n  [0]\n    name    b\\n\n    in use  true\n"
    )


def test_facts_lines_when_theme_has_colours_then_names_stand_out():
    assert list(facts_lines({"a": 1, "b": {"c": 2}}, MARKED)) == ["<n>a</>  1\n", "<h>b</>\n", "  <n>c</>  2\n"]
