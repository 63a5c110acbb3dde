"""read -t, --child, -o and --raw, peek, poke and search, through a session."""

from __future__ import annotations

import os

import pytest

from pyqio.commands.search import Search
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.session.personality import QEMU_IO


@pytest.fixture
def pair(record, tmp_path):
    """A session with a pair of 1 MiB open, 4 KiB of 0x11 at 64 KiB."""
    recorder = record(stop_on_divergence=False)
    (tmp_path / "raw.img").write_bytes(bytes(1 << 20))
    Qcow2.create("test.qcow2", 1 << 20, {})
    recorder.run("open blkverify:raw.img:test.qcow2", "write -q -P 0x11 64k 4k")
    return recorder


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("read -t u16be 0", "u16be at 0x0 of raw.img\n  0  cd cd  u16be  52685  0xcdcd\n"),
        (
            "read -t u8 0xffff 2",
            "u8 at 0xffff of raw.img\n  0ffff  cd  u8  205  0xcd\n  10000  00  u8  0  0x0\n",
        ),
        ("read -t ascii 64k", "ascii at 0x10000 of raw.img\n  10000  00 00 00 00 00 00 00 00 ..  ascii\n"),
        ("peek u8 64k", "u8 at 0x10000 of raw.img\n  10000  00  u8  0  0x0\n"),
    ],
)
def test_read_when_a_type_is_given_then_values(raw, line, printed):
    assert raw.run(line) == (printed, "")


def test_peek_when_no_offset_is_given_then_the_position(raw):
    raw.run("goto 65535")

    assert raw.run("peek u8")[0] == "u8 at 0xffff of raw.img\n  ffff  cd  u8  205  0xcd\n"


def test_read_when_a_structure_is_of_the_format_then_it_is_read_from_the_file_below(pair):
    printed, told = pair.run("read -t qcow2-header")

    assert printed.startswith("qcow2 header at 0x0 of test.qcow2\n  00  51 46 49 fb ")
    assert told == ""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("read -t nosuch 0", "pyqio: there is no type 'nosuch'; see 'help types'\n"),
        ("read -t u32 0", "pyqio: there is no type 'u32'; did you mean "),
        ("read -t u8 --raw 0", "pyqio: Only one output option may be given\n"),
        ("read -t u8 0 5000", "pyqio: 5000 bytes are not 1 to 4096 values of 1 bytes\n"),
        ("read -t u32le 0xffffe", "pyqio: 4 bytes at 0xffffe are not inside the 0x100000 bytes\n"),
        ("read -t u8 1M", "pyqio: offset 0x100000 is not inside the 0x100000 bytes of raw.img\n"),
        ("read --child nosuch 0 1", "pyqio: there is no node 'nosuch'; there are: ., file\n"),
        ("read -o raw.img 0 512", "pyqio: 'raw.img' belongs to the open image\n"),
        ("read -o nosuch/x 0 512", "pyqio: could not open 'nosuch/x': No such file or directory\n"),
        ("poke u8 0 256", "pyqio: 256 is not between 0 and 255\n"),
        ("poke --child nosuch u8 0 1", "pyqio: there is no node 'nosuch'; there are: ., file\n"),
        ("search -x abc", "pyqio: 'abc' is not made of pairs of hexadecimal digits, or '?' for any digit\n"),
        ("search -t u8 x", "pyqio: 'x' is not a whole number\n"),
        ("search a 0 2M", "pyqio: 0x0 to 0x200000 is not inside the 0x100000 bytes\n"),
        ("search -n 0 a", "pyqio: count must be 1 to 10000, not 0\n"),
        ("search a -x -t u8", "pyqio: Only one pattern option may be given\n"),
    ],
)
def test_command_when_it_has_no_meaning_then_one_line_says_why(raw, line, told):
    printed, complaint = raw.run(line)

    assert (printed, complaint[: len(told)], complaint.count("\n")) == ("", told, 1)
    assert raw.session.status == 1


@pytest.mark.parametrize("line", ["read -v 0", "read -- 0", "read -v", "map --child file 5", "length --child . 1"])
def test_command_when_operands_are_missing_or_too_many_then_usage(raw, line):
    printed, _ = raw.run(line)

    assert printed.startswith(f"{line.split()[0]} ")
    assert " -- " in printed


@pytest.mark.parametrize("letter", ["t", "o"])
def test_read_when_run_as_qemu_io_then_has_no_options_of_pyqios(record, tmp_path, letter):
    (tmp_path / "raw.img").write_bytes(bytes(1024))
    recorder = record(QEMU_IO)
    recorder.run("open -o driver=raw raw.img")

    assert recorder.run(f"read -{letter} u8 0 1")[1] == f"read: invalid option -- '{letter}'\n"


