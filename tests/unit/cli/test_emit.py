from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pyqio.block import registry
from pyqio.cli.emit import completions, files
from pyqio.cli.emit.tables import spellings
from pyqio.cli.options import OPTIONS, SHELLS
from pyqio.commands import index, surroundings
from pyqio.commands.settings import SETTINGS
from pyqio.commands.shapes import SHAPES
from tests.oracle.conftest import find_oracle

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("name", "text"), list(files()), ids=lambda value: value.splitlines()[0])
def test_files_when_tables_have_changed_then_they_are_written_again(name, text):
    assert (ROOT / name).read_text() == text, "run python -m pyqio.cli.emit"


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_when_script_is_written_then_it_has_every_option_and_command(shell):
    script = completions(shell)

    assert [option.name for option in OPTIONS if option.name not in script] == []
    assert [spec.name for spec in index.every() if spec.name not in script] == []


@pytest.mark.parametrize(
    "check",
    [
        ("bash", "-n", "completions/pyqio.bash"),
        ("zsh", "-n", "completions/_pyqio"),
        ("fish", "-n", "completions/pyqio.fish"),
        ("shellcheck", "completions/pyqio.bash"),
        ("shellcheck", ".ci/run"),
        ("mandoc", "-T", "lint", "-W", "warning", "man/pyqio.1"),
        ("mandoc", "-T", "lint", "-W", "warning", "man/pyqio.7"),
    ],
    ids=" ".join,
)
def test_files_when_their_own_tools_read_them_then_nothing_is_said(check):
    done = subprocess.run([find_oracle(check[0]), *check[1:]], cwd=ROOT, capture_output=True, text=True)

    said = [line for line in done.stdout.splitlines() if "outdated mandoc.db" not in line]
    assert (said, done.returncode) == ([], 0)


@pytest.fixture(scope="module")
def manual():
    """The page as a terminal of 200 columns shows it, without overstriking."""
    command = [find_oracle("mandoc"), "-T", "utf8", "-O", "width=200", ROOT / "man" / "pyqio.1"]
    page = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return subprocess.run(["col", "-b"], input=page, check=True, capture_output=True, text=True).stdout


def test_manual_when_it_is_shown_then_it_has_every_option(manual):
    assert [s for option in OPTIONS for s in spellings(option) if s not in manual] == []


def test_manual_when_it_is_shown_then_it_has_every_command_with_its_flags(manual):
    commands = manual.partition("\nCOMMANDS\n")[2].partition("\nDRIVERS\n")[0]
    missing = [spec.name for spec in index.every() if f"\n     {spec.name}" not in commands]
    options = (option for spec in index.every() for option in spec.options.values())
    flags = [word for option in options for word in option.flag.spellings if f" {word}" not in commands]

    assert (missing, flags) == ([], [])


def test_manual_when_it_is_shown_then_it_has_every_driver(manual):
    drivers = manual.partition("\nDRIVERS\n")[2]

    assert [driver.name for driver in registry.every() if f"\n     {driver.name}" not in drivers] == []


def test_manual_when_it_is_shown_then_it_has_settings_variables_and_objects(manual):
    names = [*SETTINGS, *surroundings.ENVIRONMENT, *(shape.type for shape in SHAPES)]

    assert [name for name in names if f"\n     {name}" not in manual] == []
