"""Structures of formats: sound ones, and what is said of bytes that are none."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from pyqio.base.records import pack
from pyqio.crypto.header import ACTIVE, SlotFields, VolumeFields, encode
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.verify.structures import STRUCTURES, view
from pyqio.verify.structures.source import LARGEST, MOST_FIELDS, Source

CLUSTER = 65536
SECTOR = 512
LINUX = "af3dc60f838472478e793d69d8477de4"


class Bytes:
    """An image that is a few bytes."""

    def __init__(self, data):
        self.data = bytes(data)
        self.most = 0

    def length(self):
        return len(self.data)

    def pread(self, offset, length):
        assert offset + length <= len(self.data)
        self.most = max(self.most, length)
        return self.data[offset : offset + length]


def look(name, data, offset=None, length=None):
    return list(view(name, Source(Bytes(data), "x"), offset, length))


def values(structure):
    return {part.name: part.value for part in structure.parts}


def wrong(structures):
    return [
        text for found in structures for text in (*found.wrong, *(part.wrong for part in found.parts if part.wrong))
    ]


@pytest.fixture
def qcow2(tmp_path):
    """``qcow2(**options)``: the bytes of an image with a backing file."""

    def make(**options):
        Qcow2.create(str(tmp_path / "base"), 1 << 20, {})
        path = str(tmp_path / "x")
        Qcow2.create(path, 1 << 20, {"backing_file": str(tmp_path / "base"), "backing_fmt": "qcow2", **options})
        with open(path, "rb") as file:
            return bytearray(file.read())

    return make


def test_qcow2_header_when_sound_then_fields_extensions_and_the_backing_file(qcow2, tmp_path):
    found = look("qcow2-header", qcow2())

    assert [structure.name for structure in found] == [
        "qcow2 header",
        "header extension: backing file's format",
        "header extension: names of features",
        "backing file's name",
    ]
    header = values(found[0])
    assert (header["cluster_bits"], header["size"], header["refcount_order"]) == (16, 1 << 20, 4)
    assert values(found[1])["name"] == "qcow2"
    assert values(found[-1])["name"] == str(tmp_path / "base")
    assert wrong(found) == []


@pytest.mark.parametrize(
    ("at", "number", "told"),
    [
        (0, 0, ["Image is not in qcow2 format", 'not "QFI\\xfb"']),
        (20, 40, ["Unsupported cluster size: 2^40"]),
        (72, 1 << 31, ["Unsupported qcow2 feature(s): Unknown incompatible feature: 8000000000000000"]),
        (100, 2**31, ["qcow2 header exceeds cluster size"]),
    ],
)
def test_qcow2_header_when_damaged_then_says_what_the_driver_says(qcow2, at, number, told):
    data = qcow2()
    data[at : at + 4] = number.to_bytes(4, "big")

    assert wrong(look("qcow2-header", data))[: len(told)] == told


def test_l1_when_sound_then_the_table_that_the_header_leads_to(qcow2):
    data = qcow2()
    l1 = int.from_bytes(data[40:48], "big")
    data[l1 : l1 + 8] = (1 << 63 | 4 * CLUSTER).to_bytes(8, "big")

    (found,) = look("l1", data)

    assert (found.offset, [(part.name, part.value, part.meaning) for part in found.parts]) == (
        l1,
        [("[0]", 1 << 63 | 4 * CLUSTER, "leads to an L2 table, copied")],
    )


def test_l2_when_entries_are_zero_then_they_are_told_together():
    words = [0, 0, 0, 1 << 63 | 0x50000, 0, 1]

    (found,) = look("l2", struct.pack(">6Q", *words), 0, 48)

    assert found.wrong == ("there is no qcow2 header: the usual sizes are taken",)
    assert [(part.name, part.value, part.meaning) for part in found.parts] == [
        ("[0-2]", 0, ""),
        ("[3]", 1 << 63 | 0x50000, "data, copied"),
        ("[4]", 0, ""),
        ("[5]", 1, "reads as zero"),
    ]


def test_l2_when_entries_are_extended_then_a_zero_entry_with_a_bitmap_is_shown(qcow2):
    data = qcow2(extended_l2="on")
    data += struct.pack(">6Q", 0, 1 << 32, 0, 0, 1 << 62 | 0x50000, 1)

    (found,) = look("l2", data, len(data) - 48, 48)

    assert [(part.name, part.meaning, part.wrong) for part in found.parts] == [
        ("[0]", "reads as zero: 0, allocated: none", ""),
        ("[1]", "", ""),
        ("[2]", "compressed cluster", "must be 0 in a compressed cluster's entry"),
    ]


def test_l2_when_two_entries_lead_to_one_cluster_then_the_second_says_so():
    compressed = 1 << 62 | 0x50000
    words = [0x50000, compressed, 1 << 63 | 0x50000, compressed]

    (found,) = look("l2", struct.pack(">4Q", *words), 0, 32)

    assert [part.wrong for part in found.parts] == ["", "", "the host cluster of [0] too", ""]


def test_l2_when_there_are_more_entries_than_are_shown_then_says_so():
    data = struct.pack(">Q", 1 << 63 | 0x50000) * (MOST_FIELDS + 2)

    (found,) = look("l2", data, 0, len(data))

    assert len(found.parts) == MOST_FIELDS
    assert found.wrong[-1] == "2 more entries are not shown"


def test_refblock_when_counts_are_equal_then_they_are_told_together(qcow2):
    (found,) = look("refblock", qcow2())

    assert [(part.name, part.value) for part in found.parts] == [("0-3", 1), ("4-32767", 0)]


def test_reftable_when_sound_then_the_first_block(qcow2):
    (found,) = look("reftable", qcow2())

    assert found.parts[0].value == 2 * CLUSTER


def partitioned(entries=128, size=128):
    """A disk with a GPT and one partition."""
    table = bytearray(entries * size)
    table[:128] = (
        bytes.fromhex(LINUX)
        + bytes(range(16))
        + struct.pack("<QQQ", 34, 99, 0)
        + "root".encode("utf-16-le").ljust(72, b"\0")
    )
    fields = [b"EFI PART", 0x10000, 92, 0, 0, 1, 199, 34, 166, bytes(range(16)), 2, entries, size, zlib.crc32(table)]
    form = struct.Struct("<8sIIIIQQQQ16sQIII")
    fields[3] = zlib.crc32(form.pack(*fields))
    return bytearray(bytes(SECTOR) + form.pack(*fields).ljust(SECTOR, b"\0") + table + bytes(SECTOR))


def test_gpt_when_sound_then_header_and_entries_with_their_checksums():
    header, entries = look("gpt", partitioned())

    assert values(header)["disk_guid"] == "03020100-0504-0706-0809-0a0b0c0d0e0f"
    assert [(part.name, part.value, part.meaning) for part in entries.parts] == [
        ("[0]", "root", "Linux, sectors 34-99")
    ]
    assert wrong([header, entries]) == []


@pytest.mark.parametrize(
    ("at", "data", "told"),
    [
        (SECTOR, b"X", ['the signature is not "EFI PART": this is no GPT header']),
        (SECTOR + 24, b"\x02", ["header_crc32 is "]),
        (2 * SECTOR + 32, b"\xff", ["entries_crc32 is ", "it ends before it starts"]),
        (SECTOR + 80, b"\xff\xff\xff\xff", ["header_crc32 is ", "there cannot be 4294967295 entries of 128 bytes"]),
        (SECTOR + 84, b"\x03\x00\x00\x00", ["header_crc32 is ", "there cannot be 128 entries of 3 bytes"]),
        (SECTOR + 12, b"\xff\xff\xff\xff", ["header_bytes cannot be 4294967295"]),
        (SECTOR + 72, b"\xff" * 8, ["header_crc32 is ", "entries_crc32 is "]),
    ],
)
def test_gpt_when_damaged_then_says_what_does_not_fit(at, data, told):
    disk = partitioned()
    disk[at : at + len(data)] = data

    found = wrong(look("gpt", disk))

    assert [text.startswith(start) for text, start in zip(found, told, strict=True)] == [True] * len(told)


def test_mbr_when_there_are_partitions_then_their_types_and_sectors():
    sector = bytearray(SECTOR)
    sector[446:462] = bytes((0x80, 0, 0, 0, 0x83, 0, 0, 0)) + struct.pack("<II", 2048, 1000)
    sector[462:478] = bytes((0x7F, 0, 0, 0, 0x77, 0, 0, 0)) + struct.pack("<II", 1, 1)
    sector[510:] = b"\x55\xaa"

    (found,) = look("mbr", sector)

    entries = [(part.value, part.meaning, part.wrong) for part in found.parts if part.name.startswith("partition")]
    assert entries == [
        ("type 0x83", "Linux, sectors 2048-3047, bootable", ""),
        ("type 0x77", "unknown, sectors 1-1", "status 0x7f is neither 0 nor 0x80"),
        ("empty", "", ""),
        ("empty", "", ""),
    ]


def test_luks_when_sound_then_its_fields_and_slots():
    slots = tuple(SlotFields(ACTIVE if at == 0 else 0xDEAD, 1000, b"s" * 32, 8 + 512 * at, 4000) for at in range(8))
    fields = VolumeFields(
        b"LUKS\xba\xbe", 1, b"aes".ljust(32, b"\0"), b"xts-plain64".ljust(32, b"\0"), b"sha256".ljust(32, b"\0"),
        4104, 64, b"d" * 20, b"s" * 32, 1000, b"u".ljust(40, b"\0"),
    )  # fmt: skip
    assert pack(fields)

    found = look("luks", encode(fields, slots))

    assert wrong(found) == []
    assert values(found[0])["cipher_mode"] == "xts-plain64"
    assert [part.meaning for slot in found[1:3] for part in slot.parts if part.name == "state"] == [
        "active",
        "inactive",
    ]


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("size", [0, 1, 511, 600, 70_000])
def test_view_when_bytes_are_noise_then_bounded_and_no_error(name, size):
    for seed in range(8):
        image = Bytes(random.Random(f"{name} {size} {seed}").randbytes(size))
        image.data = image.data if seed % 2 else (b"QFI\xfb\0\0\0\3" + image.data)[: size or 8]

        found = list(view(name, Source(image, "x"), None, None))

        assert found
        assert image.most <= LARGEST
        assert all(len(structure.parts) <= MOST_FIELDS for structure in found)
