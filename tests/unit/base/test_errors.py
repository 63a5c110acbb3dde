"""Words for what went wrong."""

from __future__ import annotations

import os

import pytest

from pyqio.base.errors import reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere/x", "No such file or directory"),
        ("a\0b", "a name has no NUL byte"),
        ("\ud800", "not a name in this locale"),
    ],
)
def test_reason_when_a_file_cannot_be_opened_then_why(name, words):
    with pytest.raises((OSError, ValueError)) as caught:
        os.stat(name)

    assert reason(caught.value) == words
