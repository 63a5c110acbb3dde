"""checkup: what pyqio finds around itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pyqio
from pyqio.commands.command import Command, command
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 says what pyqio finds around itself: versions, extras, files, the terminal,
 what the file system of the working directory can do, and QEMU's tools

 Example:
 'checkup' - lists all of it; what is wrong fails the command
"""

_PRIVATE: Final = 0o077
"""Permissions of others, which what a session leaves behind does not give."""
_SECONDS: Final = 5

_LIBRARIES: Final = {"prompt_toolkit": "the shell", "rich": "tables on a terminal"}
_EXTRAS: Final = {
    "cryptography": ("crypto", "encrypted images"),
    "backports.zstd": ("zstd", "zstd-compressed clusters"),
}
_TOOLS: Final = ("qemu-io", "qemu-img")
_VARIABLES: Final = ("NO_COLOR", "FORCE_COLOR", "PAGER", "EDITOR")


class _Row(NamedTuple):
    """``ok``: None where what is missing is not needed."""

    part: str
    name: str
    found: str
    ok: bool | None = True


_COLUMNS: Final = (Column("part"), Column("name"), Column("ok", "flag"), Column("found"))


@command(
    "checkup", summary="says what is there: versions, files, terminal, host", about=_ABOUT, needs_image=False, own=True
)
class Checkup(Command):
    """Look around."""

    def run(self, context: Context) -> Iterator[Result]:
        """A row for each thing that is looked at."""
        rows = [*_versions(), *_files(), *_terminal(context), *_host(), *_tools()]
        yield Table(name="checkup", columns=_COLUMNS, rows=[(row.part, row.name, row.ok, row.found) for row in rows])
        if wrong := [row.name for row in rows if row.ok is False]:
            raise Rejected(f"not as it should be: {', '.join(wrong)}", prefixed=True)


def _versions() -> Iterator[_Row]:
    yield _Row("version", "pyqio", pyqio.__version__)
    yield _Row("version", "python", sys.version.partition(" ")[0])
    for name, purpose in _LIBRARIES.items():
        version = _version_of(name)
        yield _Row("version", name, version or f"missing: {purpose} needs it", ok=bool(version))
    for name, (extra, purpose) in _EXTRAS.items():
        version = _version_of(name)
        if not version and name == "backports.zstd" and sys.version_info >= (3, 14):
            version = "part of Python"
        missing = f"missing: {purpose} need it, pip install 'pyqio[{extra}]'"
        yield _Row("extra", name, version or missing, ok=True if version else None)


def _version_of(package: str) -> str:
    """As its installer knows it, without loading it; "" where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _files() -> Iterator[_Row]:
    from pyqio.base import folders

    yield _file("config.toml", folders.config_file(), private=False)
    yield _file("rc", folders.config("rc"), private=False)
    if history := folders.history_file():
        yield _file("history", history, private=True)
    for name in ("journal", "reports"):
        yield _file(name, folders.state(name), private=True)


def _file(name: str, path: str, *, private: bool) -> _Row:
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return _Row("file", name, f"{path}: not there", ok=None)
    except OSError as error:
        return _Row("file", name, f"{path}: {error.strerror}", ok=False)
    if not os.access(path, os.R_OK):
        return _Row("file", name, f"{path}: cannot be read", ok=False)
    if private and not os.access(path, os.W_OK):
        return _Row("file", name, f"{path}: cannot be written", ok=False)
    if private and mode & _PRIVATE:
        return _Row("file", name, f"{path}: others may read it, chmod go= helps", ok=False)
    return _Row("file", name, path)


def _terminal(context: Context) -> Iterator[_Row]:
    terminal = context.terminal
    yield _Row("terminal", "interactive", "yes" if terminal.interactive else "no")
    yield _Row("terminal", "TERM", os.environ.get("TERM") or "not set")
    yield _Row("terminal", "size", f"{terminal.columns}x{terminal.rows}")
    encoding = sys.getfilesystemencoding()
    yield _Row("terminal", "encoding", encoding, ok=True if encoding == "utf-8" else None)
    yield _Row("terminal", "color", f"{context.settings['color']}, theme {context.settings['theme']}")
    for name in _VARIABLES:
        if value := os.environ.get(name):
            yield _Row("terminal", name, value)


def _host() -> Iterator[_Row]:
    from pyqio.drivers.posix.facilities import facilities

    try:
        folder = os.getcwd()
        yield _Row("host", "working directory", folder)
        for name, works, missing in facilities(folder):
            yield _Row("host", name, works or f"not here: {missing}", ok=True if works else None)
    except OSError as error:
        yield _Row("host", "file system", f"no file can be made in the working directory: {error.strerror}", ok=None)


def _tools() -> Iterator[_Row]:
    from shutil import which

    for name in _TOOLS:
        path = which(name)
        if path is None:
            yield _Row("tool", name, "not found: tests that compare with it are skipped", ok=None)
        else:
            yield _Row("tool", name, _first_line(path))


def _first_line(path: str) -> str:
    """What a program says of its version."""
    from subprocess import DEVNULL, SubprocessError, run

    try:
        done = run([path, "--version"], stdin=DEVNULL, capture_output=True, timeout=_SECONDS, check=True)
    except (OSError, SubprocessError) as error:
        return f"{path}: --version fails: {error}"
    return done.stdout.decode(errors="replace").partition("\n")[0]
