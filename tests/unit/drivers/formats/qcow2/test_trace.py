"""The way of a byte through the tables, and what is said of tables that cannot be right."""

from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError
from pyqio.block import way
from pyqio.drivers.formats.qcow2.layout import COPIED
from pyqio.drivers.formats.qcow2.users import User, find
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

CLUSTER = 65536
SIZE = 8 * CLUSTER
REFTABLE, BLOCK, L1, L2, FIRST = (at * CLUSTER for at in range(1, 6))
"""Where qcow2 images that are written in order have their tables, and their first data cluster."""


@pytest.fixture
def written(opened):
    """Two clusters of data at guest offsets 0 and 64 KiB, and their file closed."""

    def make(**options):
        qcow2 = opened(SIZE, **options)
        qcow2.image.pwrite(0, b"a" * CLUSTER)
        qcow2.image.pwrite(CLUSTER, b"b" * CLUSTER)
        qcow2.image.close()
        return qcow2.file

    return make


def explain(file, offset=0, **how):
    return Opened(file, **how).image.node.explain(offset)


def test_explain_when_there_is_data_then_every_entry_that_leads_to_it(written):
    found = explain(written(), CLUSTER + 5)

    assert (found.kind, found.next, found.wrong) == ("data", (("file", FIRST + CLUSTER + 5),), [])
    assert found.facts == {
        "cluster": {"number": 1, "byte": 5, "size": CLUSTER},
        "l1": {
            "index": 0,
            "entry": COPIED | L2,
            "entry_offset": L1,
            "copied": True,
            "table_offset": L2,
            "refcount": 1,
        },
        "l2": {
            "index": 1,
            "entry": COPIED | FIRST + CLUSTER,
            "entry_offset": L2 + 8,
            "copied": True,
            "cluster_offset": FIRST + CLUSTER,
        },
        "refcount": {"count": 1, "cluster": 6, "block_offset": BLOCK, "entry_offset": BLOCK + 12},
        "users": {"count": 1, "complete": True, "others": []},
    }


def test_explain_when_there_is_data_then_the_bytes_of_each_entry(written):
    file = written()

    structures = explain(file, CLUSTER).structures

    parts = {structure.name: structure.parts[0] for structure in structures}
    assert all(bytes(file.data[part.offset :][: len(part.data)]) == part.data for part in parts.values())
    assert {name: part.offset for name, part in parts.items()} == {
        "L1 entry": L1,
        "refcount table entry of the L2 table": REFTABLE,
        "refcount of the L2 table": BLOCK + 8,
        "L2 entry": L2 + 8,
        "refcount table entry of the host cluster": REFTABLE,
        "refcount of the host cluster": BLOCK + 12,
    }


@pytest.mark.parametrize(
    ("edits", "kind", "wrong"),
    [
        ([(L1, 8, 0)], "unallocated", []),
        ([(L2, 8, 0)], "unallocated", []),
        ([(L2, 8, 1)], "zero", []),
        ([(L1, 8, COPIED | L2 | 512)], "damaged", ["the L2 table offset 0x40200 is not aligned to a cluster"]),
        ([(L2, 8, COPIED | FIRST | 512)], "damaged", ["the host cluster offset 0x50200 is not aligned to a cluster"]),
        ([(L2, 8, COPIED | FIRST | 4)], "data", ["L2 entry: reserved 0x2: reserved bits must be 0"]),
        ([(BLOCK + 10, 2, 0)], "data", ["the host cluster at 0x50000 is in use, but its refcount is 0"]),
        ([(BLOCK + 10, 2, 2)], "data",
         ["the host cluster at 0x50000 has refcount 2, but COPIED says 1",
          "1 entry leads to the host cluster, but its refcount is 2"]),
        ([(L2, 8, FIRST)], "data", ["the host cluster at 0x50000 has refcount 1, but COPIED is not set"]),
        ([(L2, 8, COPIED | FIRST + CLUSTER)], "data",
         ["the host cluster at 0x60000 is also that of guest cluster 0x10000",
          "2 entries lead to the host cluster, but its refcount is 1"]),
        ([(L2, 8, COPIED | L1)], "data", ["the host cluster at 0x30000 lies over the L1 table"]),
        ([(L2, 8, COPIED | L2)], "data", ["the host cluster at 0x40000: an L2 table is there"]),
        ([(L2, 8, COPIED | BLOCK)], "data", ["the host cluster at 0x20000 lies over a refcount block"]),
        ([(L2, 8, COPIED | 1 << 40)], "data",
         ["the host cluster offset 0x10000000000 is not inside the file, which has 0x70000 bytes",
          "the host cluster at 0x10000000000 is in use, but its refcount is 0"]),
        ([(L1, 8, COPIED | 1 << 40)], "unallocated",
         ["the L2 table offset 0x10000000000 is not inside the file, which has 0x70000 bytes",
          "the L2 table at 0x10000000000 is in use, but its refcount is 0"]),
        ([(REFTABLE, 8, BLOCK + 512)], "data",
         ["the refcount block offset 0x20200 is not aligned to a cluster",
          "the L2 table at 0x40000 is in use, but its refcount is 0",
          "the refcount block offset 0x20200 is not aligned to a cluster",
          "the host cluster at 0x50000 is in use, but its refcount is 0"]),
        ([(72, 8, 2)], "data", ["the image is marked as corrupt"]),
        ([(72, 8, 1)], "data", ["the image is marked as dirty: its refcounts may be out of date"]),
    ],
)  # fmt: skip
def test_explain_when_metadata_are_damaged_then_says_so_and_leaves_them(written, edits, kind, wrong):
    file = patched(written(), *edits)
    before = bytes(file.data)

    found = explain(file, read_only=True)

    assert (found.kind, found.wrong) == (kind, wrong)
    assert bytes(file.data) == before


