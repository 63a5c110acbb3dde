"""pyqio as a user meets it: a process, or a process on a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pexpect
import pyte
import pytest

PYQIO = Path(sysconfig.get_path("scripts")) / "pyqio"
SECONDS = 20
PROMPT = r"\x1b\[\?2004h[^\n]*pyqio(?:(?:\x1b\[[0-9;]*m)*\[[^]\n]*\](?:\x1b\[[0-9;]*m)*)?>"
"""A prompt that waits, and not the redrawing of one: bracketed paste is switched on before it."""
PLAIN_PROMPT = "pyqio> "
"""The same on a terminal that can do nothing."""
_QUIET = 0.1
"""Seconds without output after which a screen is finished."""
_BRACKETED_PASTE = 2004 << 5
"""As pyte has the terminal's private mode."""


class _Terminal(pyte.Screen):
    """A screen that answers what a program asks of it."""

    def __init__(self, child, columns, rows):
        super().__init__(columns, rows)
        self._child = child

    def write_process_input(self, data):
        self._child.send(data)


class Screen:
    """What a user sees of a program on a terminal: ``child`` runs it, an emulator draws what it prints."""

    def __init__(self, child, columns, rows):
        self.child = child
        self._edits = False
        child.delaybeforesend = None
        self._screen = _Terminal(child, columns, rows)
        self._stream = pyte.Stream(self._screen)

    def send(self, keys):
        """Press keys."""
        self.child.send(keys)

    def wait_for(self, text):
        """Wait until ``text`` stands on the screen, and the screen is finished; returns its lines."""
        deadline = time.monotonic() + SECONDS
        while not any(text in line for line in self.lines):
            left = deadline - time.monotonic()
            assert left > 0 and self.draw(left), "\n".join([f"no '{text}' on the screen:", *self.lines])
        return self.settled()

    def wait_for_editor(self):
        """Wait until the line editor runs, and the screen is finished."""
        while not self.is_edited:
            assert self.draw(SECONDS), "no line editor"
        self.settled()

    def run(self, line):
        """Type ``line`` and Enter, and wait for the screen that follows; returns its lines."""
        self.child.send(f"{line}\r")
        assert self.draw(SECONDS)
        self.settled()
        deadline = time.monotonic() + SECONDS
        while self._edits and not self.is_edited and time.monotonic() < deadline:
            self.draw(_QUIET)
        return self.settled()

    def settled(self):
        """The lines, once nothing more comes."""
        deadline = time.monotonic() + SECONDS
        while self.draw(_QUIET) or (self._is_busy and time.monotonic() < deadline):
            pass
        return self.lines

    @property
    def _is_busy(self):
        """Whether more is to come: one of the program's threads runs, or would if it got a processor."""
        try:
            return any(_state(task) == "R" for task in Path(f"/proc/{self.child.pid}/task").iterdir())
        except OSError:
            return False

    @property
    def is_edited(self):
        """Whether the line editor runs: it has switched bracketed paste on."""
        return _BRACKETED_PASTE in self._screen.mode

    @property
    def lines(self):
        """What stands there now, without blanks at the ends of lines and without empty lines below."""
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def cursor(self):
        """Column and row, counted from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def look(self, text):
        """How the first character of ``text`` looks: (foreground, bold, reverse), as pyte names colours."""
        row = next(at for at, line in enumerate(self._screen.display) if text in line)
        cell = self._screen.buffer[row][self._screen.display[row].index(text)]
        return cell.fg, cell.bold, cell.reverse

    def resize(self, columns, rows):
        """Give the terminal another size; the program is told."""
        self._screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def draw(self, seconds=SECONDS):
        """Draw what comes within ``seconds``; False where nothing does."""
        try:
            self._stream.feed(self.child.read_nonblocking(1 << 16, timeout=seconds))
            self._edits = self._edits or self.is_edited
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        return True


def _state(task):
    """The state of a thread: proc(5), R where it runs or waits for a processor."""
    return (task / "stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def environment(tmp_path):
    """What the programs see: a home of their own, and nothing of the tester's taste."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "TMPDIR", "CI") if name in os.environ}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TERM": "xterm-256color",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def pyqio(tmp_path, environment):
    """``pyqio("-c", "read 0 512", "x.img")`` runs the program in ``tmp_path`` to its end.

    ``prefix``: words before the program's own; ``stdin``: text for its standard input (None: /dev/null).
    """

    def run(*arguments, prefix=(), stdin=None, program=PYQIO, **more):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        streams |= {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            [*prefix, program, *arguments],
            cwd=tmp_path,
            env=environment,
            text=True,
            timeout=SECONDS,
            **(streams | more),
        )

    return run


@pytest.fixture
def terminal(tmp_path, environment):
    """``terminal("raw.img")`` starts the shell on a terminal of 80x24; all of them are ended with the test.

    ``size``: columns and rows; ``variables``: of the environment.
    """
    started = []

    def spawn(*arguments, program=PYQIO, size=(80, 24), **variables):
        child = pexpect.spawn(
            str(program),
            list(map(str, arguments)),
            cwd=str(tmp_path),
            env=environment | variables,
            dimensions=size[::-1],
            encoding="utf-8",
            timeout=SECONDS,
        )
        child.delayafterclose = child.delayafterterminate = 0.02
        started.append(child)
        return child

    yield spawn
    for child in started:
        child.close(force=True)


@pytest.fixture
def screen(terminal):
    """``screen("raw.img")`` is the screen of the shell at its first prompt: terminal's arguments."""

    def show(*arguments, size=(80, 24), **more):
        child = terminal(*arguments, size=size, **({"PROMPT_TOOLKIT_NO_CPR": ""} | more))
        shown = Screen(child, *size)
        shown.wait_for("pyqio")
        if more.get("TERM", "xterm") not in ("", "dumb"):
            shown.wait_for_editor()
        return shown

    return show


@pytest.fixture
def pattern_image(tmp_path):
    """A raw image of 64 KiB, every byte 0xcd."""
    path = tmp_path / "raw.img"
    path.write_bytes(b"\xcd" * 65536)
    return path


@pytest.fixture
def damaged_pair(pattern_image, tmp_path):
    """The name of a pair whose test side is zero in its third sector, where raw.img has 0xcd."""
    bad = tmp_path / "test.img"
    data = bytearray(pattern_image.read_bytes())
    data[1024:1536] = bytes(512)
    bad.write_bytes(data)
    return "blkverify:raw.img:test.img"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def as_qemu_io(tmp_path):
    """The program under the name of the one it stands in for."""
    link = tmp_path / "qemu-io"
    link.symlink_to(PYQIO)
    return link


@pytest.fixture
def python():
    """The interpreter that runs the tests."""
    return sys.executable
