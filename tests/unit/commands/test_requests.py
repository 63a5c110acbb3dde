"""read, write, discard and their vectors, through a session."""

from __future__ import annotations

import resource

import pytest

from pyqio.commands import index
from pyqio.render.help import one_line

READ = "read {0}/{0} bytes at offset {1}\n{2}, 1 ops; TIME\n"
WROTE = READ.replace("read", "wrote")
RIGHT = [
    ("read 0 512", READ.format(512, 0, "512 bytes")),
    ("r 1 1", READ.format(1, 1, "1 bytes")),
    ("read 0 1M", READ.format(1048576, 0, "1 MiB")),
    ("read 1M 0", READ.format(0, 1048576, "0 bytes")),
    ("read -q 0 512", ""),
    ("read -P 0xcd 0 64k", READ.format(65536, 0, "64 KiB")),
    ("read -P 0xcd -s 100 -l 10 0 200", READ.format(200, 0, "200 bytes")),
    ("read -P 0 -s 64k 0 1M", READ.format(1048576, 0, "1 MiB")),
    ("read -P 9 -l 0 0 16", READ.format(16, 0, "16 bytes")),
    ("readv -P 0xcd 0 10 10", READ.format(20, 0, "20 bytes")),
    ("readv 0 0 10", READ.format(10, 0, "10 bytes")),
    ("write 0 512", WROTE.format(512, 0, "512 bytes")),
    ("write -z 0 1M", WROTE.format(1048576, 0, "1 MiB")),
    ("writev 0 512 1k", WROTE.format(1536, 0, "1.500 KiB")),
    ("write -q 0 512", ""),
    ("discard -q 0 512", ""),
    ("discard 0 512", READ.replace("read", "discard").format(512, 0, "512 bytes")),
    ("read -qv 0 16", ""),
    ("read -v 65533 5",
     "0000fffd:  cd cd cd 00 00  .....\n" + READ.format(5, 65533, "5 bytes")),
]  # fmt: skip
WRONG = [
    ("read -P 1 0 16", "Pattern verification failed at offset 0, 16 bytes\n" + READ.format(16, 0, "16 bytes")),
    ("read -P 0xcd -s 4 64k 8",
     "Pattern verification failed at offset 65540, 4 bytes\n" + READ.format(8, 65536, "8 bytes")),
    ("readv -qP 1 0 16", "Pattern verification failed at offset 0, 16 bytes\n"),
    ("read 1M 512", "read failed: Input/output error\n"),
    ("readv 1M 512", "readv failed: Input/output error\n"),
    ("read 0 2147483136", "read failed: Input/output error\n"),
    ("write 1048575 2", "write failed: Input/output error\n"),
    ("write -z 1M 1", "write failed: Input/output error\n"),
    ("write -nz 0 4G", "write failed: Input/output error\n"),
    ("writev 1M 1", "writev failed: Input/output error\n"),
    ("discard 1M 1", "discard failed: Input/output error\n"),
    ("write -c 0 0", "write failed: Operation not supported\n"),
    ("write -b 0 512", "write failed: Operation not supported\n"),
    ("read -b 1 512", "1 is not a sector-aligned value for 'offset'\n"),
    ("read -b 0 5", "5 is not a sector-aligned value for 'count'\n"),
    ("read 0 5G", "length cannot exceed 2147483136, given 5G\n"),
    ("write 0 5G", "length cannot exceed 2147483136 without -n, given 5G\n"),
    ("readv 0 5G", "Argument '5G' exceeds maximum size 2147483136\n"),
    ("readv 0 2147483136 1", "The total number of bytes exceed the maximum size 2147483136\n"),
    ("read -P 1 -s 10 -l 7 0 16", "pattern verification range exceeds end of read data\n"),
    ("write -b -f -z x 512", "-b and -z cannot be specified at the same time\n"),
    ("write -f -c x 512", "-f and -b or -c cannot be specified at the same time\n"),
    ("write -n x 512", "-n requires -z to be specified\n"),
    ("write -u x 512", "-u requires -z to be specified\n"),
    ("write -z -P 1 x 512", "Only one of -z, -P, and -s can be specified at the same time\n"),
    ("write 5x 5G", "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 5x\n"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "printed"), RIGHT)
