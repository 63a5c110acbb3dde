"""README's examples are run, so what it shows is what happens."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from pyqio.block import registry
from pyqio.cli.emit.tables import spellings
from pyqio.cli.options import OPTIONS
from pyqio.commands import index, surroundings
from pyqio.commands.settings import SETTINGS
from tests.e2e.conftest import PYQIO

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TIME = re.compile(r"\d[:.\d]* sec \(.*\)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
COMMAND = re.compile(r"^\$ ", re.MULTILINE)


def blocks(language):
    """The contents of README's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def steps():
    """Every ``$ command`` of README's console blocks with the output shown below it."""
    return [tuple(step.partition("\n")[::2]) for block in blocks("console") for step in COMMAND.split(block)[1:]]


def as_pattern(shown):
    """A regular expression for an output as README shows it: times vary, and [...] leaves lines out."""
    parts = [re.escape(TIME.sub("TIME", part)) for part in shown.split("[...]\n")]
    return "(?:.*\n)*".join(parts)


def test_readme_when_console_examples_are_typed_then_output_is_what_it_shows(tmp_path, environment):
    seen = []
    for command, _ in steps():
        env = environment | {"PATH": f"{PYQIO.parent}:{environment['PATH']}", "XDG_STATE_HOME": ""}
        merged = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        done = subprocess.run(command, shell=True, cwd=tmp_path, env=env, text=True, timeout=60, **merged)
        seen.append((command, TIME.sub("TIME", done.stdout)))

    wrong = [
        f"$ {command}\n{output}"
        for (command, output), (_, shown) in zip(seen, steps(), strict=True)
        if not re.fullmatch(as_pattern(shown), output)
    ]
    assert len(seen) > 5
    assert wrong == []


def test_readme_when_library_example_is_run_then_it_works(tmp_path, environment, python):
    example = "\n".join(blocks("python"))

    done = subprocess.run([python, "-c", example], cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert (done.stderr, done.returncode) == ("", 0)
    assert "differ" in done.stdout


def test_readme_when_something_can_be_typed_then_its_tables_have_it():
    commands = [spec.name for spec in index.every()]
    drivers = [driver.name for driver in registry.every()]
    options = [spelling for option in OPTIONS for spelling in spellings(option)]

    assert [name for name in commands + drivers if f"`{name}`" not in README] == []
    assert [name for name in options if f"`{name}`" not in README and f"`{name} " not in README] == []


def test_readme_when_its_tree_is_read_then_it_is_that_of_the_checkout():
    floors = {path.parent.name for path in (ROOT / "pyqio").glob("*/__init__.py")}
    tests = {path.name for path in (ROOT / "tests").iterdir() if next(path.glob("**/*.py"), None)}
    tree = set(re.findall(r"^ +(\w+)/ ", README, re.MULTILINE))

    assert tree == floors | tests - {"__pycache__"}


def test_readme_when_something_can_be_set_then_its_tables_have_it():
    names = [*SETTINGS, *surroundings.ENVIRONMENT]
    files = [f"XDG_CONFIG_HOME/pyqio/{name}" for name in surroundings.CONFIG]
    files += [f"XDG_STATE_HOME/pyqio/{name}" for name in surroundings.STATE]

    assert [name for name in names if f"| `{name}` |" not in README] == []
    assert [name for name in files if f"| `${name}` |" not in README] == []
