"""The diagnosis of real pairs, damaged from outside."""

from __future__ import annotations

import struct

import pytest

import pyqio
from pyqio.base.types import Run
from pyqio.verify.diagnosis import diagnose
from pyqio.verify.journal import Effect, Journal, Outcome

CLUSTER = 65536
OFFSET = 0x00FFFFFFFFFFFE00


class Pair:
    """Images of 1 MiB with 0x11, 0x22 and 0x33 in their first clusters, and what may be done to the tested one."""

    def __init__(self, folder, **options):
        self.raw, self.test = f"{folder}/raw.img", f"{folder}/test.qcow2"
        self.name = f"blkverify:{self.raw}:{self.test}"
        pyqio.create(self.raw, "1M")
        pyqio.create(self.test, "1M", format="qcow2", options=options)
        with pyqio.open(self.name) as image:
            for number, fill in enumerate((0x11, 0x22, 0x33)):
                image.pwrite(number * CLUSTER, bytes([fill]) * CLUSTER)
        with open(self.test, "rb") as file:
            data = file.read()
        (l1,) = struct.unpack_from(">Q", data, 40)
        (entry,) = struct.unpack_from(">Q", data, l1)
        self.l2 = entry & OFFSET
        self.entries = struct.unpack_from(">8Q", data, self.l2)

    def patch(self, offset, data):
        with open(self.test, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def diagnose(self, offset, length=4096, journal=None, **more):
        with pyqio.open(self.name) as image:
            with pytest.raises(pyqio.VerifyError) as caught:
                image.pread(offset, length)
            return diagnose(caught.value, image.graph.nodes, journal, **more)


class Write:
    def effect(self):
        return Effect("write", 0, CLUSTER, 0x11)


def texts(diagnosis):
    return [hint.text for hint in diagnosis.hints]


def test_diagnose_when_an_l2_entry_leads_to_another_cluster_then_both_and_its_own(tmp_path) -> None:
    pair = Pair(tmp_path)
    pair.patch(pair.l2 + 8, struct.pack(">Q", pair.entries[2]))

    found = pair.diagnose(CLUSTER)

    own, other = pair.entries[1] & OFFSET, pair.entries[2] & OFFSET
    assert texts(found) == [
        f"guest clusters 0x10000 and 0x20000 both lead to host offset {other:#x}, where 0x20000 belongs: "
        f"the L2 entry of 0x10000 is wrong; its own bytes are at {own:#x}"
    ]
    assert (found.runs, found.byte_count) == ((Run(CLUSTER, CLUSTER + 4096),), 4096)


@pytest.mark.parametrize(
    ("bitmap", "which"),
    [(0xFFFFFFFD, "subcluster 1"), (0, "subclusters 0 to 1"), (0x2FFFFFFFD, "subcluster 1")],
)
def test_diagnose_when_a_subcluster_bit_is_wrong_then_which(tmp_path, bitmap, which) -> None:
    pair = Pair(tmp_path, extended_l2="on")
    pair.patch(pair.l2 + 16 + 8, struct.pack(">Q", bitmap))

    (text,) = texts(pair.diagnose(CLUSTER))

    assert text.startswith("raw's bytes are at host offset 0x")
    assert f" bits of {which} say that " in text


def test_diagnose_when_a_few_bytes_are_overwritten_then_where(tmp_path) -> None:
    pair = Pair(tmp_path)
    at = (pair.entries[0] & OFFSET) + 777
    pair.patch(at, b"hello")

    (text,) = texts(pair.diagnose(0))

    assert text.endswith(f"overwritten in place, at offset {at:#x} of {pair.test}")


def test_diagnose_when_an_entry_is_gone_then_where_the_bytes_are(tmp_path) -> None:
    pair = Pair(tmp_path)
    pair.patch(pair.l2, bytes(8))

    (text,) = texts(pair.diagnose(0))

    assert text == (
        f"raw's bytes are at host offset {pair.entries[0] & OFFSET:#x}, where no L2 entry leads: this one leads to none"
    )


def test_diagnose_when_a_backing_file_shows_through_then_it_is_named(tmp_path) -> None:
    (tmp_path / "base.img").write_bytes(b"\x77" * (1 << 20))
    pair = Pair(tmp_path, backing_file=f"{tmp_path}/base.img", backing_fmt="raw")

    found = pair.diagnose(3 * CLUSTER)

    assert texts(found) == [f"nothing is allocated here: the backing file {tmp_path}/base.img shows through"]
    assert [step.via for step in found.sides[1].way] == ["", "backing", "file"]


def test_diagnose_when_there_is_a_journal_then_last_change_and_last_agreement(tmp_path) -> None:
    pair = Pair(tmp_path)
    pair.patch(pair.entries[0] & OFFSET, bytes(512))
    journal = Journal()
    both = Outcome("ok", "ok", "ok")
    journal.note(["write", "first"], Write(), 1.0, 0.0, both)
    journal.note(["write", "second"], Write(), 2.0, 0.0, both)

    found = pair.diagnose(0, journal=journal)

    assert [operation.text for operation in found.operations] == ["write second"]
    assert texts(found) == ["the test side has zeroes stored here"]


def test_diagnose_when_there_is_no_patience_then_what_needs_no_reading(tmp_path) -> None:
    pair = Pair(tmp_path)
    pair.patch(pair.l2, bytes(8))

    found = pair.diagnose(0, patience=0)

    assert texts(found) == []
    assert (found.sides[1].held, found.excerpt.test) == ("all zero", bytes(16))


def test_diagnose_when_outcomes_differ_then_each_side_s(tmp_path) -> None:
    pair = Pair(tmp_path)
    pair.patch(pair.l2, struct.pack(">Q", 0x8000000000050200))

    found = pair.diagnose(0)

    assert (found.runs, found.excerpt, found.hints) == ((), None, ())
    raw, test = found.sides
    assert (raw.error, test.error) == ("succeeded", test.error.removeprefix("succeeded"))
