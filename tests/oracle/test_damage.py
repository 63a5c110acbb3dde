"""Damaged qcow2 images: what qemu-io says of them we say too, and nothing costs more than 5 s and 256 MiB.

The damage is to tables; test_header has that to the header and its extensions.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.damage.fields import walk
from tests.damage.mutants import Mutant
from tests.damage.sources import SOURCES, make, neighbours
from tests.damage.worker import try_all, try_mutants
from tests.oracle import test_header

MUTANTS = 510
ENCRYPTED_MUTANTS = 50
"""Of each source; passwords are slow to try on purpose."""

COPIED, COMPRESSED, ZERO = 1 << 63, 1 << 62, 1
FAR = 1 << 40

LOOK = ("-r", "-c", "read -q 0 20k", "-c", "read -q 64k 8k", "-c", "read -q 190k 3k", "-c", "map")
WRITE = (
    "-c",
    "write -q 0 4k",
    "-c",
    "write -q 65k 512",
    "-c",
    "write -q 100k 4k",
    "-c",
    "read -q 0 20k",
)


class Case(NamedTuple):
    """``source``: see sources; ``edits``: fields (see fields) and what they become; ``said``: a part of the answer."""

    source: str
    edits: dict[str, int | str]
    said: str

    @property
    def arguments(self) -> tuple[str, ...]:
        """What brings the answer."""
        return WRITE if "overlaps" in self.said or "Refblock" in self.said else LOOK


CASES = {
    "4 refcount table of no clusters": Case(
        "snapshots", {"refcount_table_clusters": 0}, "Image does not contain a reference count table"
    ),
    "4 refcount table of more than 8 MiB": Case(
        "snapshots", {"refcount_table_clusters": 2049}, "Reference count table too large"
    ),
    "4 refcount table unaligned": Case(
        "snapshots", {"refcount_table_offset": 0x1200}, "Reference count table offset invalid"
    ),
    "4 refcount table past the end": Case("snapshots", {"refcount_table_offset": FAR}, ""),
    "5 refcount block unaligned": Case("snapshots", {"refcount table[0]": 0x2200}, "Refblock offset 0x2200 unaligned"),
    "5 no refcount block": Case("snapshots", {"refcount table[0]": 0}, ""),
    "6 refcount block in the L1 table": Case("snapshots", {"refcount table[0]": "l1_table_offset"}, ""),
    "6 refcount block in the refcount table": Case("snapshots", {"refcount table[0]": "refcount_table_offset"}, ""),
    "6 refcount block twice": Case("snapshots", {"refcount table[1]": "refcount table[0]"}, ""),
    "6 refcount block past the end": Case("snapshots", {"refcount table[0]": FAR}, ""),
    "7 snapshots 2^32-1": Case("snapshots", {"nb_snapshots": 2**32 - 1}, "Snapshot table too large"),
    "7 snapshots 65536": Case("snapshots", {"nb_snapshots": 65536}, ""),
    "7 snapshot table unaligned": Case("snapshots", {"snapshots_offset": 0x201}, "Snapshot table offset invalid"),
    "7 snapshot table past the end": Case("snapshots", {"snapshots_offset": FAR}, ""),
    "7 snapshot name past the table": Case("snapshots", {"snapshot 1 name_size": 65535}, ""),
    "7 snapshot extra data of 1025 bytes": Case(
        "snapshots", {"snapshot 0 extra_data_size": 1025}, "Too much extra metadata in snapshot table entry 0"
    ),
    "7 snapshot extra data of 8 bytes": Case("snapshots", {"snapshot 1 extra_data_size": 8}, ""),
    "8 snapshot L1 table of 2^32-1 entries": Case("snapshots", {"snapshot 0 l1_size": 2**32 - 1}, ""),
    "8 snapshot L1 table unaligned": Case("snapshots", {"snapshot 0 l1_table_offset": 0x4200}, ""),
    "9 no L1 entries": Case("snapshots", {"l1_size": 0}, "L1 table is too small"),
    "9 L1 table of more than 32 MiB": Case("snapshots", {"l1_size": 4194305}, "Active L1 table too large"),
    "9 L1 table unaligned": Case("snapshots", {"l1_table_offset": 0x3008}, "Active L1 table offset invalid"),
    "9 L1 table in the header": Case("snapshots", {"l1_table_offset": 0}, ""),
    "9 L1 table past the end": Case("snapshots", {"l1_table_offset": FAR}, ""),
    "10 L2 table in a refcount block": Case("zstd", {"active L1[0]": "refcount table[0]"}, ""),
    "10 L2 table in a refcount block, as its own": Case("zstd", {"active L1[0]": "refcount table[0] copied"}, ""),
    "10 L2 table unaligned": Case("zstd", {"active L1[0]": 0x4200 | COPIED}, "L2 table offset 0x4200 unaligned"),
    "10 L2 table past the end": Case("zstd", {"active L1[0]": FAR | COPIED}, ""),
    "11 data in the header": Case("zstd", {"active L2[0]": COPIED | 0}, ""),
    "11 data in the L1 table": Case(
        "zstd",
        {"active L2[0]": "l1_table_offset copied"},
        "Preventing invalid write on metadata (overlaps with active L1",
    ),
    "11 data in the L2 table": Case(
        "zstd", {"active L2[0]": "active L1[0] copied"}, "Preventing invalid write on metadata (overlaps with active L2"
    ),
    "11 data in the refcount table": Case(
        "zstd", {"active L2[0]": "refcount_table_offset copied"}, "(overlaps with refcount table"
    ),
    "11 data in a refcount block": Case(
        "zstd", {"active L2[0]": "refcount table[0] copied"}, "(overlaps with refcount block"
    ),
    "11 data in the snapshot table": Case(
        "snapshots", {"active L2[0]": "snapshots_offset copied"}, "(overlaps with snapshot table"
    ),
    "11 data in a snapshot's L1 table": Case(
        "snapshots", {"active L2[0]": "snapshot 0 l1_table_offset copied"}, "(overlaps with inactive L1 table"
    ),
    "11 L2 table in the L1 table": Case("zstd", {"active L1[0]": "l1_table_offset copied"}, ""),
    "13 data unaligned": Case("zstd", {"active L2[0]": 0x5200 | COPIED}, "Cluster allocation offset 0x5200 unaligned"),
    "13 data past the end": Case("zstd", {"active L2[0]": FAR | COPIED}, ""),
    "13 data at 2^56 less a cluster": Case("zstd", {"active L2[0]": (1 << 56) - 4096}, ""),
    "13 reserved bits": Case("zstd", {"active L2[0]": 0x3F << 56}, ""),
    "14 own data with a count of 0": Case("zstd", {"refcount block[1]": 0, "refcount block[2]": 0}, ""),
    "14 own data with a count of 2": Case("zstd", {"refcount block[1]": 0x0002000200020002}, ""),
    "14 shared data with a count of 1": Case("zstd", {"active L2[0]": "active L2[0] shared"}, ""),
    "15 compressed data past the end": Case("zstd", {"active L2[16]": FAR | COMPRESSED}, ""),
    "15 compressed data in the header": Case("zstd", {"active L2[16]": COMPRESSED}, ""),
    "15 compressed data of 2^32 sectors": Case("zstd", {"active L2[16]": (1 << 63) - 1}, ""),
    "15 compressed and copied": Case("zstd", {"active L2[16]": COMPRESSED | COPIED | 0x5000}, ""),
    "15 deflated data in the header": Case("snapshots", {"active L2[16]": COMPRESSED}, ""),
    "15 deflated data past the end": Case("snapshots", {"active L2[16]": FAR | COMPRESSED}, ""),
    "16 subcluster both there and zero": Case("subclusters", {"active L2[1]": 0x0000000100000001}, ""),
    "16 subclusters of nothing": Case("subclusters", {"active L2[0]": 0}, ""),
    "16 subclusters of compressed data": Case("subclusters", {"active L2[0]": COMPRESSED | 0x50000}, ""),
    "16 subclusters and the old zero flag": Case("subclusters", {"active L2[0]": 0x50000 | COPIED | ZERO}, ""),
    "17 subclusters of clusters of 512": Case("clusters of 512", {"incompatible_features": 16}, ""),
    "18 zero flag in version 2": Case("version 2", {"active L2[0]": ZERO}, "Zero cluster entry found in pre-v3 image"),
    "18 zero flag with data in version 2": Case("version 2", {"active L2[0]": 0x5000 | COPIED | ZERO}, ""),
    "19 size of all that 64 bits hold": Case("zstd", {"size": 2**64 - 1}, ""),
    "19 size of more than the L1 table": Case("zstd", {"size": 1 << 30}, "L1 table is too small"),
    "24 bitmap table of more than 2^27 entries": Case("bitmaps", {"bitmap 0 table_size": 0x8000001}, ""),
    "24 bitmap table unaligned": Case("bitmaps", {"bitmap 0 table_offset": 0x5200}, ""),
    "24 bitmap table past the end": Case("bitmaps", {"bitmap 0 table_offset": FAR}, ""),
    "24 bitmap granularity 63": Case("bitmaps", {"bitmap 0 granularity_bits": 63}, ""),
    "24 bitmap granularity 8": Case("bitmaps", {"bitmap 0 granularity_bits": 8}, ""),
    "24 bitmap flags unknown": Case("bitmaps", {"bitmap 0 flags": 0xFFFFFFF8}, ""),
    "24 bitmap in use": Case("bitmaps", {"bitmap 0 flags": 1}, ""),
    "24 bitmap without a name": Case("bitmaps", {"bitmap 0 name_size": 0}, ""),
    "24 bitmap name of 1024 bytes": Case("bitmaps", {"bitmap 0 name_size": 1024}, ""),
    "24 bitmap type 2": Case("bitmaps", {"bitmap 0 type": 2}, ""),
    "24 bitmap extra data": Case("bitmaps", {"bitmap 0 extra_data_size": 8}, ""),
    "26 counts of 128 bits": Case("zstd", {"refcount_order": 7}, "Reference count entry width too large"),
    "26 counts of 1 bit, shared": Case("clusters of 512", {"active L2[1]": "active L2[0]"}, ""),
}


DIFFERENT = {
    "5 refcount block unaligned, look": "qemu-io reads the counts for map too, and tells what it finds",
    "6 refcount block in the L1 table, write": "both mark the image as corrupt; which of the two faults is told",
    "6 refcount block in the refcount table, write": "as above",
    "8 snapshot L1 table of 2^32-1 entries, write": "ours leaves a snapshot alone whose table cannot be one",
    "10 L2 table in a refcount block, as its own, write": "ours tells of one failure more, and no helper's name",
    "13 data at 2^56 less a cluster, write": "qemu-io tells the name of a helper that failed",
    "24 bitmap table past the end, write": "as above",
    "24 bitmap without a name, look": "qemu-io shows a byte that is not the name's",
    "24 bitmap without a name, write": "as above",
    "19 size of all that 64 bits hold, look": "which of the two faults is told",
    "19 size of all that 64 bits hold, write": "as above",
    "24 bitmap extra data, look": "which of the two faults is told",
    "24 bitmap extra data, write": "as above",
    "16 subcluster both there and zero, write": "ours finds it when it is read",
    "16 subclusters of nothing, write": "qemu-io has one blank less here than where it reads",
}
"""What is answered in another way, and why."""


@pytest.fixture(scope="module")
def source(oracle, tmp_path_factory):
    """``source(name)``: the bytes of a sound image, and the files that it names."""
    oracle("qemu-img"), oracle("qemu-io")
    made = {}

    def get(name):
        if name not in made:
            folder = str(tmp_path_factory.mktemp("source"))
            made[name] = make(name, folder), neighbours(folder)
        return made[name]

    return get


def damaged(case, data):
    """The bytes of a case: a name among the edits stands for the value of that field."""
    fields = {field.name: field for field in walk(data)}
    numbers = {name: int.from_bytes(data[f.offset : f.offset + f.width], "big") for name, f in fields.items()}
    changed = bytearray(data)
    for name, value in case.edits.items():
        if isinstance(value, str):
            value = numbers[value.removesuffix(" copied").removesuffix(" shared")] | COPIED * value.endswith(" copied")
            value &= ~(COPIED * case.edits[name].endswith(" shared"))
        field = fields[name]
        changed[field.offset : field.offset + field.width] = value.to_bytes(field.width, "big")
    return bytes(changed)


def answers(folder, data, below, program, arguments):
    """What a program says of an image, without what differs from run to run, and its status."""
    for name, content in {**below, "x": data}.items():
        (folder / name).write_bytes(content)
    done = subprocess.run(
        [*program, *arguments, "-t", "writeback", "-f", "qcow2", "x"], cwd=folder, capture_output=True, timeout=20
    )
    return done.returncode, re.sub(rb"\(\d+\.\d+ .*", b"", done.stdout), done.stderr


OURS = (
    sys.executable,
    "-c",
    "import sys; from pyqio.cli.main import main; sys.exit(main(['qemu-io', *sys.argv[1:]]))",
)


ALIKE = [
    (name, what, arguments)
    for name in CASES
    for what, arguments in (("look", LOOK), ("write", WRITE))
    if f"{name}, {what}" not in DIFFERENT
]


@pytest.mark.parametrize(("name", "what", "arguments"), ALIKE, ids=[f"{name}, {what}" for name, what, _ in ALIKE])
def test_image_when_a_table_is_damaged_gets_the_answer_of_qemu_io(oracle, source, tmp_path, name, what, arguments):
    data, below = source(CASES[name].source)
    bad = damaged(CASES[name], data)

    theirs = answers(tmp_path, bad, below, [oracle("qemu-io")], arguments)
    own = answers(tmp_path, bad, below, OURS, arguments)

    assert own == theirs


SAID = [name for name, case in CASES.items() if case.said]


@pytest.mark.parametrize("name", SAID)
def test_image_when_a_table_is_damaged_then_it_is_said_what_is_wrong(source, tmp_path, name):
    data, below = source(CASES[name].source)

    _, _, told = answers(tmp_path, damaged(CASES[name], data), below, OURS, CASES[name].arguments)

    assert CASES[name].said in told.decode()


@pytest.mark.parametrize("name", SOURCES)
def test_image_when_a_table_is_damaged_stays_within_the_budget(source, name):
    data, below = source(name)
    cases = [(n, Mutant(damaged(case, data), str(case.edits))) for n, case in CASES.items() if case.source == name]

    assert try_all(cases, below) == []


def test_image_when_the_header_is_tampered_with_stays_within_the_budget(source, tmp_path):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", tmp_path / "x", "1M"], check=True)
    sound = (tmp_path / "x").read_bytes()
    cases = []
    for name, edits in test_header.CASES.items():
        data = bytearray(sound)
        for offset, change in edits:
            data[offset : offset + len(change)] = change
        cases.append((name, Mutant(bytes(data), name)))

    assert try_all(cases, {"base": bytes(65536), "data": bytes(65536)}) == []


@pytest.mark.parametrize("name", SOURCES)
def test_image_when_numbers_are_damaged_at_random_stays_within_the_budget(source, name):
    data, below = source(name)

    assert try_mutants(name, data, below, range(MUTANTS if name != "encrypted" else ENCRYPTED_MUTANTS)) == []


@pytest.mark.parametrize("name", ["snapshots", "bitmaps", "clusters of 512"])
def test_image_when_it_is_cut_at_any_sector_stays_within_the_budget(source, name):
    data, below = source(name)
    cases = [(f"cut to {end}", Mutant(data[:end], name)) for end in range(0, len(data), 512)]

    assert try_all(cases, below) == []


NAMES = (
    "x",
    "./x",
    "../x",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/mem",
    "folder",
    "fifo",
    "a\nb",
    "json:{",
    'json:{"driver":"qcow2","file":{"driver":"file","filename":"x"}}',
    "nbd:unix:/nowhere",
    "fd:0",
    "fat:/etc",
    "blkverify:x:x",
    "memory:8E",
    "n" * 1023,
    "\udcff\udcfe",
)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_image_when_its_backing_file_is_a_trap_stays_within_the_budget(source, name):
    data, below = source("backing file")
    changed = bytearray(data)
    written = name.encode(errors="surrogateescape")
    changed[8:20] = (2048).to_bytes(8, "big") + len(written).to_bytes(4, "big")
    changed[2048 : 2048 + len(written)] = written
    case = (name, Mutant(bytes(changed), name))

    assert try_all([case], below) + try_all([case], below, follow="all") == []
