"""diff, next, prev and mismatches."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pyqio.base.types import Run
from pyqio.commands import index
from pyqio.commands.results import Diff
from pyqio.shell.interrupt import between_requests

SIZE = 1 << 20
OFFSETS = (0, 4096, 70000)


@pytest.fixture
def pair(record, tmp_path):
    """A session on a pair of raw images that differ at OFFSETS, which it does not know yet."""
    (tmp_path / "raw.img").write_bytes(b"\xcd" * SIZE)
    data = bytearray(b"\xcd" * SIZE)
    for offset in OFFSETS:
        data[offset] = 0
    (tmp_path / "test.img").write_bytes(data)
    recorder = record(stop_on_divergence=False)
    recorder.run("open blkverify:raw.img:test.img")
    return recorder


def lines(recorder, *commands):
    out, err = recorder.run(*commands)
    assert err == ""
    return out.splitlines()


def parsed(line):
    words = line.split()
    return index.find(words[0]).parse(words, lambda warning: None)


def test_diff_of_a_range_then_it_is_shown_in_whole_rows(pair):
    shown = lines(pair, "diff 0x1005 8")

    assert shown[0].startswith("R 00001000:  cd")
    assert shown[1].startswith("T 00001000:  00 cd")
    assert len(shown) == 3
    assert pair.session.position.offset == 0x1005


def test_diff_when_equal_then_the_rows_stand_once(pair):
    assert lines(pair, "diff 512 64")[-1] == "equal: [0x200, 0x240) 64 bytes"


def test_diff_without_findings_then_verify_is_named(pair):
    assert "'verify' looks for them" in pair.run("diff")[1]


def test_diff_without_a_range_then_the_first_difference_with_its_neighbours(pair):
    lines(pair, "verify")

    shown = lines(pair, "diff")

    assert shown[0] == "difference 1 of 3: [0x0, 0x1) 1 byte"
    assert [line[2:10] for line in shown[1:]] == ["00000000", "00000000", "        ", "00000010"]


def test_next_and_prev_then_the_differences_are_walked(pair):
    lines(pair, "verify")

    heads = [lines(pair, word)[0][:17] for word in ("next", "next", "diff", "next", "prev", "prev")]

    assert heads == [f"difference {number} of 3" for number in (1, 2, 2, 3, 2, 1)]


def test_next_when_the_position_was_changed_then_from_there(pair):
    lines(pair, "verify", "next", "diff 0x2000 16")

    assert lines(pair, "next")[0].startswith("difference 3 of 3")
    assert pair.session.position.offset == 70000


def test_next_when_the_position_is_inside_a_difference_then_the_one_after_it(pair, tmp_path):
    with (tmp_path / "test.img").open("r+b") as file:
        file.write(bytes(2048))
    lines(pair, "verify", "next", "diff 1k 512")

    assert lines(pair, "next")[0].startswith("difference 2 of 3")


@pytest.mark.parametrize(("word", "where"), [("next", "past 0x11170"), ("prev", "before 0x0")])
def test_next_and_prev_when_there_is_no_more_then_said(pair, word, where):
    lines(pair, "verify", "next", "next", "next", *(["prev", "prev"] if word == "prev" else []))

    assert pair.run(word)[1] == f"pyqio: of 3 known differences none lies {where}\n"


def test_diff_when_the_difference_is_long_then_where_it_goes_on(pair, tmp_path):
    with (tmp_path / "test.img").open("r+b") as file:
        file.seek(8192)
        file.write(bytes(65536))
    lines(pair, "verify 8k 128k")

    shown = lines(pair, "next")

    assert shown[0] == "difference 1 of 1: [0x2000, 0x12000) 64 KiB"
    assert shown[-1] == "* the difference goes on up to 0x12000: diff 0x21f0"


@pytest.mark.parametrize("offset", [SIZE, SIZE + 1])
def test_diff_when_past_the_end_then_refused(pair, offset):
    assert f"offset {offset} is not inside the pair's {SIZE} bytes" in pair.run(f"diff {offset}")[1]


def test_diff_when_it_reaches_past_the_end_then_up_to_the_end(pair):
    assert lines(pair, f"diff {SIZE - 16} 1k")[-1] == "equal: [0xffff0, 0x100000) 16 bytes"


def test_diff_when_lengths_differ_then_the_longer_side_is_shown(record, tmp_path):
    (tmp_path / "raw.img").write_bytes(b"x" * 512)
    (tmp_path / "test.img").write_bytes(b"x" * 1024)
    recorder = record()

    recorder.run("open blkverify:raw.img:test.img", "verify")
    shown = lines(recorder, "next")

    assert shown[2].startswith("R 00000200:  -- --")
    assert shown[3].startswith("T 00000200:  78 78")


# Where findings come from


def test_read_when_it_mismatches_then_diff_shows_it(pair):
    pair.run("read 0 8k")

    assert pair.session.findings.runs == [Run(0, 1), Run(4096, 4097)]
    assert lines(pair, "next")[0].startswith("difference 1 of 2")


def test_aio_read_when_it_mismatches_then_diff_shows_it(pair):
    pair.run("aio_read 4096 512", "aio_flush")

    assert pair.session.findings.runs == [Run(4096, 4097)]


def test_read_when_interrupted_after_a_mismatch_then_it_is_known(record, tmp_path):
    options = "file.driver=blkverify,file.raw.driver=null-co,file.raw.size=4k,file.raw.latency-ns=200000000"
    (tmp_path / "test.img").write_bytes(b"\xab" * 512 + bytes(3584))
    recorder = record()
    recorder.run(f"open -r -o driver=raw,{options},file.test.driver=file,file.test.filename=test.img")

    with pytest.raises(KeyboardInterrupt), between_requests():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        recorder.session.run_line("read 0 1k")

    assert recorder.session.findings.runs == [Run(512, 1024)]


def test_verify_when_repaired_from_outside_then_the_findings_are_gone(pair, tmp_path):
    lines(pair, "verify")
    (tmp_path / "test.img").write_bytes(b"\xcd" * SIZE)

    lines(pair, "verify")

    assert lines(pair, "mismatches") == ["no difference is known; 'verify' looks for them"]


# mismatches


def test_mismatches_then_a_row_each(pair):
    lines(pair, "verify")

    assert [line.split() for line in lines(pair, "mismatches")] == [
        ["number", "start", "length", "sector", "alignment", "raw", "test"],
        ["1", "0x0", "1", "bytes", "0", "not", "512-aligned", "all", "0xcd", "all", "zero"],
        ["2", "0x1000", "1", "bytes", "8", "not", "512-aligned", "all", "0xcd", "all", "zero"],
        ["3", "0x11170", "1", "bytes", "136", "not", "512-aligned", "all", "0xcd", "all", "zero"],
    ]


def test_mismatches_clear_then_none_is_known(pair):
    lines(pair, "verify", "next", "mismatches -c")

    assert lines(pair, "mismatches") == ["no difference is known; 'verify' looks for them"]


def test_mismatches_when_long_then_said_of_its_start(record, tmp_path):
    (tmp_path / "raw.img").write_bytes(b"x" * 8192)
    (tmp_path / "test.img").write_bytes(bytes(8192))
    recorder = record()
    recorder.run("open blkverify:raw.img:test.img", "verify")

    row = lines(recorder, "mismatches")[1]

    assert "all 0x78 in its first 4096 bytes  all zero in its first 4096 bytes" in row


# Settings


@pytest.mark.parametrize(
    ("columns", "setting", "side"), [(150, "side", True), (149, "side", False), (200, "stacked", False)]
)
def test_diff_when_set_side_then_side_by_side_where_there_is_room(pair, monkeypatch, columns, setting, side):
    shown = []
    monkeypatch.setattr(type(pair.session.environment), "columns", columns)
    pair.session.settings.set("diff", setting)
    monkeypatch.setattr(pair.session.renderer, "show", shown.append)

    pair.session.run_line("diff 0 16")

    assert [result.side for result in shown if isinstance(result, Diff)] == [side]


def test_diff_when_squeeze_is_off_then_every_row(pair):
    pair.session.settings.set("squeeze", "off")

    assert len(lines(pair, "diff 512 512")) == 33


# What follows


@pytest.mark.parametrize(
    ("line", "following"),
    [
        ("diff 0x400 0x200", "diff 0x600 0x200"),
        ("diff 0x400", "diff 0x480 0x80"),
        ("diff", "next"),
        ("next", "next"),
        ("prev", "prev"),
        ("read -v 0x200 512", "read -v 1024 512"),
        ("r -qv -P 0xcd -s 8 0 1k", "read -P 205 -q -s 8 -v 1024 1024"),
        ("readv -v 0 512 1k", "readv -v 1536 512 1024"),
        ("read 0 512", None),
        ("read -v 0 0", None),
        ("verify", None),
    ],
)
def test_following_then_the_line_that_goes_on(line, following):
    assert parsed(line).following() == following
