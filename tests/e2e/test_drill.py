"""The transcripts of man/pyqio.7 are typed again, so what the tutorial shows is what happens.

``python -m tests.e2e.test_drill`` writes them anew.  A transcript is a literal block behind ``.\\" drill NAME``: the
lines behind ``$ `` are typed to sh, those behind ``pyqio> `` to the shell that the line before them has started.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.e2e.conftest import PYQIO

PAGE = Path(__file__).resolve().parents[2] / "man" / "pyqio.7"
BLOCK = re.compile(r'(^\.\\" drill (\w+)\n\.Bd -literal[^\n]*\n)(.*?)(^\.Ed$)', re.DOTALL | re.MULTILINE)
TYPED = re.compile(r"^(\$|pyqio(?:\[[^\]\n]*\])?>) (.*)$")
PROMPT = r"(?:^|\r?\n)(pyqio(?:\[[^\]\n]*\])?> )"
SIZE = (1000, 80)
HOME = "/home/you"
ATTEMPTS = 3
VOLATILE = (
    (re.compile(r"\d\d\.\d\d sec \([^)]*\)"), "TIME"),
    (re.compile(r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d"), "DATE"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?"), "CLOCK"),
)
ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}


def escaped(text):
    """Lines as they stand in a literal block of mdoc."""
    lines = ("".join(ESCAPES.get(char, char) for char in line) for line in text.splitlines())
    return "".join(f"\\&{line}\n" if line.startswith(".") else f"{line}\n" for line in lines)


def plain(block):
    """The contrary."""
    back = {escape: char for char, escape in ESCAPES.items()} | {r"\&": ""}
    return re.sub(r"\\(?:\(..|.)", lambda match: back[match[0]], block)


def normalised(text):
    """Without what differs from one run to the next."""
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text


def blocks():
    """Name and text of each transcript of the page."""
    return {match[2]: plain(match[3]) for match in BLOCK.finditer(PAGE.read_text())}


@contextmanager
def desk():
    """A Desk in a home whose name is as long as HOME, since long names are shortened."""
    home = Path(f"/tmp/{secrets.token_hex(2)}")
    home.mkdir(mode=0o700)
    try:
        yield Desk(home)
    finally:
        shutil.rmtree(home)


class Desk:
    """Somebody in front of a terminal, in a folder of their own."""

    def __init__(self, home):
        self.home = home
        self.folder = home / "pair"
        self.folder.mkdir()
        kept = {name: os.environ[name] for name in ("LANG", "PYTHONPATH") if name in os.environ}
        path = f"{PYQIO.parent}:{os.environ['PATH']}"
        self.environment = kept | {"PATH": path, "HOME": str(self.home), "TERM": "dumb", "TZ": "UTC"}
        self.shell = None

    def transcript(self, text):
        """The transcript with the same lines typed again."""
        typed = [match.groups() for line in text.splitlines() if (match := TYPED.match(line))]
        shown = ""
        for at, (prompt, line) in enumerate(typed):
            if prompt != "$":
                shown += f"{line}\n{self.tell(line)}"
            elif at + 1 < len(typed) and typed[at + 1][0] != "$":
                shown += f"$ {line}\n{self.begin(line)}"
            else:
                shown += f"$ {line}\n{self.run(line)}"
        return shown.replace(str(self.home), HOME)

    def run(self, line):
        merged = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(line, shell=True, cwd=self.folder, env=self.environment, text=True, timeout=60, **merged)
        return done.stdout

    def begin(self, line):
        """Start a shell; gives what it prints up to its prompt."""
        command = ["/bin/sh", ["-c", f"exec {line}"]]
        self.shell = pexpect.spawn(
            *command, cwd=str(self.folder), env=self.environment, dimensions=SIZE, encoding="utf-8", timeout=30
        )
        self.shell.setecho(False)
        self.shell.delaybeforesend = None
        return self.awaited()

    def tell(self, line):
        self.shell.sendline(line)
        return self.awaited()

    def awaited(self):
        """What is printed up to the next prompt, and that, or up to the end."""
        ended = self.shell.expect([PROMPT, pexpect.EOF])
        printed = self.shell.before.replace("\r\n", "\n")
        if ended:
            self.shell.close()
            return printed.removeprefix("\n")
        return f"{printed}\n".removeprefix("\n") + self.shell.match[1] if printed else self.shell.match[1]


def typed_again(text):
    """The transcript as it is now, up to three times: hints are not looked for long, and a busy machine has fewer."""
    for _ in range(ATTEMPTS):
        with desk() as person:
            again = person.transcript(text)
        if normalised(again) == normalised(text):
            break
    return again


@pytest.mark.parametrize("name", blocks())
def test_drill_when_typed_again_then_the_page_shows_what_happens(name):
    text = blocks()[name]

    assert normalised(typed_again(text)) == normalised(text), "run python -m tests.e2e.test_drill"


@pytest.mark.parametrize("name", blocks())
def test_drill_when_shown_then_fits_a_terminal(name):
    assert [line for line in blocks()[name].splitlines() if len(line) > 80 or line != line.rstrip()] == []


if __name__ == "__main__":

    def anew(match):
        with desk() as person:
            text = person.transcript(plain(match[3]))
        kept = match[3] if normalised(text) == normalised(plain(match[3])) else escaped(text)
        return match[1] + kept + match[4]

    PAGE.write_text(BLOCK.sub(anew, PAGE.read_text()))
