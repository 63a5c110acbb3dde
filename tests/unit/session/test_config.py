from __future__ import annotations

import os

import pytest

from pyqio.commands.rejected import Rejected
from pyqio.commands.settings import SETTINGS
from pyqio.render.styled.theme import THEMES, chosen
from pyqio.session import config


@pytest.fixture
def configured(record, tmp_path, monkeypatch):
    """``configured(text)`` starts a session with this config.toml; gives it, and what it was warned of."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("PYQIO_CONFIG", "c.toml")

    def start(text):
        (tmp_path / "c.toml").write_bytes(text)
        recorder = record()
        config.load(recorder.session)
        return recorder, recorder.run()[1].replace("pyqio: warning: c.toml: ", "").splitlines()

    return start


def test_config_when_it_is_right_then_it_holds(configured):
    recorder, warnings = configured(
        b'[settings]\ndiff = "side"\nsafe = true\nbanner = "off"\n[aliases]\nlen = "length; length"\n'
    )

    settings = recorder.session.settings
    assert (settings["diff"], settings["safe"], settings["banner"], warnings) == ("side", True, False, [])
    assert recorder.session.aliases == {"len": "length; length"}


def test_config_when_parts_are_wrong_then_a_line_each_and_the_rest_counts(configured):
    recorder, warnings = configured(
        b'[settings]\ncolr = "x"\ndiff = "wide"\ntheme = 3\nsafe = true\n'
        b'[aliases]\nread = "length"\nx = 3\ny = "read \'"\n[foo]\n'
    )

    assert warnings == [
        "there is no setting 'colr'; did you mean color?",
        "setting diff: expects one of stacked, side, not 'wide'",
        "setting theme: expects one of ansi, dark, light, colorblind, not '3'",
        "'read' is a command: an alias needs a name of its own",
        "alias x: expects a string, not '3'",
        "a quote without its end: '",
        "there is no section [foo], only [settings], [aliases] and [colors]",
    ]
    assert recorder.session.settings["safe"] is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[settings\n", "not TOML, so none of it counts: "),
        (b"\xff\n", "not TOML, so none of it counts: "),
        (b"\0" * 100, "not TOML, so none of it counts: "),
        (b"a = " + b"[" * 100000, "not TOML, so none of it counts: "),
        (b"a = " + b"9" * 10000, "not TOML, so none of it counts: "),
        (b"#" * (1 << 20) + b"\n", "more than 1048576 bytes: none of it counts"),
        (b"settings = 3\n", "settings has to be a section: [settings]"),
        (b'"\\u001b[31m" = 3\n', "there is no section [\\x1b[31m], only [settings], [aliases] and [colors]"),
    ],
    ids=range(8),
)
def test_config_when_it_is_no_configuration_then_one_line(configured, text, reason):
    warnings = configured(text)[1]

    assert (len(warnings), warnings[0][: len(reason)]) == (1, reason)


def test_config_when_there_is_none_then_not_a_word(record, tmp_path, monkeypatch):
    monkeypatch.delenv("PYQIO_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    recorder = record()
    config.load(recorder.session)

    assert recorder.run() == ("", "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nosuch", "there is no such file, as PYQIO_CONFIG wants"), (".", "Is a directory")],
)
def test_config_when_the_named_one_cannot_be_read_then_told(record, monkeypatch, name, reason):
    monkeypatch.setenv("PYQIO_CONFIG", name)
    recorder = record()
    config.load(recorder.session)

    assert recorder.run() == ("", f"pyqio: warning: {name}: {reason}\n")


def test_config_when_it_is_a_pipe_then_not_waited_for(record, tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("PYQIO_CONFIG", "pipe")
    recorder = record()
    config.load(recorder.session)

    assert recorder.run() == ("", "")


def test_default_when_all_its_lines_count_then_they_are_the_defaults(configured):
    lines = [line.removeprefix("# ") for line in config.default().splitlines()]
    text = "\n".join(line for line in lines if " = " in line or line.startswith("["))
    recorder, warnings = configured(text.encode())

    assert warnings == []
    assert {name: recorder.session.settings[name] for name in SETTINGS} == {
        s.name: s.default for s in SETTINGS.values()
    }
    assert recorder.session.aliases == {"dump": "read -v $1 ${2:-512}"}
    assert recorder.session.settings.colors == {"differ": "1;37;41"}


def test_write_when_there_is_one_then_it_stays(record, tmp_path):
    recorder = record()
    target = str(tmp_path / "new" / "c.toml")

    config.write(recorder.session, target)
    with pytest.raises(Rejected, match="is there already, and stays as it is"):
        config.write(recorder.session, target)

    assert (tmp_path / "new" / "c.toml").read_text() == config.default()


def test_rc_when_it_fails_then_told_and_the_session_has_not_failed(record, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pyqio").mkdir()
    (tmp_path / "pyqio" / "rc").write_text("alias len length\nnosuch\n")
    recorder = record()
    config.run_rc(recorder.session)

    assert recorder.run() == ("", f'command "nosuch" not found ({tmp_path}/pyqio/rc:2)\n')
    assert (recorder.session.status, recorder.session.aliases) == (0, {"len": "length"})


def test_config_when_it_has_colors_then_they_are_the_themes(configured):
    recorder, warnings = configured(
        b'[colors]\nraw = "bold bright-green"\ntest = "208 on 17"\ndim = ""\nfoo = "red"\nok = "reddish"\nbad = 3\n'
        b'heading = "on on red"\n'
    )

    settings = recorder.session.settings
    theme = chosen(settings, {"TERM": "xterm"}, terminal=True)
    assert (theme.raw, theme.test, theme.dim) == ("\x1b[0;1;92m", "\x1b[0;38;5;208;48;5;17m", "\x1b[0m")
    assert theme.offset == THEMES["ansi"].offset
    assert [warning[:40] for warning in warnings] == [
        "color foo: nothing has this colour; 'col",
        "color ok: 'reddish' is none of bold, fai",
        "color bad: expects a string, not '3'",
        "color heading: 'on' is none of bold, fai",
    ]


def test_config_when_no_color_is_wanted_then_its_own_are_not_shown(configured):
    recorder, _ = configured(b'[colors]\nraw = "red"\n')

    assert chosen(recorder.session.settings, {"TERM": "xterm", "NO_COLOR": "1"}, terminal=True).raw != "\x1b[0;31m"
