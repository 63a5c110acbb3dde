"""Ctrl-C, a reader that goes away, a standard input that is not there, a line without end."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.e2e.conftest import PYQIO
from tests.oracle.conftest import find_oracle

MIB = 1 << 20


@pytest.fixture
def start(tmp_path, environment):
    """``start("-c", ...)`` starts pyqio with pipes and lets it run."""
    started = []

    def run(*arguments, **more):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen([PYQIO, *arguments], cwd=tmp_path, env=environment, **(pipes | more))
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def wait_until_larger(path, size, *, process):
    """Wait until the file holds more than ``size`` bytes on disk."""
    deadline = time.monotonic() + 20
    while path.stat().st_blocks * 512 <= size:
        assert process.poll() is None, "it ended before it could be interrupted"
        assert time.monotonic() < deadline, "it does not get on"
        time.sleep(0.005)


@pytest.mark.parametrize("image", ["raw", "qcow2"])
def test_write_when_interrupted_then_quiet_end_and_sound_image(start, pyqio, tmp_path, image):
    path = tmp_path / "x.img"
    pyqio("-c", f"create -f {image} x.img 8G")
    process = start("-f", image, "-t", "writeback", "-c", "write -P 1 0 1900M", "-c", "length", "x.img")
    wait_until_larger(path, 32 * MIB, process=process)

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    checked = subprocess.run([find_oracle("qemu-img"), "check", path], capture_output=True, text=True)
    assert (stdout, stderr) == ("", "")
    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert checked.returncode in (0, 3, 63), checked.stdout


def test_dump_when_reader_goes_away_then_quiet_end(start, pyqio, tmp_path):
    pyqio("-c", "create raw.img 64M")
    process = start("-f", "raw", "-c", "read -v 0 64M", "raw.img")

    first = process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=20)

    assert first == "00000000:  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n"
    assert process.stderr.read() == ""
    assert process.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE)


def test_script_when_standard_input_is_closed_then_ends_at_once(pyqio, pattern_image):
    done = pyqio("raw.img", prefix=("sh", "-c", 'exec "$0" "$@" <&-'))

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_run_when_standard_output_is_closed_then_no_traceback(pyqio, pattern_image):
    done = pyqio("-c", "read 0 512", "raw.img", prefix=("sh", "-c", 'exec "$0" "$@" >&-'))

    assert "Traceback" not in done.stderr


def test_run_when_output_device_is_full_then_one_line_and_failure(pyqio, pattern_image):
    with open("/dev/full", "w") as full:
        done = pyqio("-c", "read -v 0 64k", "raw.img", stdout=full)

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "No space left on device" in done.stderr


def test_script_when_line_is_endless_then_it_fails_and_the_next_one_runs(pyqio, pattern_image):
    done = pyqio("-f", "raw", "raw.img", stdin="x" * 100_000 + "\nlength\n")

    assert done.stdout == "64 KiB\n"
    assert (len(done.stderr.splitlines()), done.returncode) == (1, 1)


def test_script_when_input_is_not_text_then_no_traceback(start, pattern_image):
    process = start("-f", "raw", "raw.img", stdin=subprocess.PIPE, text=False)

    stdout, stderr = process.communicate(b"read \xff\xfe\x00 512\nlength\n" + os.urandom(512), timeout=20)

    assert b"64 KiB\n" in stdout
    assert (b"Traceback" in stderr, process.returncode) == (False, 1)
