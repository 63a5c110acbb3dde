from __future__ import annotations

import json
import os
import sys

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home; no tool is started but those of the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "state" / "pyqio").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    return tmp_path


@pytest.fixture
def checkup(record, home):
    """``checkup()`` gives (found, ok) by (part, name), and what was told."""
    recorder = record()
    recorder.session.settings.set("format", "json")

    def run():
        printed, _ = recorder.run("checkup")
        objects = [json.loads(line) for line in printed.splitlines()]
        rows = {(o["part"], o["name"]): (o["found"], o["ok"]) for o in objects if o["type"] == "checkup"}
        return rows, [o["message"] for o in objects if o["type"] == "error"], recorder.session.status

    return run


def test_checkup_when_all_is_well_then_status_zero(checkup, home):
    rows, errors, status = checkup()

    assert (errors, status) == ([], 0)
    assert rows["version", "python"] == (".".join(map(str, sys.version_info[:3])), True)
    assert rows["file", "history"] == (f"{home}/state/pyqio/history: not there", None)
    assert rows["tool", "qemu-io"] == ("not found: tests that compare with it are skipped", None)


def test_checkup_when_history_is_open_to_others_then_fails(checkup, home):
    path = home / "state" / "pyqio" / "history"
    path.touch(mode=0o644)

    rows, errors, status = checkup()

    assert rows["file", "history"] == (f"{path}: others may read it, chmod go= helps", False)
    assert (errors, status) == (["not as it should be: history"], 1)


def test_checkup_when_library_is_missing_then_says_what_needs_it(checkup, monkeypatch):
    monkeypatch.setattr("pyqio.commands.checkup._version_of", lambda name: "" if name == "rich" else "1.0")

    rows, errors, _ = checkup()

    assert rows["version", "rich"] == ("missing: tables on a terminal needs it", False)
    assert errors == ["not as it should be: rich"]


def test_checkup_when_tool_is_there_then_its_first_line(checkup, home):
    tool = home / "bin" / "qemu-img"
    tool.write_text("#!/bin/sh\necho qemu-img version 9\necho more\n")
    tool.chmod(0o755)

    rows, _, _ = checkup()

    assert rows["tool", "qemu-img"] == ("qemu-img version 9", True)


def test_checkup_when_folder_takes_no_files_then_host_cannot_be_tried(checkup, home):
    gone = home / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()

    rows, _, status = checkup()

    assert rows["host", "file system"][1] is None
    assert status == 0


def test_checkup_when_plain_then_a_table(record, home):
    printed, told = record().run("checkup")

    assert printed.startswith("part      name ")
    assert told == ""
