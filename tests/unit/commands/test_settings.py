"""What a user may choose."""

from __future__ import annotations

import pytest

from pyqio.commands.rejected import Rejected
from pyqio.commands.settings import SETTINGS, Settings


def test_settings_when_new_then_the_defaults():
    settings = Settings()

    assert {name: settings[name] for name in SETTINGS} == {name: s.default for name, s in SETTINGS.items()}


def test_settings_when_listed_then_in_alphabetical_order():
    assert list(SETTINGS) == sorted(SETTINGS)


@pytest.mark.parametrize(
    ("name", "value", "expected"), [("diff", "side", "side"), ("toolbar", "off", False), ("toolbar", True, True)]
)
def test_set_when_value_fits_then_it_is_in_force_and_told(name, value, expected):
    settings, told = Settings(), []
    settings.changed.append(told.append)

    settings.set(name, value)

    assert (settings[name], told) == (expected, [name])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tolbar", "off", "there is no setting 'tolbar'; did you mean toolbar?"),
        ("qqq", "off", "there is no setting 'qqq'; 'set' lists them"),
        ("toolbar", "maybe", "setting toolbar: expects 'on' or 'off', not 'maybe'"),
        ("diff", "x", "setting diff: expects one of stacked, side, not 'x'"),
        ("prompt", 5, "setting prompt: expects a string, not '5'"),
    ],
)
def test_set_when_name_or_value_is_wrong_then_says_so_and_nothing_changes(name, value, message):
    settings = Settings()

    with pytest.raises(Rejected, match="^" + message.replace("?", r"\?")):
        settings.set(name, value)

    assert all(settings[n] == s.default for n, s in SETTINGS.items())
