from __future__ import annotations

import pytest

from pyqio.commands import index
from pyqio.commands.groups import GROUPS
from pyqio.commands.help import HelpSubject, overview, subject
from pyqio.commands.rejected import Rejected
from pyqio.commands.settings import SETTINGS
from pyqio.commands.topics import TOPICS

OWN = [spec for spec in index.every() if spec.own]


def test_overview_when_asked_for_then_has_every_command_and_topic():
    found = overview()

    assert sorted(spec.name for _, specs in found.groups for spec in specs) == [spec.name for spec in index.every()]
    assert [name for name, _ in found.topics] == list(TOPICS)


def test_subject_when_alias_is_given_then_the_command_with_its_relatives():
    found = subject("r")

    assert (found.name, found.spec.name, found.group) == ("r", "read", "Reading and writing")
    assert {"sizes", "write"} <= set(found.see_also)
    assert "read" not in found.see_also


def test_subject_when_setting_is_given_then_the_topic_on_settings():
    assert subject("squeeze").name == "settings"


def test_subject_when_group_is_given_then_that_group_alone():
    assert [title for title, _ in subject("images").groups] == ["Images"]


@pytest.mark.parametrize(("typed", "meant"), [("raed", "read"), ("sises", "sizes"), ("sqeeze", "squeeze")])
def test_subject_when_misspelled_then_names_what_is_near(typed, meant):
    with pytest.raises(Rejected, match=rf"no help on '{typed}'; did you mean .*\b{meant}\b"):
        subject(typed)


def test_subjects_when_listed_then_none_hides_another():
    commands = set(index.MODULES)

    groups = {group.word for group in GROUPS}
    assert commands & (groups | TOPICS.keys()) == set()
    assert groups & (TOPICS.keys() | SETTINGS.keys()) == set()
    assert TOPICS.keys() & SETTINGS.keys() == set()


def test_help_subject_when_completed_then_commands_and_topics():
    assert {"sizes", "sleep", "snapshot"} <= set(HelpSubject().complete("s"))


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("quit", "exit the program"), ("json", "results for machines"), ("images", "Images"), ("pager", "a setting")],
)
def test_help_subject_when_offered_then_says_what_it_is(value, meaning):
    assert HelpSubject().meaning(value) == meaning


@pytest.mark.parametrize("spec", OWN, ids=lambda spec: spec.name)
def test_help_when_command_is_pyqios_own_then_there_is_an_example(spec):
    assert "Example" in spec.about
    assert spec.name in spec.about
