from __future__ import annotations

import os

import pytest

from pyqio.session.environment import STDIO, Environment, OutputClosed, OutputFailed


@pytest.fixture
def merged(tmp_path):
    """``merged(stdio=...)``: an environment whose two outputs go to one file, and that file."""
    path = tmp_path / "both"
    fds = []

    def start(*, stdio):
        fds.append(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
        return Environment(stdin=-1, stdout=fds[-1], stderr=fds[-1], stdio=stdio), path

    yield start
    for fd in fds:
        os.close(fd)


def test_err_when_pyqio_printed_before_then_in_that_order(merged):
    environment, path = merged(stdio=False)
    environment.out("one\n")
    environment.err("two\n")
    environment.out("three\n")
    environment.flush()

    assert path.read_text() == "one\ntwo\nthree\n"


def test_err_when_qemu_io_printed_before_then_it_overtakes(merged):
    environment, path = merged(stdio=True)
    environment.out("one\n")
    environment.err("two\n")
    environment.flush()

    assert path.read_text() == "two\none\n"


def test_err_when_qemu_io_prompted_before_then_the_prompt_comes_first(merged):
    environment, path = merged(stdio=True)
    environment.out("one\n")
    environment.prompt("> ")
    environment.out("three\n")
    environment.err("two\n")
    environment.flush()

    assert path.read_text() == "one\n> two\nthree\n"


@pytest.mark.parametrize(("size", "before"), [(STDIO, 0), (STDIO + 1, STDIO), (3 * STDIO, 3 * STDIO)])
def test_err_when_qemu_io_filled_its_buffer_then_whole_buffers_come_first(merged, size, before):
    environment, path = merged(stdio=True)
    environment.out("x" * size)
    environment.err("!")
    environment.flush()

    assert path.read_text().index("!") == before


def test_out_when_bytes_were_no_characters_then_they_come_out_as_they_were(merged):
    environment, path = merged(stdio=False)
    environment.out(b"\xff\xe9\x00".decode("utf-8", "surrogateescape"))
    environment.flush()

    assert path.read_bytes() == b"\xff\xe9\x00"


def test_flush_when_nobody_reads_then_output_closed():
    reader, writer = os.pipe()
    os.close(reader)
    environment = Environment(stdout=writer)
    environment.out("text")

    with pytest.raises(OutputClosed):
        environment.flush()
    os.close(writer)


def test_flush_when_disk_is_full_then_pyqio_says_so_and_qemu_io_goes_on():
    with open("/dev/full", "wb", buffering=0) as full:
        own, qemu = (Environment(stdout=full.fileno(), stdio=stdio) for stdio in (False, True))
        own.out("text")
        qemu.out("text")

        qemu.flush()
        with pytest.raises(OutputFailed, match="No space left on device"):
            own.flush()


def test_read_when_standard_input_is_closed_then_its_end():
    assert Environment(stdin=-1).read(10) == b""


def test_draw_when_something_is_printed_then_bottom_line_goes_first(tmp_path):
    with open(tmp_path / "both", "wb", buffering=0) as both:
        environment = Environment(stdout=both.fileno(), stderr=both.fileno())
        environment.draw("50%")
        environment.draw("60%")
        environment.err("told\n")
        environment.draw("70%")
        environment.out("printed\n")
        environment.flush()
        environment.draw("")

    assert (tmp_path / "both").read_bytes() == b"50%\r\x1b[K60%\r\x1b[Ktold\n70%\r\x1b[Kprinted\n"