def test_request_when_right_then_report(raw, line, printed):
    assert raw.run(line) == (printed, "")
    assert raw.session.status == 0


@pytest.mark.parametrize(("line", "printed"), WRONG)
def test_request_when_wrong_then_qemus_words_on_stdout_and_status(raw, line, printed):
    assert raw.run(line)[0] == printed
    assert raw.session.status == 1


@pytest.mark.parametrize("line", ["read 0 1 2", "read -l 3 0 1", "read -s 3 0 1", "read -l 3 0", "write -n 0"])
def test_request_when_operands_are_wrong_then_one_line_of_help(raw, line):
    printed, _ = raw.run(line)

    assert printed == one_line(index.find(line.split()[0]))


def test_report_when_for_machines_then_one_line(raw):
    assert raw.run("read -C 0 512") == ("512,1,0:00:00.00,512000.000,1000.000\n", "")


def test_mismatch_when_pattern_differs_then_stderr_says_where(raw):
    _, told = raw.run("read -P 0xcd 65000 1000")

    assert told == "pyqio: the first wrong byte is 0x00 at offset 65536 (0x10000), where 0xcd was expected\n"


def test_write_when_pattern_or_zeroes_are_given_then_they_are_in_the_file(raw, tmp_path):
    raw.run("write -P 1 3 5", "writev -P 2 10 2 3", "write -z 1 1")

    head = (tmp_path / "raw.img").read_bytes()[:16]
    assert head == b"\xcd\x00\xcd" + b"\x01" * 5 + b"\xcd\xcd" + b"\x02" * 5 + b"\xcd"


@pytest.mark.parametrize("size", [1, 3, 4096, 300_000])
def test_write_when_source_is_shorter_than_the_request_then_repeated(raw, tmp_path, size):
    source = bytes(byte % 251 for byte in range(size))
    (tmp_path / "source").write_bytes(source)

    raw.run("write -s source 5 700000")

    expected = (source * (700_000 // size + 1))[:700_000]
    assert (tmp_path / "raw.img").read_bytes()[5 : 5 + 700_000] == expected


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nosuch", "nosuch: No such file or directory\n"),
        ("/dev/null", "/dev/null: file is empty\n"),
        ("/", "/: Is a directory\n"),
    ],
)
def test_write_when_source_is_wrong_then_stderr(raw, name, told):
    assert raw.run(f"write -s {name} 0 512") == ("", told)


def test_read_when_past_the_end_then_nothing_of_it_is_done(raw, tmp_path):
    before = (tmp_path / "raw.img").read_bytes()

    raw.run("write 0 1048577", "writev 512k 512k 1")

    assert (tmp_path / "raw.img").read_bytes() == before


def test_read_when_huge_then_memory_stays_small(record, tmp_path):
    (tmp_path / "sparse.img").touch()
    recorder = record()
    recorder.run("open -o driver=raw sparse.img", "truncate 1G")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    printed, _ = recorder.run("read -P 0 0 1G")

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert printed == READ.format(1 << 30, 0, "1 GiB")
    assert grown < 32 << 10


def test_dump_when_longer_than_memory_wants_then_the_same_text(raw):
    whole, _ = raw.run("read -v 0 1M")

    assert whole.count("\n") == 65536 + 2
    assert whole.splitlines()[4096] == "00010000:  " + "00 " * 16 + " " + "." * 16


def test_number_when_hexadecimal_has_a_suffix_then_warning_on_stderr(raw):
    printed, told = raw.run("read 0x1k 1")

    assert printed == READ.format(1, 1024, "1 bytes")
    assert told == "pyqio: warning: Using a multiplier suffix on hex numbers is deprecated: 0x1k\n"
