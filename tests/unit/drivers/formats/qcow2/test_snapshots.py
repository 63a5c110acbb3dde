"""The snapshot table: entries of any writer, read and written again."""

from __future__ import annotations

import pytest

from pyqio.base.errors import FormatError
from pyqio.base.records import pack
from pyqio.drivers.formats.qcow2 import snapshots
from pyqio.drivers.formats.qcow2.header import SnapshotFields
from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, apply

CLUSTER = 65536
TABLE = 8 * CLUSTER
NUMBERS = b"".join(n.to_bytes(8, "big") for n in (5 << 30, 1 << 20, 77))


def entry(own_id=b"1", name=b"a", *, extra=b"", vm_state_size=9, l1_table_offset=0, l1_size=0):
    fields = SnapshotFields(l1_table_offset, l1_size, len(own_id), len(name), 10, 20, 30, vm_state_size, len(extra))
    data = pack(fields) + extra + own_id + name
    return data + bytes(-len(data) % 8)


@pytest.fixture
def with_table(blank):
    """``with_table(*entries)``: an image of 1 MiB with such a table."""

    def make(*entries):
        data = bytearray(blank(1 << 20).data)
        apply(data, TABLE, b"".join(entries))
        apply(data, 60, len(entries).to_bytes(4, "big") + TABLE.to_bytes(8, "big"))
        return Recorder(bytes(data))

    return make


@pytest.mark.parametrize("extra", [b"", b"12345678", NUMBERS[:16], NUMBERS, NUMBERS + b"unknown", bytes(1024)])
def test_read_table_when_extra_data_is_of_any_length_then_encodes_the_same(with_table, extra):
    entries = [entry(b"1", b"first", extra=extra), entry(b"name-like", b"\xff\xfe", extra=extra)]

    found = Opened(with_table(*entries), read_only=True).store.snapshots

    assert [snapshot.encode() for snapshot in found] == entries


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (b"", (9, 1 << 20, None)),
        (NUMBERS[:8], (5 << 30, 1 << 20, None)),
        (NUMBERS[:16], (5 << 30, 1 << 20, None)),
        (NUMBERS, (5 << 30, 1 << 20, 77)),
        (NUMBERS[:16] + b"\xff" * 8, (5 << 30, 1 << 20, None)),
    ],
)
def test_snapshots_when_extra_data_is_there_then_tells_it(with_table, extra, told):
    (info,) = Opened(with_table(entry(extra=extra)), read_only=True).image.snapshots()

    assert (info.vm_state_size, info.disk_size, info.icount) == told
    assert (info.id, info.name, info.date_seconds, info.date_ns, info.vm_clock_ns) == ("1", "a", 10, 20, 30)


def test_read_table_when_it_is_longer_than_what_is_read_at_a_time_then_finds_all(with_table):
    entries = [entry(b"%d" % n, b"n" * 60000) for n in range(20)]

    found = Opened(with_table(*entries), read_only=True).store.snapshots

    assert [snapshot.id_bytes for snapshot in found] == [b"%d" % n for n in range(20)]


def test_open_when_extra_data_is_too_long_then_refused(with_table):
    with pytest.raises(FormatError, match="Too much extra metadata in snapshot table entry 1"):
        Opened(with_table(entry(), entry(extra=bytes(1025))), read_only=True)


def test_open_when_the_table_is_too_large_then_refused(with_table, monkeypatch):
    monkeypatch.setattr(snapshots, "MAX_TABLE_BYTES", 100)

    with pytest.raises(FormatError, match="Snapshot table is too large"):
        Opened(with_table(entry(), entry(), entry()), read_only=True)


@pytest.mark.parametrize(
    ("ids", "following"),
    [([], b"1"), ([b"1", b"7"], b"8"), ([b"x"], b"1"), ([b"12x"], b"13"), ([b"9" * 4000], b"1"), ([b""], b"1")],
)
def test_new_snapshot_when_others_have_ids_then_takes_the_next_number(with_table, ids, following):
    others = Opened(with_table(*map(entry, ids)), read_only=True).store.snapshots

    new = snapshots.new_snapshot(others, name="n", date_ns=0, disk_size=0, l1_table_offset=0, l1_size=0)

    assert new.id_bytes == following


def test_new_snapshot_when_the_name_is_long_then_cuts_it_off():
    new = snapshots.new_snapshot([], name="é" * 200, date_ns=0, disk_size=0, l1_table_offset=0, l1_size=0)

    assert new.name_bytes == "é".encode() * 127 + "é".encode()[:1]
