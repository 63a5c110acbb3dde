from __future__ import annotations

import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

PROMPT = b"qemu-io> "

MODES = {
    "writer and writer": ([], []),
    "writer and reader": ([], ["-r"]),
    "reader and writer": (["-r"], []),
    "readers": (["-r"], ["-r"]),
    "writer and sharing reader": ([], ["-r", "-U"]),
    "sharing reader and writer": (["-r", "-U"], []),
    "snapshot and writer": (["-s"], []),
    "writer and snapshot": ([], ["-s"]),
}


@pytest.fixture
def real(oracle):
    return oracle("qemu-io")


@pytest.fixture
def ours(tmp_path):
    link = tmp_path / "bin" / "qemu-io"
    link.parent.mkdir()
    link.symlink_to(Path(sysconfig.get_path("scripts")) / "pyqio")
    return str(link)


@pytest.fixture(params=["raw", "qcow2"])
def image(request, oracle, tmp_path):
    path = tmp_path / f"t.{request.param}"
    subprocess.run([oracle("qemu-img"), "create", "-q", "-f", request.param, path, "1M"], check=True)
    return path


@pytest.fixture
def qcow2(oracle, tmp_path):
    """An image that cannot be shared with a writer at all, unlike a raw one."""
    path = tmp_path / "alone.qcow2"
    subprocess.run([oracle("qemu-img"), "create", "-q", "-f", "qcow2", path, "1M"], check=True)
    return path


class Holder:
    """A program that has the image open and waits at its prompt."""

    def __init__(self, program, options, image):
        command = [program, *options, "-f", image.suffix[1:], image]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.read(len(PROMPT)) == PROMPT

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate(b"quit\n", timeout=20)


def visit(program, options, image):
    command = [program, *options, "-f", image.suffix[1:], "-c", "length", image]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("held", "wanted"), MODES.values(), ids=MODES.keys())
def test_second_opener_when_either_is_pyqio_is_answered_like_qemu_io(real, ours, image, held, wanted):
    with Holder(real, held, image):
        expected = visit(real, wanted, image)

        seen_by_us = visit(ours, wanted, image)

    with Holder(ours, held, image):
        answered_by_us = visit(real, wanted, image)
        among_us = visit(ours, wanted, image)

    assert seen_by_us == expected
    assert answered_by_us == expected
    assert among_us == expected


def test_qemu_img_when_pyqio_writes_is_refused_like_under_qemu_io(oracle, real, ours, qcow2):
    command = [oracle("qemu-img"), "info", str(qcow2)]

    with Holder(real, [], qcow2):
        expected = subprocess.run(command, capture_output=True, text=True)
    with Holder(ours, [], qcow2):
        refused = subprocess.run(command, capture_output=True, text=True)

    assert expected.returncode == 1
    assert (refused.returncode, refused.stderr) == (expected.returncode, expected.stderr)


def test_pyqio_when_qemu_nbd_writes_is_refused_like_qemu_io(oracle, real, ours, qcow2, tmp_path):
    socket = tmp_path / "nbd.sock"
    server = subprocess.Popen([oracle("qemu-nbd"), "-f", "qcow2", "-k", socket, "-t", qcow2])
    try:
        wait_for(socket)

        expected = visit(real, [], qcow2)
        refused = visit(ours, [], qcow2)
        shared = visit(ours, ["-r", "-U"], qcow2)
    finally:
        server.terminate()
        server.wait()

    assert expected[0] == 1
    assert refused == expected
    assert shared == (0, "1 MiB\n", "")


def test_qemu_nbd_when_pyqio_writes_is_refused(oracle, ours, qcow2, tmp_path):
    command = [oracle("qemu-nbd"), "-f", "qcow2", "-k", tmp_path / "nbd.sock", qcow2]

    with Holder(ours, [], qcow2):
        refused = subprocess.run(command, capture_output=True, text=True, timeout=20)

    assert refused.returncode == 1
    assert 'Failed to get "write" lock' in refused.stderr


def test_backing_file_when_held_for_writing_is_refused_like_by_qemu_io(oracle, real, ours, qcow2):
    overlay = qcow2.with_name("overlay.qcow2")
    create = [oracle("qemu-img"), "create", "-q", "-f", "qcow2", "-b", qcow2, "-F", "qcow2", overlay]
    subprocess.run(create, check=True)

    with Holder(real, [], qcow2):
        expected = visit(real, [], overlay)
        refused = visit(ours, [], overlay)

    assert expected[0] == 1
    assert refused == expected


def test_lock_when_pyqio_is_killed_is_gone(ours, image):
    holder = Holder(ours, [], image)
    holder.process.kill()
    holder.process.wait()

    assert visit(ours, [], image)[0] == 0


def wait_for(socket):
    deadline = time.monotonic() + 20
    while not socket.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
