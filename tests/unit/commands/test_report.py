from __future__ import annotations

import os

import pytest


@pytest.fixture
def target(tmp_path):
    return tmp_path / "found.html"


def test_report_when_file_is_new_then_it_is_written_whole(raw, target):
    printed, told = raw.run("report found.html")

    assert told == ""
    assert printed == f"file: found.html\nsize: {target.stat().st_size}\n"
    assert target.read_text().endswith("</html>\n")
    assert sorted(os.listdir(target.parent)) == ["found.html", "raw.img", "stderr", "stdout"]


def test_report_when_file_is_there_then_it_stays(raw, target):
    target.write_text("mine")

    _, told = raw.run("report found.html")

    assert told == "pyqio: 'found.html' is there already; --force replaces it\n"
    assert target.read_text() == "mine"


def test_report_when_forced_then_file_is_replaced(raw, target):
    target.write_text("mine")

    raw.run("report --force found.html")

    assert target.read_text().startswith("<!DOCTYPE html>")


def test_report_when_forced_on_what_is_no_file_then_refused(raw, target):
    os.mkfifo(target)

    _, told = raw.run("report --force found.html")

    assert told == "pyqio: 'found.html' is there already; --force replaces it\n"


def test_report_when_folder_is_missing_then_says_why(raw):
    _, told = raw.run("report nosuch/found.html")

    assert told == "pyqio: 'nosuch/found.html' cannot be written: No such file or directory\n"


def test_report_when_page_fails_then_nothing_is_left(raw, target, monkeypatch):
    def broken():
        yield "<!DOCTYPE html>"
        raise KeyboardInterrupt

    monkeypatch.setattr(raw.session, "page", broken)

    with pytest.raises(KeyboardInterrupt):
        raw.run("report found.html")

    assert sorted(os.listdir(target.parent)) == ["raw.img", "stderr", "stdout"]


def test_report_when_hyphen_then_the_page_is_printed(raw):
    printed, _ = raw.run("report -")

    assert printed.startswith("<!DOCTYPE html>")
    assert printed.endswith("</html>\n")
