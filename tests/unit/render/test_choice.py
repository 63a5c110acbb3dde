"""Who shows the results."""

from __future__ import annotations

import pytest

from pyqio.commands.settings import Settings
from pyqio.render.choice import choose


class Output:
    columns = 80
    err_is_terminal = is_unseen = False

    def __init__(self, is_terminal):
        self.is_terminal = is_terminal


@pytest.mark.parametrize(
    ("own", "terminal", "chosen", "environ", "name"),
    [
        (True, True, {}, {}, "Styled"),
        (True, False, {}, {}, "Plain"),
        (False, True, {}, {"FORCE_COLOR": "1"}, "Plain"),
        (True, True, {"format": "plain"}, {}, "Plain"),
        (True, False, {"format": "table"}, {}, "Styled"),
        (True, True, {"format": "json"}, {}, "Json"),
        (True, False, {"color": "always"}, {}, "Styled"),
        (True, True, {"color": "never"}, {}, "Styled"),
        (True, False, {}, {"FORCE_COLOR": "1"}, "Styled"),
        (True, False, {}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, "Plain"),
    ],
)
def test_choose_when_session_is_given_then_its_renderer(own, terminal, chosen, environ, name, monkeypatch):
    for variable in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    for setting, value in chosen.items():
        settings.set(setting, value)

    assert type(choose(Output(terminal), "pyqio", settings, own=own)).__name__ == name
