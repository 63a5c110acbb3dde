"""pyqio as a user meets it: a process, or a process on a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pexpect
import pytest

PYQIO = Path(sysconfig.get_path("scripts")) / "pyqio"
SECONDS = 20


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
    """``terminal("raw.img")`` starts the shell on a terminal of 80x24; all of them are ended with the test."""
    started = []

    def spawn(*arguments, program=PYQIO, **variables):
        child = pexpect.spawn(
            str(program),
            list(map(str, arguments)),
            cwd=str(tmp_path),
            env=environment | variables,
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=SECONDS,
        )
        started.append(child)
        return child

    yield spawn
    for child in started:
        child.close(force=True)


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
