from __future__ import annotations

import pytest


@pytest.fixture
def safe(raw):
    """raw.img with its 64 KiB of 0xcd, in a session that keeps what is overwritten."""
    raw.run("set safe on")
    return raw


@pytest.mark.parametrize(
    "line",
    [
        "write -q 4k 8k",
        "write -q -P 0 65000 2k",
        "write -q -z 0 128k",
        "writev -q 0 512 512",
        "aio_write -q 0 4k; aio_flush",
        "discard -q 0 64k",
        "truncate 10k",
        "truncate 2M",
    ],
)
def test_undo_when_a_command_has_changed_the_image_then_it_is_what_it_was(safe, tmp_path, line):
    before = (tmp_path / "raw.img").read_bytes()
    safe.run(line)

    printed = safe.run("undo", "flush")

    assert printed == (f"undone: {line.partition(';')[0]}\n", "")
    assert (tmp_path / "raw.img").read_bytes() == before


def test_undo_when_several_were_done_then_the_last_first(safe, tmp_path):
    before = (tmp_path / "raw.img").read_bytes()
    safe.run("write -q -P 1 0 1k", "read -q 0 512", "write -q -P 2 512 1k", "length")

    assert safe.run("undo", "undo")[0] == "undone: write -q -P 2 512 1k\nundone: write -q -P 1 0 1k\n"
    assert (tmp_path / "raw.img").read_bytes() == before
    assert safe.run("undo")[1] == "pyqio: there is nothing to undo: 'set safe on' keeps what commands overwrite\n"


def test_undo_when_it_was_too_much_then_told_and_nothing_before_it_is_undone(safe):
    safe.run("write -q 0 512", "truncate 1G", "write -q -z 0 1G")

    told = safe.run("undo", "undo")[1]

    assert told == "pyqio: 'write -q -z 0 1G' cannot be undone: 1073741824 bytes are too many to keep\n" * 2


def test_undo_when_the_image_was_closed_then_nothing(safe):
    safe.run("write -q 0 512", "close", "open -o driver=raw raw.img")

    assert safe.run("undo")[1].startswith("pyqio: there is nothing to undo")


def test_undo_when_session_is_not_safe_then_nothing(raw):
    raw.run("write -q 0 512")

    assert raw.run("undo")[1].startswith("pyqio: there is nothing to undo")


def test_undo_when_done_then_the_journal_has_it(safe):
    safe.run("write -q -P 1 512 1k", "undo")

    last = safe.session.journal.operations()[-1]
    assert (last.text, last.effect.kind, last.effect.offset, last.effect.length) == ("undo", "write", 512, 1024)


def test_undo_when_a_side_of_the_pair_differs_then_what_was_there_is_not_known(record, tmp_path):
    (tmp_path / "a.img").write_bytes(bytes(4096))
    (tmp_path / "b.img").write_bytes(b"\1" * 4096)
    recorder = record(stop_on_divergence=True)
    recorder.run("open blkverify:a.img:b.img", "set safe on", "write -q 0 512")

    assert recorder.run("undo")[1].startswith(
        "pyqio: 'write -q 0 512' cannot be undone: what was there could not be read"
    )


def test_watch_when_it_runs_itself_then_refused(raw):
    assert raw.run("watch -c 1 watch length")[1] == "pyqio: watch does not run within watch\n"
