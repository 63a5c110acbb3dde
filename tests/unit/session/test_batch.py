from __future__ import annotations

import os

import pytest

from pyqio.session.batch import run_commands, run_script
from pyqio.session.environment import Environment
from pyqio.session.personality import PYQIO, QEMU_IO
from pyqio.session.state import Session


@pytest.fixture
def script(tmp_path, monkeypatch):
    """``script(personality, text)`` runs a script on a raw image; gives its outputs and the exit status."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.img").write_bytes(bytes(1024))

    def run(personality, text):
        (tmp_path / "stdin").write_bytes(text)
        paths = [tmp_path / "stdout", tmp_path / "stderr"]
        fds = [os.open(tmp_path / "stdin", os.O_RDONLY), *(os.open(p, os.O_WRONLY | os.O_CREAT) for p in paths)]
        environment = Environment(stdin=fds[0], stdout=fds[1], stderr=fds[2], stdio=not personality.own)
        session = Session(environment, personality)
        session.run_line("open -o driver=raw raw.img")
        run_script(session)
        status = session.finish()
        for fd in fds:
            os.close(fd)
        return *(path.read_bytes() for path in paths), status

    return run


@pytest.mark.parametrize(
    ("text", "printed", "told", "status"),
    [
        (b"", b"> ", b"", 0),
        (b"\n\n", b"> > > ", b"", 0),
        (b"length", b"> 1 KiB\n> ", b"", 0),
        (b"  length  \nlength\n", b"> 1 KiB\n> 1 KiB\n> ", b"", 0),
        (b"quit\nlength\n", b"> ", b"", 0),
        (b"length\0junk\n\0\n", b"> 1 KiB\n> > ", b"", 0),
        (b"foo\nlength\n", b"> > 1 KiB\n> ", b'command "foo" not found\n', 1),
        (b"\tlength\n", b"> > ", b'command "\tlength" not found\n', 1),
        (b"# no\n", b"> > ", b'command "#" not found\n', 1),
        (b"\xff\xfe\n", b"> > ", b'command "\xff\xfe" not found\n', 1),
        (b"length;\n", b"> > ", b'command "length;" not found\n', 1),
    ],
)
def test_script_when_qemu_ios_then_prompts_and_blanks_alone(script, text, printed, told, status):
    assert script(QEMU_IO, text) == (printed.replace(b"> ", b"qemu-io> "), told, status)


def test_script_when_qemu_ios_line_is_long_then_cut_into_pieces(script):
    printed, told, _ = script(QEMU_IO, b"a" * 2046 + b"\nlength\n")

    assert told == b'command "' + b"a" * 1023 + b'" not found\n' + b'command "' + b"a" * 1023 + b'" not found\n'
    assert printed == b"qemu-io> qemu-io> qemu-io> qemu-io> 1 KiB\nqemu-io> "


@pytest.mark.parametrize(
    ("text", "printed", "told", "status"),
    [
        (b"length", b"1 KiB\n", b"", 0),
        (b"# no\n\tlength; length # both\n", b"1 KiB\n1 KiB\n", b"", 0),
        (b"length\nfoo\n", b"1 KiB\n", b'command "foo" not found (<stdin>:2)\n', 1),
        (b"read 2M 1\n", b"read failed: Input/output error\n",
         b"pyqio: <stdin>:1: 1 bytes at offset 2097152 are not inside the image's 1024 bytes\n", 1),
        (b"\n\nopen 'x\nlength\n", b"1 KiB\n", b"pyqio: a quote without its end: 'x (<stdin>:3)\n", 1),
        (b"length; quit; length\nlength\n", b"1 KiB\n", b"", 0),
    ],
)  # fmt: skip
def test_script_when_pyqios_then_no_prompts_and_stderr_names_lines(script, text, printed, told, status):
    assert script(PYQIO, text) == (printed, told, status)


def test_script_when_read_in_portions_then_lines_stay_whole(script):
    lines = b"".join(b"# %s\nlength\n" % (b"\xc3\xa9" * (number % 700)) for number in range(700))

    printed, told, status = script(PYQIO, lines)

    assert (printed, told, status) == (b"1 KiB\n" * 700, b"", 0)


def test_commands_when_one_fails_then_the_next_runs_and_the_status_stays(raw):
    run_commands(raw.session, ["foo", "length", "quit", "length"])

    assert raw.run() == ("1 MiB\n", 'command "foo" not found\n')
    assert raw.session.finish() == 1


@pytest.mark.parametrize(
    ("personality", "first", "status"),
    [
        (PYQIO, "blkverify: read sector_num=0 nb_sectors=1 contents mismatch in sector 0", 3),
        (QEMU_IO, "blkverify: read offset=0 bytes=512 contents mismatch at offset 0", 1),
    ],
)
def test_commands_when_pair_differs_then_the_run_stops_there(record, tmp_path, personality, first, status):
    (tmp_path / "a").write_bytes(bytes(512))
    (tmp_path / "b").write_bytes(b"\x01" * 512)
    recorder = record(personality)
    pair = "-o driver=blkverify,raw.driver=file,raw.filename=a,test.driver=raw,test.file.filename=b"

    run_commands(recorder.session, [f"open {pair}", "read 0 512", "length"])

    printed, told = recorder.run()
    assert (printed, told.splitlines()[0]) == ("", first)
    assert recorder.session.finish() == status


def test_session_when_pair_differs_in_a_shell_then_it_goes_on(record, tmp_path):
    (tmp_path / "a").write_bytes(bytes(512))
    (tmp_path / "b").write_bytes(b"\x01" * 512)
    recorder = record(stop_on_divergence=False)
    pair = "-o driver=blkverify,raw.driver=file,raw.filename=a,test.driver=raw,test.file.filename=b"

    printed, _ = recorder.run(f"open {pair}", "read 0 512", "length")

    assert printed == "512 bytes\n"
    assert [error.first for error in recorder.session.divergences] == [0]
