"""The user's configuration: config.toml for choices, aliases and colours, rc for commands that begin a shell.

Everything in config.toml that makes no sense is told, a line each, and the rest counts.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from pyqio.base import folders
from pyqio.commands.rejected import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.session.state import Session

_LARGEST: Final = 1 << 20
"""Bytes of a configuration."""

_HEAD: Final = """\
# pyqio's configuration. Every line that is commented out shows the default.
# Options of the command line, and NO_COLOR and FORCE_COLOR, count for more.

[settings]
"""

_TAIL: Final = """
[aliases]
# Commands of your own: $1 to $9 are the arguments, $* is all of them, ${2:-512}
# is the second, or 512 without one.
# dump = "read -v $1 ${2:-512}"

[colors]
# Colours of your own; 'colors' lists what has one. bold, faint, italic,
# underline, reverse, strike; black, red, green, yellow, blue, magenta, cyan,
# white, bright-red and so on; 0 to 255; 'on' before the background.
# differ = "bold white on red"
"""


def path() -> str:
    """Where config.toml is."""
    return folders.config_file()


def load(session: Session) -> None:
    """Take over the configuration, where there is one; warn of what it has wrong."""
    name = path()
    try:
        text = _read(name)
    except FileNotFoundError:
        if os.environ.get("PYQIO_CONFIG"):
            _warn(session, name, "there is no such file, as PYQIO_CONFIG wants")
        return
    except OSError as error:
        _warn(session, name, str(error.strerror))
        return
    for problem in _take(session, text):
        _warn(session, name, problem)
    from pyqio.render.styled.theme import heed

    heed(session.settings, os.environ)


def run_rc(session: Session) -> None:
    """Run the commands that the user wants at the start of each shell.  They do not count for the exit status."""
    name = folders.config("rc")
    if os.path.exists(name):
        status = session.status
        try:
            session.scripts.source(name, stop=False)
        except Rejected as reason:
            session.warn(str(reason))
        session.status = status


def write(session: Session, target: str) -> None:
    """Write a configuration with all that there is into ``target``: "-" for standard output, "" for where it belongs.

    Raises Rejected where that is not possible, or there is such a file already.
    """
    if target == "-":
        session.environment.out(default())
        return
    from pyqio.render.names import visible

    name = target or path()
    try:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "x", encoding="utf-8") as file:
            file.write(default())
    except FileExistsError:
        raise Rejected(f"{visible(name)} is there already, and stays as it is") from None
    except OSError as error:
        raise Rejected(f"{visible(name)}: {error.strerror}") from None
    session.environment.out(f"{visible(name)} written\n")


def default() -> str:
    """A configuration with every setting, commented out."""
    return _HEAD + "\n".join(_setting_lines()) + _TAIL


def _warn(session: Session, name: str, what: str) -> None:
    # A run without a configuration, as most are, has no use for what tells of a bad one.
    from pyqio.render.names import visible

    session.warn(f"{visible(name)}: {visible(what)}")


def _setting_lines() -> Iterator[str]:
    from pyqio.base.kinds import Bool, Choice
    from pyqio.commands.settings import SETTINGS

    for setting in SETTINGS.values():
        yield f"# {setting.meaning}"
        if isinstance(setting.kind, Bool):
            yield f"# {setting.name} = {str(setting.default).lower()}\n"
        else:
            words = f"  # {', '.join(setting.kind.words)}" if isinstance(setting.kind, Choice) else ""
            yield f'# {setting.name} = "{setting.default}"{words}\n'


def _read(name: str) -> bytes:
    """The file's bytes.  Raises OSError; a pipe or a device is not waited for."""
    fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as file:
        return file.read(_LARGEST + 1)


def _take(session: Session, data: bytes) -> Iterator[str]:
    """Take everything that makes sense, and yield what is wrong with the rest."""
    import tomllib

    if len(data) > _LARGEST:
        yield f"more than {_LARGEST} bytes: none of it counts"
        return
    try:
        values = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        yield f"not TOML, so none of it counts: {error}"
        return
    sections = {"settings": _settings, "aliases": _aliases, "colors": _colors}
    for name, section in values.items():
        if name not in sections:
            yield f"there is no section [{name}], only [settings], [aliases] and [colors]"
        elif not isinstance(section, dict):
            yield f"{name} has to be a section: [{name}]"
        else:
            yield from sections[name](session, section)


def _settings(session: Session, section: Mapping[str, Any]) -> Iterator[str]:
    for name, value in section.items():
        try:
            session.settings.set(name, value)
        except Rejected as reason:
            yield str(reason)


def _aliases(session: Session, section: Mapping[str, Any]) -> Iterator[str]:
    for name, line in section.items():
        try:
            if not isinstance(line, str):
                raise Rejected(f"alias {name}: expects a string, not '{line}'")
            session.scripts.alias(name, [line])
        except Rejected as reason:
            yield str(reason)


def _colors(session: Session, section: Mapping[str, Any]) -> Iterator[str]:
    from pyqio.base.errors import UsageError
    from pyqio.commands.colors import ROLES, parameters

    for role, style in section.items():
        try:
            if role not in ROLES:
                raise UsageError("nothing has this colour; 'colors' lists what has one")
            if not isinstance(style, str):
                raise UsageError(f"expects a string, not '{style}'")
            session.settings.colors[role] = parameters(style)
        except UsageError as error:
            yield f"color {role}: {error}"
    session.choose_renderer()
