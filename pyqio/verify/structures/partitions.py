"""Partition tables: the master boot record, and the GUID partition table with its checksums.

Sources: UEFI specification 2.10, sections 5.2 and 5.3; sizes and places are those for sectors of 512 bytes, or of
4096 where the table is found there.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.structure import FLAGS, NUMBER, TEXT, Field
from pyqio.verify.structures import values
from pyqio.verify.structures.source import LARGEST, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.structure import Structure
    from pyqio.verify.structures.source import Source

_SECTORS: Final = (512, 4096)
_SIGNATURE: Final = b"EFI PART"
_MOST_ENTRIES: Final = 1024
_MBR_TYPES: Final = {
    0x00: "empty",
    0x05: "extended",
    0x06: "FAT16",
    0x07: "NTFS or exFAT",
    0x0B: "FAT32",
    0x0C: "FAT32, LBA",
    0x0E: "FAT16, LBA",
    0x0F: "extended, LBA",
    0x82: "Linux swap",
    0x83: "Linux",
    0x8E: "Linux LVM",
    0xA5: "FreeBSD",
    0xEE: "GPT, protective",
    0xEF: "EFI system",
    0xFD: "Linux RAID",
}
_GPT_TYPES: Final = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f": "Linux swap",
    "e6d6d379-f507-44c2-a23c-238f2a3df928": "Linux LVM",
    "a19d880f-05fc-4d3b-a006-743f0f84911e": "Linux RAID",
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709": "Linux root, x86-64",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "Microsoft basic data",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
}
_GPT_HEADER: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_FIELDS: Final = (
    ("signature", 8, TEXT),
    ("revision", 4, FLAGS),
    ("header_bytes", 4, NUMBER),
    ("header_crc32", 4, FLAGS),
    ("reserved", 4, NUMBER),
    ("my_lba", 8, NUMBER),
    ("alternate_lba", 8, NUMBER),
    ("first_usable_lba", 8, NUMBER),
    ("last_usable_lba", 8, NUMBER),
    ("disk_guid", 16, TEXT),
    ("entries_lba", 8, NUMBER),
    ("entries", 4, NUMBER),
    ("entry_bytes", 4, NUMBER),
    ("entries_crc32", 4, FLAGS),
)


def mbr(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """The partition table in the first sector."""
    start = offset or 0
    data = source.padded(start, 512)
    parts = [Field(offset=start, data=data[:440], name="boot_code", value="none" if not any(data[:440]) else "there")]
    disk = int.from_bytes(data[440:444], "little")
    parts.append(Field(offset=start + 440, data=data[440:444], name="disk_signature", value=disk, form=FLAGS))
    for index in range(4):
        at = 446 + 16 * index
        parts.append(_mbr_entry(data[at : at + 16], start + at, index))
    found = data[510:512]
    wrong = "" if found == b"\x55\xaa" else "must be 55 aa: this is no boot record"
    value = int.from_bytes(found, "little")
    parts.append(Field(offset=start + 510, data=found, name="signature", value=value, form=FLAGS, wrong=wrong))
    yield structure(source, "master boot record", start, parts)


def _mbr_entry(data: bytes, at: int, index: int) -> Field:
    status, kind, first, sectors = data[0], data[4], *struct.unpack_from("<II", data, 8)
    name = f"partition {index + 1}"
    if not any(data):
        return Field(offset=at, data=data, name=name, value="empty", form=TEXT)
    meaning = f"{_MBR_TYPES.get(kind, 'unknown')}, sectors {first}-{first + sectors - 1}"
    wrong = "" if status in (0, 0x80) else f"status {status:#x} is neither 0 nor 0x80"
    if status == 0x80:
        meaning += ", bootable"
    return Field(offset=at, data=data, name=name, value=f"type {kind:#04x}", form=TEXT, meaning=meaning, wrong=wrong)


def gpt(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """A GPT header, by default the first of the disk, and the entries that it leads to."""
    start, sector = _find_gpt(source) if offset is None else (offset, _SECTORS[0])
    data = source.padded(start, _GPT_HEADER.size)
    numbers = _GPT_HEADER.unpack(data)
    fields = dict(zip((name for name, _, _ in _GPT_FIELDS), numbers, strict=True))
    head = source.padded(start, sector)
    yield structure(source, "GPT header", start, _gpt_fields(data, numbers, start), _gpt_wrong(fields, head))
    if fields["signature"] == _SIGNATURE:
        yield _gpt_entries(source, fields, sector)


def _find_gpt(source: Source) -> tuple[int, int]:
    for sector in _SECTORS:
        if source.padded(sector, 8) == _SIGNATURE:
            return sector, sector
    return _SECTORS[0], _SECTORS[0]


def _gpt_fields(data: bytes, numbers: tuple[Any, ...], start: int) -> list[Field]:
    parts, at = [], 0
    for (name, size, form), value in zip(_GPT_FIELDS, numbers, strict=True):
        piece = data[at : at + size]
        shown = value
        if isinstance(value, bytes):
            shown = values.decode("guid", piece)[0] if size == 16 else value.decode("ascii", "backslashreplace")
        parts.append(Field(offset=start + at, data=piece, name=name, value=shown, form=form))
        at += size
    return parts


def _gpt_wrong(fields: dict[str, Any], head: bytes) -> Iterator[str]:
    if fields["signature"] != _SIGNATURE:
        yield 'the signature is not "EFI PART": this is no GPT header'
        return
    size = fields["header_bytes"]
    if not _GPT_HEADER.size <= size <= len(head):
        yield f"header_bytes cannot be {size}"
        return
    found = zlib.crc32(head[:16] + bytes(4) + head[20:size])
    if found != fields["header_crc32"]:
        yield f"header_crc32 is {fields['header_crc32']:#x}, but the header's checksum is {found:#x}"


def _gpt_entries(source: Source, fields: dict[str, Any], sector: int) -> Structure:
    at, count, size = fields["entries_lba"] * sector, fields["entries"], fields["entry_bytes"]
    wrong = []
    if size < 128 or size % 8 or count * size > LARGEST:
        wrong.append(f"there cannot be {count} entries of {size} bytes")
        count, size = 0, 128
    data = source.padded(min(at, source.end), count * size)
    found = zlib.crc32(data)
    if count and found != fields["entries_crc32"]:
        wrong.append(f"entries_crc32 is {fields['entries_crc32']:#x}, but the entries' checksum is {found:#x}")
    parts = []
    for index in range(min(count, _MOST_ENTRIES)):
        entry = data[index * size : index * size + 128]
        if any(entry[:16]):
            parts.append(_gpt_entry(entry, at + index * size, index))
    return structure(source, "GPT entries", at, parts, wrong)


def _gpt_entry(data: bytes, at: int, index: int) -> Field:
    kind = str(values.decode("guid", data[:16])[0])
    first, last, attributes = struct.unpack_from("<QQQ", data, 32)
    name = data[56:128].decode("utf-16-le", "replace").partition("\0")[0]
    meaning = f"{_GPT_TYPES.get(kind, kind)}, sectors {first}-{last}"
    if attributes:
        meaning += f", attributes {attributes:#x}"
    wrong = "" if first <= last else "it ends before it starts"
    return Field(
        offset=at, data=data, name=f"[{index}]", value=name or "no name", form=TEXT, meaning=meaning, wrong=wrong
    )
