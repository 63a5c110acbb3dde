from __future__ import annotations

import pytest
from prompt_toolkit.output import ColorDepth

from pyqio.shell.style import looks


@pytest.fixture
def settings(session, monkeypatch):
    """The settings of a session on a terminal with colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return session.settings


def colour(style, name):
    return style.get_attrs_for_style_str(f"class:{name}").color


def test_looks_when_terminal_has_colours_then_those_of_the_theme(settings):
    style, depth = looks(settings)

    assert (colour(style, "error"), colour(style, "flag"), depth) == ("ansired", "ansicyan", None)


def test_looks_when_theme_changes_then_other_colours(settings):
    before, _ = looks(settings)
    settings.set("theme", "dark")
    after, _ = looks(settings)

    assert colour(before, "error") != colour(after, "error")


@pytest.mark.parametrize(("setting", "variables"), [("never", {}), ("auto", {"NO_COLOR": "1"})])
def test_looks_when_colour_is_not_wanted_then_there_is_none(settings, monkeypatch, setting, variables):
    settings.set("color", setting)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    style, depth = looks(settings)

    assert {colour(style, name) for name in ("error", "flag", "string", "completion-menu")} <= {"", "default"}
    assert depth is ColorDepth.DEPTH_1_BIT
    assert style.get_attrs_for_style_str("class:completion-menu.completion.current").reverse


def test_looks_when_colour_is_always_wanted_then_no_color_does_not_count(settings, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    settings.set("color", "always")

    style, depth = looks(settings)

    assert (colour(style, "error"), depth) == ("ansired", None)
