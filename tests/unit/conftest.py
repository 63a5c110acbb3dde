"""A session on a raw image of 1 MiB, whose output can be asked for."""

from __future__ import annotations

import itertools
import os
import re

import pytest

from pyqio.session.environment import Environment
from pyqio.session.personality import PYQIO, QEMU_IO
from pyqio.session.state import Session

TIMES = re.compile(r"ops; .*? \(.*?/sec and .*? ops/sec\)")


class Recorder:
    """A session, and what it printed."""

    def __init__(self, folder, personality=PYQIO, **more):
        self._folder = folder
        self._paths = [folder / "stdout", folder / "stderr"]
        stdin = os.open(os.devnull, os.O_RDONLY)
        stdout, stderr = (os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in self._paths)
        self.fds = [stdin, stdout, stderr]
        ticks = itertools.count()
        environment = Environment(
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            clock=lambda: next(ticks) / 1000,
            stdio=personality is QEMU_IO,
        )
        self.session = Session(environment, personality, **more)
        self.session.settings.set("report", "off")

    def run(self, *lines):
        """Run lines; returns standard output and standard error since the last time, without times."""
        for line in lines:
            self.session.run_line(line)
        self.session.flush_output()
        printed = [TIMES.sub("ops; TIME", path.read_text(errors="surrogateescape")) for path in self._paths]
        for fd in self.fds[1:]:
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        return tuple(printed)


@pytest.fixture
def record(tmp_path, monkeypatch):
    """``record(personality)`` starts a session in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    started = []

    def start(personality=PYQIO, **more):
        started.append(Recorder(tmp_path, personality, **more))
        return started[-1]

    yield start
    for recorder in started:
        recorder.session.finish()
        for fd in recorder.fds:
            os.close(fd)


@pytest.fixture
def raw(record, tmp_path):
    """A session with ``raw.img`` open: 64 KiB of 0xcd, then zeroes up to 1 MiB."""
    (tmp_path / "raw.img").write_bytes(b"\xcd" * 65536 + bytes(983040))
    recorder = record()
    recorder.run("open -o driver=raw raw.img")
    return recorder
