"""What a session does about a pair that does not agree."""

from __future__ import annotations

import os

import pytest

from pyqio.session import cases
from pyqio.session.personality import QEMU_IO


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def differing(record, tmp_path):
    """``differing(...)``: a session on a pair whose test side is zero where the raw side is 0xcd."""
    (tmp_path / "raw.img").write_bytes(b"\xcd" * 65536)
    (tmp_path / "test.img").write_bytes(bytes(65536))

    def start(*arguments, **settings):
        recorder = record(*arguments, **settings)
        recorder.session.settings.set("report", "on")
        recorder.run("open blkverify:raw.img:test.img")
        return recorder

    return start


def test_mismatch_then_diagnosis_is_kept_and_the_report_is_named(differing, state) -> None:
    session = differing()

    _, errors = session.run("read 0 512")

    (diagnosis,) = session.session.diagnoses
    assert diagnosis.report == f"{state}/pyqio/reports/1.json"
    assert errors.splitlines()[-1] == "  pyqio explore ~/state/pyqio/reports/1.json"


def test_mismatch_when_reports_are_off_then_none(differing, state) -> None:
    session = differing()

    session.run("set report off", "read 0 512")

    assert not state.exists()
    assert session.session.diagnoses[0].report == ""


def test_mismatch_when_a_file_is_named_then_the_report_is_there(differing, tmp_path) -> None:
    session = differing()
    session.session.report = "mine.json"

    _, errors = session.run("read 0 512")

    assert errors.splitlines()[-1] == "  pyqio explore mine.json"
    assert (tmp_path / "mine.json").exists()


def test_mismatch_when_the_report_cannot_be_written_then_one_line_at_the_end(differing) -> None:
    session = differing()
    session.session.report = "missing/mine.json"

    _, errors = session.run("read 0 512")

    assert errors.startswith("blkverify: read sector_num=0 nb_sectors=1 contents mismatch in sector 0\n")
    assert errors.splitlines()[-1].startswith("  no report was written: missing/mine.json")
    assert "explore" not in errors


def test_mismatch_when_there_are_very_many_then_reports_end(differing, state, monkeypatch) -> None:
    monkeypatch.setattr(cases, "MOST", 3)
    session = differing(stop_on_divergence=False)

    _, errors = session.run(*(f"read -q {offset} 512" for offset in range(0, 5 * 512, 512)))

    assert errors.count("  no report was written: the first 3 of a run have one, with hints\n") == 1
    assert len(session.session.divergences) == 5
    assert len(os.listdir(state / "pyqio" / "reports")) == 3


def test_verify_when_bytes_differ_then_a_report_too(differing, state) -> None:
    session = differing()

    printed, _ = session.run("verify")

    assert printed.splitlines()[-1] == "  pyqio explore ~/state/pyqio/reports/1.json"
    assert os.listdir(state / "pyqio" / "reports") == ["1.json"]


def test_mismatch_when_the_name_is_qemu_io_then_nothing_is_written(differing, state) -> None:
    session = differing(QEMU_IO)

    session.run("write 0 512", "read 0 4k")
    session.session.close()

    assert not state.exists()
    assert session.session.diagnoses == []


@pytest.mark.parametrize(
    ("setting", "in_shell", "stopping", "after"),
    [
        ("auto", False, True, True),
        ("auto", True, False, False),
        ("stop", False, True, True),
        ("stop", True, True, False),
        ("continue", False, False, False),
        ("exit", True, True, True),
    ],
)
def test_on_mismatch_when_set_then_stops_or_goes_on(differing, setting, in_shell, stopping, after) -> None:
    session = differing(stop_on_divergence=not in_shell)
    session.run(f"set on-mismatch {setting}")

    printed, _ = session.run("read -q 0 512; length")

    assert session.session.stopping is stopping
    assert (printed == "") is stopping
    for _ in range(in_shell):
        session.session.go_on()
    assert session.session.stopping is after
    assert session.session.status == 3
