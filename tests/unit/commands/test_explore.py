"""explore: what a report leads to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "pyqio" / "reports"


@pytest.fixture
def report(record, tmp_path, state):
    """A report of a pair whose test side lost half a kilobyte, found by a session that wrote to it."""
    for name in ("raw.img", "test.img"):
        (tmp_path / name).write_bytes(bytes(65536))
    found = record()
    found.session.settings.set("report", "on")
    found.run("open blkverify:raw.img:test.img", "write -q -P 0xcd 0 4k")
    data = bytearray((tmp_path / "test.img").read_bytes())
    data[1024:1536] = bytes(512)
    (tmp_path / "test.img").write_bytes(data)
    found.run("read 0 4k", "close")
    return state / "1.json"


def edited(report, *path, value):
    """The report with one member changed."""
    found = json.loads(report.read_text())
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    report.write_text(json.dumps(found))


@pytest.mark.parametrize("name", ["", " 1", " state/pyqio/reports/1.json"])
def test_explore_when_a_report_is_named_or_not_then_its_images_are_open(record, report, name) -> None:
    explorer = record()

    printed, errors = explorer.run(f"explore{name}")

    assert errors == ""
    assert [line.partition(":")[0] for line in printed.splitlines()[:5]] == ["report", "found", "by", "raw", "test"]
    assert "blkverify: read sector_num=0 nb_sectors=8 contents mismatch in sector 2\n" in printed
    assert explorer.session.image.read_only
    assert explorer.session.status == 0


def test_explore_then_position_findings_and_journal_are_the_report_s(record, report) -> None:
    explorer = record()
    explorer.run("explore")

    assert explorer.session.position.offset == 0x400
    assert explorer.session.findings.runs == [(0x400, 0x600)]
    assert [o.text for o in explorer.session.journal.operations()] == ["write -q -P 0xcd 0 4k"]
    assert "changed" not in explorer.run("blame .")[0]


def test_explore_when_an_image_was_changed_since_then_told(record, report, tmp_path) -> None:
    (tmp_path / "test.img").write_bytes(bytes(65536))

    printed, _ = record().run("explore")

    assert "test.img, read-only, changed since the report (" in printed
    assert "bytes: they are not those of the report any more" not in printed


def test_explore_when_the_bytes_are_others_then_told(record, report, tmp_path) -> None:
    (tmp_path / "raw.img").write_bytes(bytes(65536))

    assert "bytes: they are not those of the report any more\n" in record().run("explore")[0]


def test_explore_when_an_image_is_missing_then_the_report_s_bytes_stand_in(record, report, tmp_path) -> None:
    (tmp_path / "test.img").unlink()
    explorer = record()

    printed, _ = explorer.run("explore")

    assert f"images: they cannot be opened: {tmp_path}/test.img is not there any more\n" in printed
    assert "instead: the bytes of the report, in memory; all others are zero on both sides\n" in printed
    assert explorer.run("diff")[0].startswith("difference 1 of 1: [0x400, 0x600)")


@pytest.mark.parametrize(
    ("driver", "path"),
    [
        ("blkverify", "/x"),
        ("nbd", "/x"),
        ("nonsense", "/x"),
        ("qcow2", "json:{}"),
        ("file", "relative.img"),
        ("file", "nbd://host/x"),
        ("file", "/dev/null"),
        ("file", "/a\x1b[31m\nb"),
        ("file", "/nul\0byte"),
        ("qcow2", "\udcff" * 5000),
    ],
)
def test_explore_when_a_report_names_something_odd_then_it_is_not_opened(record, report, driver, path) -> None:
    edited(report, "images", "test", "driver", value=driver)
    edited(report, "images", "test", "path", value=path)

    printed, errors = record().run("explore")

    assert "images: they cannot be opened: " in printed
    assert "\x1b" not in printed + errors


def test_explore_when_a_size_is_absurd_then_one_line(record, report) -> None:
    edited(report, "images", "raw", "path", value="")
    edited(report, "images", "raw", "size", value=2**64)

    _, errors = record().run("explore")

    assert errors.startswith("pyqio: the report's bytes cannot be shown: ")
    assert errors.count("\n") == 1


def test_explore_when_words_have_control_characters_then_they_are_escaped(record, report) -> None:
    edited(report, "command_line", value=["pyqio", "\x1b[31m", "a\nb"])
    edited(report, "diagnosis", "hints", value=[["x", "\x1b[31mred"]])

    printed, _ = record().run("explore")

    assert "\x1b" not in printed
    assert "by: pyqio '\\x1b[31m' 'a\\nb'\n" in printed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["operation"], "\x1b[31m"),
        (["alignment"], "\x1b[31m"),
        (["sides", 0, "held"], "\x1b[31m"),
        (["sides", 0, "name"], "\x1b[31m"),
        (["sides", 0, "error"], "\x1b[31m"),
        (["sides", 1, "way"], [["backing", "\x1b[31m", "\x1b[31m", True, 0, "\x1b[31m", "\x1b[31m"]] * 2),
        (["operations", 0, "op"], "\x1b[31m"),
        (["operations", 0, "outcome"], ["\x1b[31m"] * 3),
        (["operations", 0, "session"], "\x1b[31m"),
    ],
)
def test_explore_when_the_diagnosis_has_control_characters_then_they_are_escaped(record, report, path, value) -> None:
    edited(report, "diagnosis", *path, value=value)

    printed, errors = record().run("explore")

    assert "\\x1b[31m" in printed
    assert "\x1b" not in printed + errors


@pytest.mark.parametrize("mode", ["none", "same-dir"])
def test_explore_when_files_are_not_to_be_followed_then_they_are_not(record, tmp_path, mode) -> None:
    (tmp_path / "elsewhere").mkdir()
    found = record()
    found.session.settings.set("report", "on")
    found.run("create raw.img 1M", "create elsewhere/base.img 1M")
    found.run(f"create -f qcow2 -o backing_file={tmp_path}/elsewhere/base.img,backing_fmt=raw test.qcow2 1M")
    found.run("open raw.img", "write -q 0 512", "close", "open blkverify:raw.img:test.qcow2", "read -q 0 512", "close")
    explorer = record()
    explorer.session.follow = mode

    printed, _ = explorer.run("explore")

    assert "images: they cannot be opened: " in printed
    assert f"follow={mode} does not open " in printed


def test_explore_when_an_image_is_open_then_refused(record, report, raw) -> None:
    assert raw.run("explore")[1] == "pyqio: file open already, try 'help close'\n"


@pytest.mark.parametrize("name", ["missing.json", "7"])
def test_explore_when_there_is_no_such_report_then_one_line(record, name) -> None:
    explorer = record()

    _, errors = explorer.run(f"explore {name}")

    assert errors.endswith(": No such file or directory\n")
    assert explorer.session.status == 1


def test_explore_when_qcow2_is_named_then_opened_as_such(record, tmp_path, state) -> None:
    found = record()
    found.session.settings.set("report", "on")
    found.run("create raw.img 1M", "create -f qcow2 test.qcow2 1M", "open blkverify:raw.img:test.qcow2")
    found.run("write -q -P 1 0 64k", "close", "open test.qcow2", "write -q -z 0 4k", "close")
    found.run("open blkverify:raw.img:test.qcow2", "set on-mismatch continue", "read -q 0 4k", "close")
    explorer = record()

    printed, _ = explorer.run("explore", "where .")

    assert "test: qcow2, " in printed
    assert Path(state / "1.json").exists()
