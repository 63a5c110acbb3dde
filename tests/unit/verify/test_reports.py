"""Report files: what is written comes back, and what is none is refused."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from pyqio.base.types import Run
from pyqio.verify import reports
from pyqio.verify.case_file import Case, Portrait
from pyqio.verify.diagnosis import Diagnosis, Excerpt, Holding, Step
from pyqio.verify.hints import Hint
from pyqio.verify.journal import Effect, Operation, Outcome

OPERATION = Operation(
    number=7,
    text="write -P 0xcd 0 4k",
    effect=Effect("write", 0, 4096, 0xCD),
    outcome=Outcome("ok", "ok", "ok"),
    when=1e9,
    elapsed=0.5,
    session="2026-11-22 21:13:00",
)
STEP = Step("file", "test.qcow2", "file", True, 0x50400, "data", "")
DIAGNOSIS = Diagnosis(
    operation="read",
    offset=0,
    length=4096,
    message="contents mismatch at offset 1024",
    runs=(Run(1024, 1536), Run(2048, 2049)),
    run_count=2,
    byte_count=513,
    sector_count=2,
    end=2049,
    alignment="not 512-aligned",
    sides=(Holding("raw", "raw.img", "file", "all 0xcd", "", ()), Holding("test", "t", "qcow2", "", "EIO", (STEP,))),
    excerpt=Excerpt(1008, b"\xcd" * 32, bytes(32)),
    operations=(OPERATION,),
    hints=(Hint("zeroed", "the test side has zeroes stored here"),),
)
CASE = Case(
    when=1e9,
    program="pyqio",
    command_line=("pyqio", "-c", "read 0 4k", "\udcff"),
    folder="/x",
    raw=Portrait("/x/raw.img", "file", 65536, 65536, 1),
    test=Portrait("/x/test.qcow2", "qcow2", 65536, 393216, 2),
    diagnosis=DIAGNOSIS,
    contents=(Excerpt(1024, b"\xcd" * 512, bytes(512)), Excerpt(2048, b"\xcd", b"")),
    operations=(OPERATION,),
)


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "pyqio" / "reports"


def at(offset):
    """A report of another request."""
    return CASE.replace(diagnosis=DIAGNOSIS.replace(offset=offset))


def test_save_when_loaded_again_then_the_same(state) -> None:
    path = reports.save(CASE)

    assert path == str(state / "1.json")
    assert reports.load(path) == CASE
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(state) == ["1.json"]


def test_save_when_a_name_is_given_then_there(tmp_path) -> None:
    path = reports.save(CASE, str(tmp_path / "mine.json"))

    assert reports.load(path) == CASE
    assert os.listdir(tmp_path) == ["mine.json"]


def test_save_when_the_name_is_no_file_s_then_it_is_written_to(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)

    reports.save(CASE, str(tmp_path / "fifo"))

    assert json.loads(os.read(reader, 1 << 16))["pyqio_report"] == 1
    os.close(reader)
    assert stat.S_ISFIFO(os.stat(tmp_path / "fifo").st_mode)


def test_save_when_the_same_is_found_again_then_written_anew(state) -> None:
    paths = [reports.save(case) for case in (at(0), at(512), at(0))]

    assert [os.path.basename(path) for path in paths] == ["1.json", "2.json", "1.json"]
    assert reports.newest() == paths[0]


def test_save_when_there_are_many_then_the_newest_stay(state, monkeypatch) -> None:
    monkeypatch.setattr(reports, "KEPT", 3)

    for offset in range(0, 5 * 512, 512):
        reports.save(at(offset))

    assert [os.path.basename(path) for path in reports.every()] == ["3.json", "4.json", "5.json"]


def test_save_when_other_files_are_there_then_they_stay(state) -> None:
    state.mkdir(parents=True)
    for name in ("notes.txt", "x.json", "\u0663.json", "12345678901.json"):
        (state / name).write_text("mine")

    reports.save(CASE)

    assert len(os.listdir(state)) == 5
    assert reports.every() == [str(state / "1.json")]


def test_save_when_it_cannot_be_written_then_oserror(tmp_path) -> None:
    with pytest.raises(OSError, match="No such file"):
        reports.save(CASE, str(tmp_path / "missing" / "x.json"))


def test_newest_when_there_is_none_then_said() -> None:
    with pytest.raises(reports.BadReport, match="there is no report in"):
        reports.newest()


def changed(path, value):
    """The report as JSON, with the member at ``path`` replaced."""
    found = json.loads(Path(reports.save(CASE)).read_text())
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(found)


HUGE = 10**400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["pyqio_report"], 2),
        (["pyqio_report"], None),
        (["when"], "now"),
        (["when"], -1),
        (["when"], 1e300),
        (["command_line"], "pyqio"),
        (["command_line"], [1]),
        (["images"], []),
        (["images", "raw"], None),
        (["images", "raw", "path"], 7),
        (["images", "test", "size"], -1),
        (["images", "test", "size"], HUGE),
        (["images", "test", "size"], True),
        (["diagnosis"], 1),
        (["diagnosis", "length"], 1.5),
        (["diagnosis", "runs"], [[512, 0]]),
        (["diagnosis", "runs"], [[0, 1], [0, 1]]),
        (["diagnosis", "runs"], [[0, HUGE]]),
        (["diagnosis", "runs"], [[0]]),
        (["diagnosis", "sides"], [1]),
        (["diagnosis", "sides", 0, "way"], [["", "", "", 1, 0, "", ""]]),
        (["diagnosis", "excerpt"], {"offset": 0, "raw": "zz", "test": ""}),
        (["diagnosis", "excerpt"], {"offset": 0, "raw": None, "test": ""}),
        (["diagnosis", "hints"], [["one"]]),
        (["contents"], [{}]),
        (["operations"], [{"n": "x"}]),
        (["operations", 0, "fill"], 256),
    ],
)
def test_load_when_a_member_is_wrong_then_refused_in_a_line(tmp_path, path, value) -> None:
    (tmp_path / "bad.json").write_text(changed(path, value))

    with pytest.raises(reports.BadReport, match=r"bad\.json is no report: .") as caught:
        reports.load(str(tmp_path / "bad.json"))

    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"{", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a": 1}', b"9" * 10_000]
)
def test_load_when_it_is_no_report_then_refused(tmp_path, data) -> None:
    (tmp_path / "bad.json").write_bytes(data)

    with pytest.raises(reports.BadReport, match="is no report"):
        reports.load(str(tmp_path / "bad.json"))


def test_load_when_it_is_too_large_then_refused(tmp_path) -> None:
    with open(tmp_path / "big.json", "wb") as file:
        file.truncate(1 << 30)

    with pytest.raises(reports.BadReport, match="larger than"):
        reports.load(str(tmp_path / "big.json"))


@pytest.mark.parametrize("name", ["missing.json", ".", "a\0b"])
def test_load_when_it_is_no_file_then_why(tmp_path, name) -> None:
    with pytest.raises(reports.BadReport):
        reports.load(str(tmp_path / name))


def test_load_when_lists_are_long_then_cut(tmp_path) -> None:
    (tmp_path / "long.json").write_text(changed(["operations"], json.loads(changed(["when"], 1))["operations"] * 5000))

    assert len(reports.load(str(tmp_path / "long.json")).operations) == 300
