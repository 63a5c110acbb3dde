"""The legend of the colours."""

from __future__ import annotations

from pyqio.commands.colors import ROLES
from pyqio.render.styled.theme import Theme


def test_colors_when_there_is_a_role_then_it_is_explained():
    assert [*ROLES, "reset"] == list(Theme.fields())


def test_colors_when_it_runs_then_a_line_for_each_role(raw):
    lines = raw.run("colors")[0].splitlines()

    assert [line.split()[0] for line in lines] == ["role", *ROLES, "theme"]
