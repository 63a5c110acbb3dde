"""blame and history: who did what."""

from __future__ import annotations

import re

import pytest

from pyqio.base.types import Run
from pyqio.commands.blame import last_writers
from pyqio.verify.journal import Effect, Operation, Outcome

TIME = re.compile(r"\d\d:\d\d:\d\d")
DAY = re.compile(r"\d\d-\d\d ")


def operation(kind, offset, length):
    return Operation(number=1, text=kind, effect=Effect(kind, offset, length), outcome=Outcome(), when=0.0, elapsed=0.0)


@pytest.fixture
def pair(record, tmp_path, monkeypatch):
    """A session on a pair of 64 KiB of zeroes, with a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(bytes(65536))
    recorder = record()
    recorder.run("open blkverify:raw.img:test.img")
    return recorder


def shown(recorder, *lines):
    """The words of a table's lines, without its heading, blanks and the time of day."""
    printed, errors = recorder.run(*lines)
    assert errors == ""
    return [re.split("  +", DAY.sub("DAY ", TIME.sub("TIME", line.strip()))) for line in printed.splitlines()[1:]]


def test_last_writers_when_changes_overlap_then_each_byte_has_the_last_one() -> None:
    operations = [operation("write", 0, 100), operation("read", 0, 100), operation("zero", 40, 20)]

    assert last_writers(Run(10, 90), operations) == [[Run(10, 40), Run(60, 90)], [], [Run(40, 60)]]


def test_last_writers_when_a_later_one_covers_all_then_the_others_have_nothing() -> None:
    assert last_writers(Run(0, 10), [operation("write", 0, 5), operation("write", 0, 10)]) == [[], [Run(0, 10)]]


def test_blame_when_operations_touched_the_range_then_they_are_listed(pair) -> None:
    pair.run("write -q -P 1 0 4k", "write -q -P 2 2k 512", "read -q 8k 512", "read -q 0 64k")

    assert shown(pair, "blame 0 4k") == [
        ["1", "TIME", "write -q -P 1 0 4k", "all", "0x0-0x7ff 0xa00-0xfff", "ok/ok"],
        ["2", "TIME", "write -q -P 2 2k 512", "0x800-0x9ff", "0x800-0x9ff", "ok/ok"],
        ["4", "TIME", "read -q 0 64k", "all", "ok/ok"],
    ]


def test_blame_when_no_range_is_given_then_the_sector_of_the_position(pair) -> None:
    pair.run("write -q 0 512", "write -q 1k 512", "goto 1k")

    assert [row[0] for row in shown(pair, "blame")] == ["2"]


def test_blame_when_nothing_touched_it_then_says_so(pair) -> None:
    printed, _ = pair.run("blame 4k 1")

    assert printed == "no operation is known that touched [0x1000, 0x1001)\n"


def test_blame_when_a_request_failed_then_its_outcome(record, raw) -> None:
    raw.run("write -q 2M 512", "aio_write -q 0 512")

    assert [row[-1] for row in shown(raw, "blame 2M")] == ["Input/output error"]
    assert [row[-1] for row in shown(raw, "blame 0")] == ["ok"]


def test_blame_when_the_pair_is_opened_again_then_the_former_session_too(pair, record) -> None:
    pair.run("write -q -P 1 0 4k", "close")
    again = record()
    again.run("open blkverify:raw.img:test.img", "read -q 0 512")

    assert shown(again, "blame 0") == [
        ["1", "DAY TIME", "write -q -P 1 0 4k", "all", "all", "ok/ok"],
        ["1", "TIME", "read -q 0 512", "all", "ok/ok"],
    ]


def test_blame_when_the_journal_is_off_then_nothing_is_kept(pair, record, tmp_path) -> None:
    pair.run("set journal off", "write -q -P 1 0 4k", "close")

    assert not (tmp_path / "state").exists()


def test_blame_when_nothing_was_written_then_nothing_is_kept(pair, tmp_path) -> None:
    pair.run("read -q 0 4k", "close")

    assert not (tmp_path / "state").exists()


def test_blame_when_another_image_is_opened_then_nothing_is_known_of_it(pair) -> None:
    pair.run("write -q 0 512", "close", "open -o driver=raw raw.img")

    assert pair.run("blame 0")[0] == "no operation is known that touched [0x0, 0x200)\n"


def test_history_when_lines_were_typed_then_they_are_listed(pair) -> None:
    for line in ("read -q 0 512; flush", "nonsense"):
        pair.session.remember(line)

    assert shown(pair, "history") == [["1", "read -q 0 512; flush"], ["2", "nonsense"]]


def test_history_ops_when_bytes_differ_then_operations_that_touched_them_are_marked(pair, tmp_path) -> None:
    pair.run("write -q -P 1 0 4k", "write -q -z 512 512", "discard -q 8k 512")
    (tmp_path / "test.img").write_bytes(bytes(65536))
    pair.run("set on-mismatch continue", "read -q 0 4k")

    assert [(row[2], *row[3:]) for row in shown(pair, "history --ops")] == [
        ("write -q -P 1 0 4k", "ok/ok", "***WWWW"),
        ("write -q -z 512 512", "ok/ok"),
        ("discard -q 8k 512", "ok/ok"),
        ("read -q 0 4k", "mismatch", "***RRRR"),
    ]
    assert [row[2] for row in shown(pair, "history --ops 8k")] == ["discard -q 8k 512"]


def test_history_when_a_range_is_given_without_ops_then_usage(pair) -> None:
    assert pair.run("history 0")[0].startswith("history [--ops [off [len]]] -- ")
