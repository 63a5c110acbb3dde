"""Commands that are no requests, through a session."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from pyqio.session.personality import QEMU_IO

INFO = "format name: raw\ncluster size: 0 bytes\nvm state offset: 0 bytes\n"


@pytest.mark.parametrize(
    ("line", "printed", "told"),
    [
        ("length", "1 MiB\n", ""),
        ("info", INFO, ""),
        ("alloc 0", "512/512 bytes allocated at offset 0 bytes\n", ""),
        ("alloc 1023 1000", "1000/1000 bytes allocated at offset 1023 bytes\n", ""),
        ("alloc 1M 1", "0/0 bytes allocated at offset 1 MiB\n", ""),
        ("alloc 0 2M", "1048576/1048576 bytes allocated at offset 0 bytes\n", ""),
        ("map", "1 MiB (0x100000) bytes     allocated at offset 0 bytes (0x0)\n", ""),
        ("truncate 0 0", "", ""),
        ("truncate -m off 1M", "", ""),
        ("flush", "", ""),
        ("sigraise 0", "", ""),
        ("sleep 010", "", ""),
        ("sleep 99999999999999999999", "", ""),
        ("quit x y", "", ""),
        ("", "", ""),
    ],
)
def test_command_when_right_then_its_answer(raw, line, printed, told):
    assert raw.run(line) == (printed, told)
    assert raw.session.status == 0


@pytest.mark.parametrize(
    ("line", "printed", "told"),
    [
        ("length x", "", "bad argument count 1 to length, expected 0 arguments\n"),
        ("a", "", "bad argument count 0 to a, expected between 1 and 2 arguments\n"),
        ("read 0", "", "bad argument count 1 to read, expected at least 2 arguments\n"),
        ("alloc -- -1", "Parsing error: a number is missing, at character 3 -- --\n", ""),
        ("truncate -m foo x", "", "pyqio: Invalid preallocation mode 'foo'\n"),
        ("truncate 9223372036854775807", "",
         "pyqio: offset(9223372036854775807) exceeds maximum(9223372035781033984)\n"),
        ("sleep -1", "-1 is not a valid number\n", ""),
        ("sigraise 66", "signal argument '66' is too large to be a valid signal\n", ""),
        ("break a b", "Could not set breakpoint: Operation not supported\n", ""),
        ("remove_break t", "Could not remove breakpoint t: Operation not supported\n", ""),
        ("resume t", "Could not resume request: Operation not supported\n", ""),
        ("help nosuch", "", "there is no help on 'nosuch'; 'help' lists all\n"),
        ("raed 0 1", "", 'command "raed" not found\npyqio: did you mean read or readv?\n'),
        ("open raw.img", "", "pyqio: file open already, try 'help close'\n"),
        ("open -t fast", "", "pyqio: Invalid cache option: fast\n"),
        ("reopen -rw", "", "pyqio: Only one -r/-w option may be given\n"),
        ("reopen -c none -o cache.direct=on", "", "pyqio: Cannot set both -c and the cache options\n"),
        ("reopen -r -o read-only=on", "", "pyqio: Cannot set both -r/-w and 'read-only'\n"),
    ],
)  # fmt: skip
def test_command_when_wrong_then_qemus_words(raw, line, printed, told):
    assert raw.run(line) == (printed, told)
    assert raw.session.status == 1


@pytest.mark.parametrize("line", ["read -x", "close x", "map", "write 0", "reopen -x", "aio_flush", "wait_break a"])
def test_command_when_no_image_is_open_then_says_so_first(record, line):
    assert record().run(line) == ("", "no file open, try 'help open'\n")


@pytest.mark.parametrize("line", ["write -x 0 1", "writev 0 1", "aio_write 0 1", "discard x y", "truncate x"])
def test_command_when_image_is_read_only_then_refused_before_it_is_parsed(raw, line):
    raw.run("reopen -r")

    assert raw.run(line) == ("", "pyqio: Block node is read-only\n")


def test_reopen_when_made_writable_again_then_writes(raw):
    _, told = raw.run("reopen -r", "write -q 0 1", "reopen -w", "write -q 0 1")

    assert told == "pyqio: Block node is read-only\n"


def test_open_when_a_former_one_was_closed_then_the_new_one(raw, tmp_path):
    (tmp_path / "other.img").write_bytes(bytes(512))

    printed, told = raw.run("close", "open -r -o driver=raw,size=512 other.img", "length", "close", "open nosuch")

    assert printed == "512 bytes\n"
    assert told == "pyqio: can't open device nosuch: Could not open 'nosuch': No such file or directory\n"


def test_open_when_options_lack_a_value_then_warned(raw):
    _, told = raw.run("close", "open -o driver=raw,foo raw.img")

    assert told.startswith("pyqio: warning: short-form boolean option 'foo' deprecated\nPlease use foo=on instead\n")


def test_create_when_raw_and_qcow2_then_qemu_imgs_line(record, tmp_path):
    recorder = record()

    printed, told = recorder.run("create a.raw 1.5k", "create -f qcow2 -o cluster_size=4k b.qcow2 1M", "create -q c 1")

    assert printed == (
        "Formatting 'a.raw', fmt=raw size=1536\n"
        "Formatting 'b.qcow2', fmt=qcow2 cluster_size=4096 extended_l2=off compression_type=zlib size=1048576 "
        "lazy_refcounts=off refcount_bits=16\n"
    )
    assert told == ""
    assert (tmp_path / "a.raw").stat().st_size == 1536


def test_create_when_backing_file_has_a_size_then_that(record, tmp_path):
    recorder = record()

    printed, _ = recorder.run(
        "create -q base 3M", "create -q -f qcow2 -b base -F raw top", "open top", "length", "alloc 0 3M"
    )

    assert printed == "3 MiB\n0/3145728 bytes allocated at offset 0 bytes\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("create", "bad argument count 0 to create, expected at least 1 arguments\n"),
        ("create x", "pyqio: x: Image creation needs a size parameter\n"),
        ("create -f bad x 1M", "pyqio: x: Unknown file format 'bad'\n"),
        ("create -b base -F raw x", "pyqio: x: Backing file not supported for file format 'raw'\n"),
        ("create -o size=1M x 1M", "pyqio: x: The image size must be specified only once\n"),
        ("create -f qcow2 -o foo=1 x 1M", "pyqio: x: Invalid parameter 'foo'\n"),
        ("create -f qcow2 -b nosuch -F raw x", "pyqio: x: Could not open 'nosuch': No such file or directory\n"
                                               "Could not open backing image.\n"),
        ("create -f qcow2 -u -b b -F raw x", "pyqio: x: Image creation needs a size parameter\n"),
        ("create -f qcow2 -b '' x", "pyqio: x: Expected backing file name, got empty string\n"),
        ("create -f qcow2 -o size=1M, x", "pyqio: Invalid option list: size=1M,\n"),
        ("create -f qcow2 -o help=on x 1M", "pyqio: x: Invalid parameter 'help'\n"),
        ("create -f qcow2 -q", "pyqio: Expecting image file name\n"),
        ("create -f bad -o help", "pyqio: Unknown file format 'bad'\n"),
        ("create x 8E", "pyqio: Invalid image size specified. Must be between 0 and 9223372036854775807.\n"),
    ],
)  # fmt: skip
def test_create_when_wrong_then_qemu_imgs_words_and_no_file(record, tmp_path, line, told):
    assert record().run(line) == ("", told)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (
            "create -o help",
            "Supported raw options:\n"
            "  size=<size>            - Virtual disk size\n"
            "\nThe protocol level may support further options.\n"
            "Specify the target filename to include those options.\n",
        ),
        (
            "create -o size=1M,? x",
            "Supported options:\n"
            "  extent_size_hint=<size> - Extent size hint for the image file, 0 to disable\n"
            "  nocow=<bool (on/off)>  - Turn off copy-on-write (valid only on btrfs)\n"
            "  preallocation=<str>    - Preallocation mode (allowed values: off, falloc, full)\n"
            "  size=<size>            - Virtual disk size\n",
        ),
    ],
)
def test_create_when_asked_for_help_lists_the_options_and_makes_nothing(record, tmp_path, line, printed):
    assert record().run(line) == (printed, "")
    assert not (tmp_path / "x").exists()


def test_create_when_no_size_is_said_but_the_backing_file_is_taken_on_trust(record, tmp_path):
    assert record().run("create -q -u -f qcow2 -b nosuch -F raw x 1M") == ("", "")
    assert (tmp_path / "x").exists()


def test_own_commands_when_session_is_qemu_ios_then_unknown(record):
    assert record(QEMU_IO).run("create x 1M", "demo") == ("", 'command "create" not found\ncommand "demo" not found\n')


def test_help_when_alias_is_asked_for_then_under_that_name(record):
    printed, _ = record().run("help r")

    assert printed.startswith("r [-abCqv] [-P pattern [-s off] [-l len]] off len\n\n reads a range of bytes")
    assert " as they are\n\n The same as: read\n" in printed


@pytest.mark.parametrize(
    ("command", "status"),
    [("sigraise 15", -signal.SIGTERM), ("sigraise 2", -signal.SIGINT), ("abort", -signal.SIGABRT)],
)
def test_signal_when_raised_then_it_ends_the_process(tmp_path, command, status):
    (tmp_path / "x.img").write_bytes(bytes(512))
    words = [sys.executable, "-m", "pyqio", "-c", "sleep 0", "-f", "raw", "-c", "length", "-c", command, "x.img"]

    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout == ("" if command == "abort" else "512 bytes\n")


def test_sleep_when_given_milliseconds_then_waits(record):
    recorder, started = record(), time.monotonic()

    recorder.run("sleep 60")

    assert 0.06 <= time.monotonic() - started < 5
