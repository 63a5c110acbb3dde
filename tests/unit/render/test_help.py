from __future__ import annotations

from pyqio.commands import index
from pyqio.commands.help import overview, subject
from pyqio.commands.results import Helped, HelpedAll
from pyqio.render.help import lines


def text_of(result, *, own=True):
    return "".join(lines(result, own=own))


def test_overview_when_own_then_groups_fit_a_terminal():
    text = text_of(overview())

    assert text.startswith("Reading and writing:\n  read          reads a number of bytes")
    assert "\nTopics:\n" in text
    assert max(map(len, text.splitlines())) < 80


def test_overview_when_qemus_then_no_headings():
    text = text_of(HelpedAll(groups=[("", index.every(own=False))]), own=False)

    assert text.startswith("abort -- simulate a program crash")
    assert text.endswith("\nUse 'help commandname' for extended help.\n")


def test_command_when_alias_was_asked_for_then_says_what_it_is():
    text = text_of(subject("q"))

    assert text.startswith("q -- exit the program\n\n The same as: quit\n See also: exit-status, help, ")


def test_command_when_qemus_then_nothing_of_pyqios_own():
    text = text_of(Helped(name="read", spec=index.find("read")), own=False)

    assert "See also" not in text
    assert " -v, -- dump buffer to standard output\n" in text