def test_read_when_a_child_is_named_then_its_bytes_unverified(pair):
    pair.run("poke --child test u8 64k 0x22")

    raw, test = (pair.run(f"read -v --child {key} 64k 1")[0] for key in ("raw", "test"))

    assert (raw.split()[1], test.split()[1]) == ("11", "22")
    assert pair.session.status == 0
    assert pair.run("read -q 64k 512")[1].startswith("blkverify: read ")


def test_read_when_past_the_end_of_a_child_then_fails_as_ever(pair):
    assert pair.run("read --child test.file 1M 512")[0] == "read failed: Input/output error\n"


def test_read_when_an_output_is_given_then_a_sparse_file_of_the_bytes(raw, tmp_path):
    (tmp_path / "out").write_bytes(b"old" * 1_000_000)

    printed, told = raw.run("read -o out 0 1M")

    assert printed.startswith("read 1048576/1048576 bytes at offset 0\n")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "raw.img").read_bytes()
    assert os.stat(tmp_path / "out").st_blocks * 512 < 1 << 20
    assert told == ""


def test_read_when_the_output_is_a_link_to_the_image_then_refused_and_nothing_lost(raw, tmp_path):
    os.link(tmp_path / "raw.img", tmp_path / "link")

    assert raw.run("read -o link 0 512") == ("", "pyqio: 'link' belongs to the open image\n")
    assert (tmp_path / "raw.img").stat().st_size == 1 << 20


def test_read_when_raw_then_the_bytes_and_nothing_else(raw):
    raw.session.run_line("read --raw 65534 4")
    raw.session.flush_output()

    assert os.pread(os.open("stdout", os.O_RDONLY), 100, 0) == b"\xcd\xcd\0\0"


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("length --child test", "1 MiB\n"),
        ("length --child test.file", "384 KiB\n"),
        ("map --child test", "64 KiB (0x10000) bytes not allocated at offset 0 bytes (0x0)\n"),
        ("info --child test", "format name: qcow2\ncluster size: 64 KiB\n"),
    ],
)
def test_command_when_a_child_is_named_then_it_is_about_that(pair, line, printed):
    assert pair.run(line)[0].startswith(printed)


def test_poke_when_the_image_is_a_pair_then_both_sides_have_it(pair):
    assert pair.run("poke u16be 64k 0x1234") == ("", "")
    assert pair.run("read -v 64k 2")[0].split()[1:3] == ["12", "34"]


def test_poke_when_the_value_is_negative_then_it_is_no_option(pair):
    assert pair.run("poke i16be 64k -2") == ("", "")
    assert pair.run("peek i16be 64k")[0].split()[-2:] == ["-2", "0xfffe"]


def test_poke_when_one_side_is_named_then_says_so(pair):
    assert pair.run("poke --child test u8 64k 1") == ("wrote 1 bytes at offset 0x10000 of test alone\n", "")


def test_poke_when_one_side_is_named_then_the_journal_has_it(pair):
    pair.run("poke --child test u16le 64k 1")

    (operation,) = (found for found in pair.session.journal.touching(65536, 1) if found.text.startswith("poke"))
    assert operation.effect[:3] == ("write", 65536, 2)


def test_poke_when_the_file_belongs_to_a_format_then_refused(pair):
    assert pair.run("poke --child test.file u8 0 1") == (
        "",
        "pyqio: test.file belongs to qcow2, which lets nobody else write to it\n",
    )


def test_poke_when_the_image_is_read_only_then_refused(raw):
    raw.run("reopen -r")

    assert raw.run("poke u8 0 1") == ("", "pyqio: Block node is read-only\n")


def test_search_when_found_then_the_position_is_there_and_the_line_that_goes_on(raw):
    raw.run("poke u32be 0x20000 0x64656667", "poke u32be 0x30000 0x64656667", "goto 0")

    printed, _ = raw.run("search defg")

    assert printed.splitlines()[1].split()[:3] == ["0x20000", "256", "0x0"]
    assert raw.session.position.offset == 0x20000
    assert Search(pattern="de fg", digits=True, offset=0).following() == "search -x 'de fg' .+1"
    assert raw.run("search defg .+1")[0].splitlines()[1].split()[0] == "0x30000"


@pytest.mark.parametrize(
    ("line", "offsets"),
    [
        ("search --all 0xcd00 0", ["0xffff"]),
        ('search --all "cd 00" 0', ["0xffff"]),
        ("search -n 2 -x c? 0", ["0x0", "0x1"]),
        ("search -t u16be 0xcd00 0", ["0xffff"]),
        ("search 0xcd 0xfff0 16", ["0xfff0"]),
        ("search --child file 0xcd00 0", ["0xffff"]),
        ("search 0xcd 64k", []),
    ],
)
def test_search_when_the_pattern_is_given_in_some_way_then_found(raw, line, offsets):
    printed, _ = raw.run(line)

    assert [row.split()[0] for row in printed.splitlines()[1:]] == offsets


def test_search_when_sides_differ_then_says_so(pair):
    pair.run("poke --child test u8 64k 1")

    assert pair.run("search 0x55aa 0")[1].startswith("blkverify: read ")
