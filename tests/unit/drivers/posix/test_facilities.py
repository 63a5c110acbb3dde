from __future__ import annotations

import errno
import os

import pytest

from pyqio.drivers.posix.facilities import facilities


def test_facilities_when_folder_is_on_a_disk_then_each_works_or_says_why(tmp_path):
    found = list(facilities(str(tmp_path)))

    assert [name for name, _, _ in found] == ["O_DIRECT", "OFD locks", "SEEK_DATA", "zero range", "punch hole"]
    assert [name for name, works, missing in found if bool(works) == bool(missing)] == []
    assert os.listdir(tmp_path) == []


def test_facilities_when_system_refuses_then_its_reason_is_told(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("pyqio.drivers.posix.syscalls.fallocate", refuse)

    missing = {name: reason for name, works, reason in facilities(str(tmp_path)) if not works}

    assert missing["punch hole"] == missing["zero range"] == "Operation not supported"


def test_facilities_when_folder_is_missing_then_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(facilities(str(tmp_path / "nosuch")))
