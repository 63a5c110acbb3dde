from __future__ import annotations

import os

import pytest
from prompt_toolkit.input.typeahead import get_typeahead
from prompt_toolkit.keys import Keys

from pyqio.shell.input import FastInput


@pytest.fixture
def terminal():
    """A terminal whose other end is ``keyboard``."""
    keyboard, stdin = os.openpty()
    with open(stdin) as stream:
        terminal = FastInput(stream)
        terminal.keyboard = keyboard
        with terminal.raw_mode():
            yield terminal
    os.close(keyboard)


def test_keys_when_many_come_at_once_then_they_are_one_text(terminal):
    os.write(terminal.keyboard, b"x" * 40 + b"\x03" + b"length\r")

    keys = [(key.key, key.data) for key in terminal.read_keys()]

    assert keys[:2] == [(Keys.BracketedPaste, "x" * 40), (Keys.ControlC, "\x03")]
    assert "".join(data for _, data in keys[2:]) == "length\r"


@pytest.mark.parametrize(
    ("typed", "width"), [("", 0), ("len", 3), ("length\rre", 2), ("\x1b[A", 4), ("ü\u4e00", 3), ("length\r", 0)]
)
def test_take_ahead_when_something_was_typed_then_its_columns_and_the_next_line_has_it(terminal, typed, width):
    os.write(terminal.keyboard, typed.encode())

    taken = terminal.take_ahead()

    assert (taken, "".join(key.data for key in get_typeahead(terminal))) == (width, typed)
