"""Moving about, bookmarks, and expressions in the place of numbers."""

from __future__ import annotations

import pytest

from pyqio.commands.kinds import Number


def row(printed):
    """The words of a table's only row."""
    return printed[0].splitlines()[1].split()


def test_print_when_an_expression_is_given_then_its_value_in_several_forms(raw):
    assert raw.run("print 0x400+2*64k") == (
        " bytes      hex     size  sectors\n132096  0x20400  129 KiB  258s\n",
        "",
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1+2", "3"), ("( 1 + 2 ) * 3", "9"), ("$-1s", "1048064"), ("-1+2", "1"), (".", "0"), ("1.5k", "1536")],
)
def test_print_when_expression_has_blanks_or_names_then_evaluated(raw, expression, value):
    assert row(raw.run(f"= {expression}"))[0] == value


def test_read_when_range_is_made_of_expressions_then_done(raw):
    assert raw.run("read 0x400+2*64k 1s*2") == (
        "read 1024/1024 bytes at offset 132096\n1 KiB, 1 ops; TIME\n", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("read 0x400+*2 512", "a number is missing, at character 7 -- 0x400+*2"),
        ("read 3c 512", "the open image has no clusters, at character 1 -- 3c"),
        ("read bad+1 512", "there is no mark 'bad', at character 1 -- bad+1"),
        ("read 12x 1", "non-numeric argument, or extraneous/unrecognized suffix -- 12x"),
        ("read 9E 1", "argument too large -- 9E"),
        ("goto 1-2", "the result is negative: -1, at character 1 -- 1-2"),
    ],
)
def test_number_when_it_has_no_value_then_says_why_and_where(raw, line, message):
    assert raw.run(line) == (f"Parsing error: {message}\n", "")


def test_clusters_when_the_format_has_them_then_of_their_size(record):
    recorder = record()
    recorder.run(
        "create -q -f qcow2 -o cluster_size=4k x.qcow2 1M; create -q raw.img 1M; open blkverify:raw.img:x.qcow2"
    )

    assert row(recorder.run("print 3c+1"))[0] == "12289"


def test_place_when_no_image_is_open_then_told(record):
    recorder = record()

    assert recorder.run("print $") == ("Parsing error: no image is open, at character 1 -- $\n", "")
    assert recorder.run("print 1c")[0] == "Parsing error: no image is open, at character 1 -- 1c\n"
    assert recorder.run("goto 0") == ("", "no file open, try 'help open'\n")


def test_position_when_ranges_are_read_and_written_then_it_is_where_they_begin(raw):
    raw.run("read -q 4k 512", "write -q 8k 512", "read -q 2M 512", "flush", "truncate 2M")

    assert row(raw.run("print ."))[1] == "0x2000"
    assert row(raw.run("back"))[1] == "0x1000"
    assert row(raw.run("back"))[1] == "0x0"
    assert raw.run("back") == ("", "pyqio: there is nothing further back\n")
    assert row(raw.run("forward"))[1] == "0x1000"


def test_position_when_one_goes_somewhere_then_reads_find_it(raw):
    raw.run("goto $/2")

    assert raw.run("read . 512")[0].splitlines()[0] == "read 512/512 bytes at offset 524288"
    assert raw.run("goto 1M+1") == ("", "pyqio: 0x100001 is past the end of the image, 0x100000\n")
    assert raw.run("forward") == ("", "pyqio: there is nothing further ahead\n")


def test_mark_when_set_then_listed_used_and_forgotten(raw):
    raw.run("goto 64k", "mark here", "mark bad 0x400")

    assert raw.run("mark")[0].splitlines()[1:] == ["bad     0x400   1 KiB", "here  0x10000  64 KiB"]
    assert row(raw.run("print here-bad"))[0] == "64512"
    assert raw.run("mark -d bad; mark -d bad") == ("", "pyqio: there is no mark 'bad'\n")


@pytest.mark.parametrize("name", ["1s", "a-b", "."])
def test_mark_when_its_name_is_no_name_then_told(raw, name):
    assert raw.run(f"mark {name} 0")[1].startswith(f"pyqio: '{name}' cannot name a mark")


def test_number_when_the_name_is_qemu_ios_then_qemu_ios_grammar(record):
    from pyqio.session.personality import QEMU_IO

    recorder = record(QEMU_IO)
    recorder.run("open -o driver=null-co,size=1M")

    assert recorder.run("read 1s 1")[0].endswith("non-numeric argument, or extraneous/unrecognized suffix -- 1s\n")
    assert recorder.run("goto 0")[1] == 'command "goto" not found\n'


@pytest.mark.parametrize(
    ("prefix", "completed"),
    [
        ("", ["bad", "boot"]),
        ("bo", ["boot"]),
        ("0x400+b", ["0x400+bad", "0x400+boot"]),
        ("(2*ba", ["(2*bad"]),
        ("$-", ["$-bad", "$-boot"]),
        ("0xb", []),
        ("1", []),
    ],
)
def test_number_when_it_is_completed_then_with_marks_where_a_number_begins(raw, prefix, completed):
    raw.run("mark boot 0x1b8; mark bad 0")

    assert list(Number("off").complete_in(prefix, raw.session)) == completed
