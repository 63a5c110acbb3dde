from __future__ import annotations

import re

import pytest

from pyqio.base.types import Role
from pyqio.block import registry
from pyqio.commands import index
from pyqio.commands.settings import SETTINGS
from pyqio.commands.shapes import SHAPES
from pyqio.commands.topics import TOPICS


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_topic_when_shown_then_fits_a_terminal_and_has_an_example(topic):
    text = topic.text()

    assert [line for line in text.splitlines() if len(line) > 79 or line != line.rstrip()] == []
    assert re.search(r"^Examples?:\n ", text, re.MULTILINE)
    assert not re.search(r"@[A-Z]+@", text)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_topic_when_it_names_commands_then_there_are_such(topic):
    assert [name for name in topic.commands if index.find(name) is None] == []


def test_json_when_shown_then_has_every_object():
    text = TOPICS["json"].text()

    assert [shape.type for shape in SHAPES if f"\n  {shape.type} " not in text] == []


def test_settings_when_shown_then_has_every_setting():
    text = TOPICS["settings"].text()

    assert [name for name in SETTINGS if f"\n  {name} " not in text] == []


def test_protocols_when_shown_then_has_every_driver():
    text = TOPICS["protocols"].text()

    drivers = {driver.name: driver.role for driver in registry.every()}
    assert [name for name in drivers if f"\n  {name} " not in text] == []
    assert Role.PROTOCOL in drivers.values()
