"""Where the numbers of a qcow2 image stand, found by a walk of its own through a sound one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

OFFSETS: Final = 0x00FF_FFFF_FFFF_FE00
_BITMAPS: Final = 0x23852875
_CRYPTO: Final = 0x0537BE77

HEADER: Final = {
    "magic": (0, 4),
    "version": (4, 4),
    "backing_file_offset": (8, 8),
    "backing_file_size": (16, 4),
    "cluster_bits": (20, 4),
    "size": (24, 8),
    "crypt_method": (32, 4),
    "l1_size": (36, 4),
    "l1_table_offset": (40, 8),
    "refcount_table_offset": (48, 8),
    "refcount_table_clusters": (56, 4),
    "nb_snapshots": (60, 4),
    "snapshots_offset": (64, 8),
}
HEADER_OF_3: Final = {
    "incompatible_features": (72, 8),
    "compatible_features": (80, 8),
    "autoclear_features": (88, 8),
    "refcount_order": (96, 4),
    "header_length": (100, 4),
    "compression_type": (104, 1),
}
_SNAPSHOT: Final = {
    "l1_table_offset": (0, 8),
    "l1_size": (8, 4),
    "id_size": (12, 2),
    "name_size": (14, 2),
    "vm_state_size": (32, 4),
    "extra_data_size": (36, 4),
    "extra vm_state_size": (40, 8),
    "extra disk_size": (48, 8),
}
_BITMAP: Final = {
    "table_offset": (0, 8),
    "table_size": (8, 4),
    "flags": (12, 4),
    "type": (16, 1),
    "granularity_bits": (17, 1),
    "name_size": (18, 2),
    "extra_data_size": (20, 4),
}


_LUKS: Final = {
    "magic": (0, 6),
    "version": (6, 2),
    "cipher name": (8, 8),
    "cipher mode": (40, 8),
    "hash": (72, 8),
    "payload": (104, 4),
    "key bytes": (108, 4),
    "digest": (112, 8),
    "digest iterations": (164, 4),
}
_LUKS_SLOTS: Final = (208, 48)
_LUKS_SLOT: Final = {"state": (0, 4), "iterations": (4, 4), "material": (40, 4), "stripes": (44, 4)}


class Field(NamedTuple):
    """A big-endian number of ``width`` bytes at ``offset``."""

    name: str
    offset: int
    width: int


def walk(data: bytes) -> list[Field]:
    """Every field, and of long tables the entries that say something and a few that do not."""
    return list(_Walk(data).fields())


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._cluster = 1 << self._number("cluster_bits")

    def _at(self, offset: int, width: int) -> int:
        return int.from_bytes(self._data[offset : offset + width], "big")

    def _number(self, name: str) -> int:
        return self._at(*{**HEADER, **HEADER_OF_3}[name])

    def fields(self) -> Iterator[Field]:
        is_3 = self._number("version") == 3
        for name, (offset, width) in {**HEADER, **(HEADER_OF_3 if is_3 else {})}.items():
            yield Field(name, offset, width)
        yield from self._extensions(self._number("header_length") if is_3 else 72)
        yield from self._l1("active", self._number("l1_table_offset"), self._number("l1_size"))
        yield from self._refcounts()
        yield from self._snapshots()

    def _extensions(self, at: int) -> Iterator[Field]:
        while kind := self._at(at, 4):
            length = self._at(at + 4, 4)
            yield Field("extension type", at, 4)
            yield Field("extension length", at + 4, 4)
            for inside in range(0, min(length, 24), 8):
                yield Field(f"extension {kind:#x} +{inside}", at + 8 + inside, 8)
            if kind == _CRYPTO:
                yield from _luks(self._at(at + 8, 8))
            if kind == _BITMAPS:
                yield from self._bitmaps(self._at(at + 8, 4), self._at(at + 24, 8))
            at += 8 + -(-length // 8) * 8
        yield Field("end extension", at, 8)

    def _l1(self, whose: str, offset: int, entries: int) -> Iterator[Field]:
        words = 2 if self._number("version") == 3 and self._number("incompatible_features") & 16 else 1
        for index in range(min(entries, 40)):
            yield Field(f"{whose} L1[{index}]", offset + index * 8, 8)
            if table := self._at(offset + index * 8, 8) & OFFSETS:
                yield from self._entries(f"{whose} L2", table, self._cluster // 8, more=4 * words)

    def _entries(self, name: str, offset: int, entries: int, *, more: int) -> Iterator[Field]:
        """The entries that are not 0, and so many of the others."""
        for index in range(entries):
            used = self._at(offset + index * 8, 8) != 0
            more -= not used
            if used or more >= 0:
                yield Field(f"{name}[{index}]", offset + index * 8, 8)

    def _refcounts(self) -> Iterator[Field]:
        table = self._number("refcount_table_offset")
        yield from self._entries("refcount table", table, self._cluster // 8, more=4)
        block = self._at(table, 8) & OFFSETS
        yield from self._entries("refcount block", block, self._cluster // 8, more=2)

    def _snapshots(self) -> Iterator[Field]:
        at = self._number("snapshots_offset")
        for index in range(self._number("nb_snapshots")):
            for name, (offset, width) in _SNAPSHOT.items():
                yield Field(f"snapshot {index} {name}", at + offset, width)
            yield from self._l1(f"snapshot {index}", self._at(at, 8), self._at(at + 8, 4))
            at += -(-(40 + self._at(at + 36, 4) + self._at(at + 12, 2) + self._at(at + 14, 2)) // 8) * 8

    def _bitmaps(self, number: int, at: int) -> Iterator[Field]:
        for index in range(number):
            for name, (offset, width) in _BITMAP.items():
                yield Field(f"bitmap {index} {name}", at + offset, width)
            for entry in range(self._at(at + 8, 4)):
                yield Field(f"bitmap {index} table[{entry}]", self._at(at, 8) + entry * 8, 8)
            at += -(-(24 + self._at(at + 18, 2) + self._at(at + 20, 4)) // 8) * 8


def _luks(at: int) -> Iterator[Field]:
    """The fields of the LUKS header at ``at``."""
    for name, (offset, width) in _LUKS.items():
        yield Field(f"LUKS {name}", at + offset, width)
    first, step = _LUKS_SLOTS
    for slot in range(8):
        for name, (offset, width) in _LUKS_SLOT.items():
            yield Field(f"LUKS slot {slot} {name}", at + first + slot * step + offset, width)
