from __future__ import annotations

import pytest

from pyqio.commands import index, rejected
from pyqio.commands.rejected import did_you_mean, near


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("raed", ["read", "readv"]), ("exit", ["quit"]), ("hexdump", ["read"]), ("qqqq", [])],
)
def test_near_when_a_command_is_not_known_then_what_may_have_been_meant(typed, meant):
    assert near(typed, [name for name in index.MODULES if len(name) > 1]) == meant


def test_near_when_the_word_of_elsewhere_is_not_among_the_known_then_what_is_spelled_alike():
    assert near("exit", ["exist", "quilt"]) == ["exist"]


def test_near_when_words_of_elsewhere_are_listed_then_they_lead_to_commands_and_are_none():
    assert set(rejected._ELSEWHERE.values()) <= index.MODULES.keys()
    assert rejected._ELSEWHERE.keys() & index.MODULES.keys() == set()


@pytest.mark.parametrize(("word", "told"), [("aple", "; did you mean apple?"), ("x", "")])
def test_did_you_mean_when_asked_then_ends_the_message(word, told):
    assert did_you_mean(word, ["apple", "pear"]) == told
