from __future__ import annotations

import pytest

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

    assert text.startswith("q\n\n exit the program\n\n The same as: quit\n See also: exit-status, help, ")


@pytest.mark.parametrize("spec", index.every(), ids=lambda spec: spec.name)
def test_command_when_own_then_fits_a_terminal(spec):
    text = text_of(subject(spec.name))

    assert [line for line in text.splitlines() if len(line) > 79 or line != line.rstrip()] == []
    assert "\n\n\n" not in text


def test_command_when_there_are_options_then_their_meanings_stand_below_one_another():
    text = text_of(subject("verify"))

    assert "\n  --strict          sides that are not equally long differ\n" in text
    assert "\n  -y, --yes         repair without asking\n" in text


def test_command_when_examples_are_long_then_each_begins_a_line():
    text = text_of(subject("alias"))

    assert (
        "\n 'alias dump read -v $1 ${2:-512}' - then 'dump 0x400' reads 512 bytes there,\n 'dump 0x400 1k' more\n"
        in text
    )
    assert "\n 'alias' - lists them" in text


def test_command_when_qemus_then_nothing_of_pyqios_own():
    text = text_of(Helped(name="read", spec=index.find("read")), own=False)

    assert "See also" not in text
    assert " -v, -- dump buffer to standard output\n" in text
