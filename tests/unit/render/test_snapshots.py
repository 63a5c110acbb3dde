from __future__ import annotations

import time

import pytest

from pyqio.base.types import SnapshotInfo
from pyqio.render.snapshots import snapshot_lines

HEADING = "Snapshot list:\nID        TAG               VM SIZE                DATE     VM CLOCK     ICOUNT\n"
PLAIN = SnapshotInfo(
    id="1", name="a", date_seconds=0, date_ns=0, vm_clock_ns=0, vm_state_size=0, disk_size=0, icount=None
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "1         a                     0 B 1970-01-01 00:00:00 00:00:00.000           "),
        ({"icount": 0}, "1         a                     0 B 1970-01-01 00:00:00 00:00:00.000          0"),
        ({"icount": 2**63}, "1         a                     0 B 1970-01-01 00:00:00 00:00:00.000-9223372036854775808"),
        ({"vm_state_size": 1023}, "1         a                0.999 KiB 1970-01-01 00:00:00 00:00:00.000           "),
        ({"vm_state_size": 5 << 30}, "1         a                   5 GiB 1970-01-01 00:00:00 00:00:00.000           "),
        ({"vm_state_size": 2**63}, "1         a                   8 EiB 1970-01-01 00:00:00 00:00:00.000           "),
        (
            {"date_seconds": 2**32 - 1},
            "1         a                     0 B 2106-02-07 06:28:15 00:00:00.000           ",
        ),
        (
            {"id": "1234567890", "name": "c" * 17, "vm_clock_ns": 363661007 * 10**6},
            "1234567890 ccccccccccccccccc      0 B 1970-01-01 00:00:00101:01:01.007           ",
        ),
        ({"name": "café"}, "1         café                 0 B 1970-01-01 00:00:00 00:00:00.000           "),
    ],
)
def test_snapshot_lines_when_one_is_there_then_as_qemu_img_prints_it(changes, line):
    assert "".join(snapshot_lines([PLAIN.replace(**changes)])) == f"{HEADING}{line}\n"