def test_explain_when_the_image_is_writable_and_damaged_then_it_stays_in_service(written):
    qcow2 = Opened(patched(written(), (L2, 8, COPIED | FIRST | 512)))

    qcow2.image.node.explain(0)

    assert qcow2.image.pread(CLUSTER, 1) == b"b"


def test_explain_when_the_image_was_found_corrupt_then_still_answers(written):
    qcow2 = Opened(patched(written(), (L2, 8, COPIED | FIRST | 512)))
    with pytest.raises(BlockError):
        qcow2.image.pread(0, 1)

    found = qcow2.image.node.explain(0)

    assert found.kind == "damaged"
    assert found.wrong == [
        "the image was found to be corrupt, and serves no requests",
        "the host cluster offset 0x50200 is not aligned to a cluster",
    ]


def test_explain_when_an_entry_is_in_memory_alone_then_both_are_told(opened):
    qcow2 = opened(SIZE)
    qcow2.image.pwrite(0, b"a")

    found = qcow2.image.node.explain(0)

    assert (found.facts["l2"]["entry"], found.facts["l2"]["file_entry"]) == (COPIED | FIRST, 0)
    assert (found.facts["refcount"]["count"], found.wrong) == (1, [])


def test_explain_when_a_snapshot_shares_the_cluster_then_it_is_a_user(written):
    qcow2 = Opened(written())
    qcow2.image.snapshot_create("before")

    found = qcow2.image.node.explain(0)

    assert found.facts["users"] == {
        "count": 2,
        "complete": True,
        "others": [{"snapshot": "before", "guest_offset": 0}],
    }
    assert (found.facts["refcount"]["count"], found.facts["l2"]["copied"], found.wrong) == (2, False, [])


@pytest.mark.parametrize(("field", "name"), [(64, "the snapshot table"), (0, "a snapshot's L1 table")])
def test_explain_when_an_entry_leads_to_what_a_snapshot_has_then_says_so(written, field, name):
    qcow2 = Opened(written())
    qcow2.image.snapshot_create("before")
    qcow2.image.close()
    table = int.from_bytes(qcow2.file.data[64:72], "big")
    place = int.from_bytes(qcow2.file.data[64:72] if field else qcow2.file.data[table : table + 8], "big")
    l2 = int.from_bytes(qcow2.file.data[L1 + 2 : L1 + 8], "big")

    found = explain(patched(qcow2.file, (l2, 8, place)), read_only=True)

    assert f"the host cluster at {place:#x} lies over {name}" in found.wrong


def test_explain_when_the_cluster_is_compressed_then_how_long_it_is(opened):
    qcow2 = opened(SIZE)
    qcow2.image.pwrite(0, b"a" * CLUSTER, compressed=True)
    qcow2.image.pwrite(CLUSTER, b"b" * CLUSTER, compressed=True)

    found = qcow2.image.node.explain(0)

    assert (found.kind, found.next, found.wrong) == ("compressed", (("file", FIRST),), [])
    assert found.facts["compressed"] == {"offset": FIRST, "length": 512, "sectors": 1, "type": "zlib"}
    assert found.facts["users"]["others"] == [{"snapshot": "", "guest_offset": CLUSTER}]


@pytest.mark.parametrize(
    ("bitmap", "kind", "wrong"),
    [
        (0b1, "data", []),
        (0b10, "unallocated", []),
        (1 << 32, "zero", []),
        (1 << 32 | 1, "damaged", ["L2 entry, subclusters: allocated and zero at once: 0"]),
    ],
)
def test_explain_when_entries_are_extended_then_what_the_subcluster_bits_say(blank, bitmap, kind, wrong):
    qcow2 = Opened(patched(blank(SIZE), (72, 8, 16)))
    qcow2.image.pwrite(0, b"a" * CLUSTER)
    qcow2.image.close()

    found = explain(patched(qcow2.file, (L2 + 8, 8, bitmap)))

    assert (found.kind, found.wrong) == (kind, wrong)
    assert found.facts["subcluster"]["bitmap"] == bitmap


def test_explain_when_the_backing_file_has_the_byte_then_the_way_goes_on_there(opened):
    base = opened(SIZE)
    base.image.pwrite(CLUSTER, b"b")
    top = Opened(opened(2 * SIZE).file, backing=base.image.node)

    stops = way.trace(top.image.node, CLUSTER)

    assert [(stop.path, stop.explanation.kind) for stop in stops][:2] == [(".", "backing"), ("backing", "data")]
    assert top.image.node.explain(SIZE).facts["backing"] == {"too_short": True, "length": SIZE}


def test_find_when_there_are_more_tables_than_may_be_read_then_says_that_it_is_not_all(written):
    store = Opened(written()).store

    assert find(store, FIRST, budget=CLUSTER) == ([], False)
    assert find(store, FIRST, budget=2 * CLUSTER) == ([User("", 0)], True)
    assert find(store, FIRST, budget=None) == ([User("", 0)], True)
