"""Whether there is colour, and which."""

from __future__ import annotations

import pytest

from pyqio.commands.settings import Settings
from pyqio.render.styled.theme import THEMES, UNCOLORED, Theme, between, chosen, heed

XTERM = {"TERM": "xterm-256color"}
PLAIN = Theme()
ANSI = THEMES["ansi"]


@pytest.mark.parametrize(
    ("color", "environ", "terminal", "theme"),
    [
        ("auto", XTERM, True, ANSI),
        ("auto", XTERM, False, PLAIN),
        ("auto", {"TERM": "dumb"}, True, PLAIN),
        ("auto", {}, True, PLAIN),
        ("auto", XTERM | {"NO_COLOR": "1"}, True, UNCOLORED),
        ("auto", XTERM | {"NO_COLOR": ""}, True, ANSI),
        ("auto", {"TERM": "dumb", "NO_COLOR": "1"}, True, PLAIN),
        ("auto", XTERM | {"FORCE_COLOR": "1"}, False, ANSI),
        ("auto", XTERM | {"FORCE_COLOR": "0"}, False, PLAIN),
        ("auto", XTERM | {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, PLAIN),
        ("always", {"TERM": "dumb", "NO_COLOR": "1"}, False, ANSI),
        ("never", XTERM | {"FORCE_COLOR": "1"}, True, PLAIN),
    ],
)
def test_chosen_when_setting_environment_and_terminal_are_given_then_first_word_counts(color, environ, terminal, theme):
    settings = Settings()
    settings.set("color", color)

    assert chosen(settings, environ, terminal=terminal) == theme


@pytest.mark.parametrize("name", THEMES)
def test_chosen_when_theme_is_named_then_that_one(name):
    settings = Settings()
    settings.set("theme", name)

    assert chosen(settings, XTERM, terminal=True) == THEMES[name]


@pytest.mark.parametrize(
    ("environ", "color"), [({"NO_COLOR": "1"}, "auto"), ({"FORCE_COLOR": "1"}, "auto"), ({}, "always")]
)
def test_heed_when_configuration_wants_colour_then_environment_counts_for_more(environ, color):
    settings = Settings()
    settings.set("color", "always")

    heed(settings, environ)

    assert settings["color"] == color


@pytest.mark.parametrize("theme", [UNCOLORED, *THEMES.values()])
def test_theme_when_it_is_none_but_empty_then_every_role_starts_from_nothing(theme):
    assert {style[:3] for style in vars(theme).values()} == {"\x1b[0"}


def test_theme_when_it_is_for_the_colorblind_then_differences_are_reverse():
    assert ";7" in THEMES["colorblind"].mismatch + THEMES["colorblind"].differ


@pytest.mark.parametrize(
    ("before", "after", "sequence"),
    [
        (ANSI.printable, ANSI.high, "\x1b[33m"),
        (THEMES["dark"].printable, THEMES["dark"].high, "\x1b[38;5;221m"),
        (ANSI.nul, ANSI.high, ANSI.high),
        (ANSI.high, ANSI.nul, ANSI.nul),
        ("", ANSI.high, ANSI.high),
        (UNCOLORED.nul, UNCOLORED.high, "\x1b[0m"),
    ],
)
def test_between_when_only_the_colour_changes_then_nothing_is_reset(before, after, sequence):
    assert between(before, after) == sequence


def test_paint_when_there_is_no_style_then_text_alone():
    assert (Theme().paint("", "x"), ANSI.paint(ANSI.bad, "x"), ANSI.paint(ANSI.bad, "")) == (
        "x",
        "\x1b[0;1;31mx\x1b[0m",
        "",
    )
