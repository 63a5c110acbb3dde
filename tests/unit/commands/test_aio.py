from __future__ import annotations

import threading

import pytest

from pyqio.commands.pool import QUICK, REFUSED, SYNCED, Pool
from pyqio.commands.results import Said


def verbs(printed):
    return [line.rpartition(" offset ")[2] if "offset" in line else line for line in printed.splitlines()
            if "ops;" not in line]  # fmt: skip


def test_reap_when_ranks_differ_then_by_rank_and_latest_first():
    pool = Pool()
    for name, rank in (("a", SYNCED), ("b", QUICK), ("c", REFUSED), ("d", QUICK), ("e", SYNCED)):
        pool.submit(lambda name=name: [Said(text=name)], rank)

    early = [result.text for request in pool.reap(QUICK) for result in request.results()]
    late = [result.text for request in pool.reap() for result in request.results()]

    assert (early, late) == (["c", "d", "b"], ["e", "a"])


def test_submit_when_jobs_wait_for_one_another_then_they_run_side_by_side():
    pool, meeting = Pool(), threading.Barrier(4, timeout=10)
    for _ in range(4):
        pool.submit(lambda: [Said(text=str(meeting.wait()))], QUICK)

    told = sorted(result.text for request in pool.reap() for result in request.results())

    assert told == ["0", "1", "2", "3"]


def test_results_when_job_raised_then_raised_again():
    pool = Pool()
    pool.submit(lambda: [Said(text=str(1 // 0))], QUICK)

    (request,) = pool.reap()

    with pytest.raises(ZeroDivisionError):
        request.results()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["aio_write 0 512", "aio_write 512 512", "aio_flush"], ["512", "0"]),
        (["aio_write 0 512", "aio_read 512 512", "aio_read 0 16", "aio_flush"], ["0", "512", "0"]),
        (["aio_read 1M 1", "aio_write 2M 1", "aio_read 7 1", "aio_flush"],
         ["aio_write failed: Input/output error", "readv failed: Input/output error", "7"]),
        (["aio_read 7 1", "length", "aio_flush"], ["1 MiB", "7"]),
        (["aio_write 7 1", "aio_read 8 1", "read 9 1", "aio_flush"], ["8", "9", "7"]),
        (["aio_read 7 1", "read 2M 1", "aio_flush"], ["read failed: Input/output error", "7"]),
        (["aio_write 7 1", "close"], ["7"]),
        (["aio_read 7 1", "reopen -r", "length"], ["7", "1 MiB"]),
        (["aio_read -v 0 3", "aio_flush"], ["00000000:  cd cd cd  ...", "0"]),
    ],
)  # fmt: skip
def test_aio_when_requests_are_mixed_then_told_of_in_qemu_ios_order(raw, lines, told):
    printed, _ = raw.run(*lines)

    assert verbs(printed) == told


def test_aio_when_request_fails_later_then_session_does_not(raw):
    raw.run("aio_read 1M 1", "aio_read -P 7 0 512", "aio_flush")

    assert raw.session.status == 0


def test_aio_when_session_ends_then_the_rest_is_told(raw, tmp_path):
    raw.run("aio_write -P 3 0 2")

    status = raw.session.finish()

    assert status == 0
    assert (tmp_path / "stdout").read_text().startswith("wrote 2/2 bytes at offset 0\n")
    assert (tmp_path / "raw.img").read_bytes()[:3] == b"\x03\x03\xcd"


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("aio_read -i -x", "injecting invalid read request\n"),
        ("aio_write -q -i", "injecting invalid write request\n"),
        ("aio_write -u x 1", "-u requires -z to be specified\n"),
        ("aio_write -z x 1 2", "-z supports only a single length parameter\n"),
        ("aio_write 0 4G", "Argument '4G' exceeds maximum size 2147483136\n"),
    ],
)
def test_aio_when_line_is_odd_then_qemus_words(raw, line, printed):
    assert raw.run(line)[0] == printed
