"""What a session keeps of the commands that it ran."""

from __future__ import annotations

import pytest

from pyqio.session.personality import QEMU_IO
from pyqio.verify.journal import Effect


@pytest.fixture
def pair(record, tmp_path):
    """A session on a pair of 64 KiB whose test side is zero in its third sector, where raw.img has 0xcd."""
    data = bytearray(b"\xcd" * 65536)
    (tmp_path / "raw.img").write_bytes(data)
    data[1024:1536] = bytes(512)
    (tmp_path / "test.img").write_bytes(data)
    recorder = record(stop_on_divergence=False)
    recorder.run("open blkverify:raw.img:test.img")
    return recorder


def noted(recorder):
    return [(o.number, o.text, o.effect, o.outcome) for o in recorder.session.journal.operations()]


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("read 512 1k", Effect("read", 512, 1024)),
        ("readv 512 1k 1k", Effect("read", 512, 2048)),
        ("write 0 4k", Effect("write", 0, 4096, 0xCD)),
        ("write -P 0x41 0 4k", Effect("write", 0, 4096, 0x41)),
        ("write -z 0 4k", Effect("zero", 0, 4096, 0)),
        ("writev -P 1 0 512 512", Effect("write", 0, 1024, 1)),
        ("discard 0 4k", Effect("discard", 0, 4096)),
        ("flush", Effect("flush", 0, 0)),
        ("truncate 32k", Effect("truncate", 32768, 2**64)),
    ],
)
def test_journal_when_a_command_ran_then_what_it_did(raw, line, effect):
    raw.run(line)

    assert noted(raw) == [(1, line, effect, ("ok", "", ""))]


def test_journal_when_a_file_was_written_then_no_single_byte(raw, tmp_path):
    (tmp_path / "source").write_bytes(b"abc")

    raw.run("write -s source 0 512")

    assert noted(raw)[0][2] == Effect("write", 0, 512, None)


def test_journal_when_nothing_was_done_then_nothing_is_noted(raw):
    raw.run("length", "read", "read x y", "info", "nonsense 0 512")

    assert noted(raw) == []


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("read 2M 512", ("Input/output error", "", "")),
        ("read -P 1 0 512", ("pattern verification failed", "", "")),
        ("truncate 9223372036854775807", ("offset(9223372036854775807) exceeds maximum(9223372035781033984)", "", "")),
    ],
)
def test_journal_when_a_command_failed_then_the_reason(raw, line, outcome):
    raw.run(line)

    assert noted(raw)[0][3] == outcome


def test_journal_when_an_asynchronous_request_ended_then_how(raw):
    raw.run("aio_write -P 7 0 512", "aio_read 8M 512")
    before = [outcome.text for _, _, _, outcome in noted(raw)]

    raw.run("aio_flush")

    assert before == ["in flight", "in flight"]
    assert [outcome.text for _, _, _, outcome in noted(raw)] == ["ok", "Input/output error"]


def test_journal_when_a_pair_is_open_then_both_sides(pair):
    pair.run("write -P 1 0 512", "read 0 4k", "read 1M 512")

    assert [outcome for _, _, _, outcome in noted(pair)] == [
        ("ok", "ok", "ok"),
        ("mismatch", "ok", "ok"),
        ("Input/output error", "Input/output error", "Input/output error"),
    ]


def test_findings_when_a_read_differs_then_its_runs(pair):
    pair.run("read 0 4k", "aio_read 0 4k", "aio_flush")

    assert pair.session.findings.runs == [(1024, 1536)]


def test_journal_when_it_is_qemu_io_then_nothing_is_noted(record, tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(65536))
    recorder = record(QEMU_IO)

    recorder.run("open -o driver=raw raw.img", "write 0 512")

    assert noted(recorder) == []


def test_confirm_when_there_is_no_terminal_then_no(raw):
    assert raw.session.confirm("Really?") is False
