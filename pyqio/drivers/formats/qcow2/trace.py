"""The way of a guest byte through the tables, for a person to read: every entry, and what cannot be right about it.

Nothing here changes an image, finds it corrupt or raises for what its tables say.  Entries that are in memory count
as they are there, since that is what a request would see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyqio.base.structure import Explanation, Field, Onward, Structure
from pyqio.drivers.formats.qcow2 import layout, users
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.compressed import TYPES
from pyqio.drivers.formats.qcow2.entries import (
    REFTABLE_MASK,
    features_field,
    l1_field,
    l2_fields,
    refcount_field,
    reftable_field,
)
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, COPIED, OFFSET_MASK, SUB_ALLOCATED, SUBCLUSTERS, ZERO
from pyqio.drivers.formats.qcow2.snapshots import table_bytes as table_bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.drivers.formats.qcow2.snapshots import Snapshot
    from pyqio.drivers.formats.qcow2.store import Store

_SHOWN_USERS: Final = 8
_DAMAGED: Final = "damaged"


def explain(store: Store, offset: int, *, thorough: bool) -> Explanation:
    """The way of the guest byte at ``offset``; ``thorough``: look for others that use its cluster in all tables."""
    trace = _Trace(store, offset, thorough=thorough)
    kind = trace.walk()
    return Explanation(
        kind=kind, next=trace.next, facts=trace.facts, wrong=trace.wrong, structures=tuple(trace.structures)
    )


class _Trace:
    """What is known so far of one byte."""

    def __init__(self, store: Store, offset: int, *, thorough: bool) -> None:
        self._store = store
        self._geometry = store.geometry
        self._offset = offset
        self._thorough = thorough
        self._end = store.file.length()
        self._flags_count = all(s.l1_table_offset != store.mapping.l1_offset for s in store.snapshots)
        """Whether COPIED means anything: it is kept true in the disk's own tables alone."""
        self.next: Sequence[Onward] = ()
        self.facts: dict[str, Any] = {}
        self.wrong: list[str] = []
        self.structures: list[Structure] = []

    def walk(self) -> str:
        """Go all the way; returns what kind of byte it is."""
        geometry, offset = self._geometry, self._offset
        self._marks()
        self.facts["cluster"] = {
            "number": offset >> geometry.cluster_bits,
            "byte": offset & geometry.cluster_mask,
            "size": geometry.cluster_size,
        }
        table = self._walk_l1()
        if table is None:
            return _DAMAGED
        return self._walk_l2(table) if table else self._unallocated()

    def _marks(self) -> None:
        """What the header says of the whole image."""
        features = self._store.fields.incompatible_features
        if self._store.dead:
            self.wrong.append("the image was found to be corrupt, and serves no requests")
        elif features & layout.CORRUPT:
            self.wrong.append("the image is marked as corrupt")
        if features & layout.DIRTY and not self._store.writable:
            self.wrong.append("the image is marked as dirty: its refcounts may be out of date")
        if features & (layout.CORRUPT | layout.DIRTY):
            self._note("incompatible features", [features_field(features)])

    def _walk_l1(self) -> int | None:
        """Host offset of the L2 table, 0 where there is none, None where what is said cannot be."""
        mapping = self._store.mapping
        index = self._offset // self._geometry.l2_coverage
        if index >= len(mapping.l1):
            self.facts["l1"] = {"index": index, "entries": len(mapping.l1)}
            self.wrong.append(f"the L1 table has only {len(mapping.l1)} entries")
            return None
        entry, at = mapping.l1[index], mapping.l1_offset + index * 8
        table = entry & OFFSET_MASK
        facts = self.facts["l1"] = {"index": index, "entry": entry, "entry_offset": at}
        self._note("L1 entry", [l1_field(self._geometry, entry, at)])
        self._compare(facts, entry, at)
        if not table:
            return 0
        facts |= {"copied": bool(entry & COPIED), "table_offset": table}
        if not self._is_place("L2 table", table):
            return None
        self._check_overlap("L2 table", table, self._geometry.cluster_size)
        facts["refcount"] = self._count("L2 table", table, copied=bool(entry & COPIED))["count"]
        return table

    def _walk_l2(self, table: int) -> str:
        geometry = self._geometry
        index = self._offset >> geometry.cluster_bits & (1 << geometry.l2_bits) - 1
        width = 16 if geometry.extended else 8
        at = table + index * width
        entry, bitmap = self._l2_words(table, index, at)
        facts = self.facts["l2"] = {"index": index, "entry": entry, "entry_offset": at}
        self._note("L2 entry", l2_fields(geometry, entry, bitmap, at))
        self._compare(facts, entry, at)
        if entry & COMPRESSED:
            return self._packed(entry)
        host = entry & OFFSET_MASK
        placed = bool(entry & geometry.host_mask)
        if placed:
            facts |= {"copied": bool(entry & COPIED), "cluster_offset": host}
        if geometry.extended:
            kind = self._subcluster(bitmap, placed=placed)
        elif entry & ZERO:
            kind = "zero" if geometry.version >= 3 else _DAMAGED
        else:
            kind = "data" if placed else "unallocated"
        if placed and not self._host_cluster(host, copied=bool(entry & COPIED)):
            return _DAMAGED
        return self._go_on(kind, host)

    def _go_on(self, kind: str, host: int) -> str:
        """Where the way goes on from a byte of this kind; ``host``: its host cluster."""
        if kind == "unallocated":
            return self._unallocated()
        if kind == "data":
            at = host + (self._offset & self._geometry.cluster_mask)
            self.next = (Onward("data-file" if self._geometry.external else "file", at),)
            self._encryption(at)
        return kind

    def _unallocated(self) -> str:
        backing = self._store.backing
        if backing is None:
            return "unallocated"
        if self._offset >= backing.length():
            self.facts["backing"] = {"too_short": True, "length": backing.length()}
            return "unallocated"
        self.next = (Onward("backing", self._offset),)
        return "backing"

    def _subcluster(self, bitmap: int, *, placed: bool) -> str:
        index = (self._offset & self._geometry.cluster_mask) >> self._geometry.subcluster_bits
        allocated, zero = bool(bitmap >> index & 1), bool(bitmap >> SUBCLUSTERS >> index & 1)
        self.facts["subcluster"] = {
            "index": index,
            "size": self._geometry.subcluster_size,
            "allocated": allocated,
            "zero": zero,
            "bitmap": bitmap,
        }
        marked = bitmap & SUB_ALLOCATED
        if marked & bitmap >> SUBCLUSTERS or (marked and not placed):
            return _DAMAGED
        return "zero" if zero else "data" if allocated else "unallocated"

    def _packed(self, entry: int) -> str:
        offset, length = self._geometry.compressed_range(entry)
        self.facts["compressed"] = {
            "offset": offset,
            "length": length,
            "sectors": -(-(offset % 512 + length) // 512),
            "type": TYPES[self._store.header.compression_type][0],
        }
        if self._geometry.external:
            self.wrong.append("a data file holds no compressed clusters")
        if not offset or offset >= self._end:
            self.wrong.append(self._outside("compressed data", offset))
            return _DAMAGED
        self._check_overlap("compressed data", offset, length)
        self._refcount("compressed data", offset & ~self._geometry.cluster_mask, copied=None)
        self.next = (Onward("file", offset),)
        return "compressed"

    def _host_cluster(self, host: int, *, copied: bool) -> bool:
        """Look at the cluster that an L2 entry leads to; returns whether it can be one."""
        if self._geometry.external:
            self.facts["data_file"] = {"cluster_offset": host, "identical": host == self._guest_cluster}
            if self._store.raw_data and host != self._guest_cluster:
                self.wrong.append(f"a raw data file has guest cluster {self._guest_cluster:#x} there, not at {host:#x}")
            return not host & self._geometry.cluster_mask
        if not self._is_place("host cluster", host):
            return False
        self._check_overlap("host cluster", host, self._geometry.cluster_size)
        self._refcount("host cluster", host, copied=copied)
        return True

    def _refcount(self, what: str, host: int, *, copied: bool | None) -> None:
        """The count of a data cluster, and who uses it."""
        facts = self.facts["refcount"] = self._count(what, host, copied=copied)
        found = users.find(self._store, host, budget=None if self._thorough else users.CHEAP)
        own = users.User("", self._guest_cluster)
        others = [user for user in found.found if user != own]
        self.facts["users"] = {
            "count": len(found.found),
            "complete": found.complete,
            "others": [user._asdict() for user in others[:_SHOWN_USERS]],
        }
        if not found.complete and not self._thorough:
            self.facts["users"]["see"] = "'where --users'"
        twins = [user for user in others if not user.snapshot]
        if twins and copied is not None:
            places = ", ".join(f"{user.guest_offset:#x}" for user in twins[:_SHOWN_USERS])
            self.wrong.append(f"the host cluster at {host:#x} is also that of guest cluster {places}")
        if found.complete and self._flags_count and facts["count"] not in (0, len(found.found)):
            lead = "1 entry leads" if len(found.found) == 1 else f"{len(found.found)} entries lead"
            self.wrong.append(f"{lead} to the {what}, but its refcount is {facts['count']}")

    def _count(self, what: str, host: int, *, copied: bool | None) -> dict[str, Any]:
        """The refcount of the host cluster at ``host``, and where it stands."""
        geometry, refcounts = self._geometry, self._store.refcounts
        cluster = host >> geometry.cluster_bits
        block_index, index = divmod(cluster, geometry.block_entries)
        block, count = 0, 0
        facts: dict[str, Any] = {"cluster": cluster}
        if block_index < len(refcounts.table):
            entry, at = refcounts.table[block_index], refcounts.table_offset + block_index * 8
            block = entry & REFTABLE_MASK
            self._note(f"refcount table entry of the {what}", [reftable_field(geometry, entry, at)])
        if block and self._is_place("refcount block", block):
            at = block + index * geometry.refcount_bits // 8
            count, data = self._read_count(block, index, at)
            facts |= {"block_offset": block, "entry_offset": at}
            self._note(f"refcount of the {what}", [refcount_field(geometry, data, index, at)])
        if not count:
            self.wrong.append(f"the {what} at {host:#x} is in use, but its refcount is 0")
        elif copied is not None and self._flags_count and copied != (count == 1):
            flag = "COPIED says 1" if copied else "COPIED is not set"
            self.wrong.append(f"the {what} at {host:#x} has refcount {count}, but {flag}")
        return {"count": count, **facts}

    def _read_count(self, block: int, index: int, at: int) -> tuple[int, bytes]:
        """The count with this number of a block, and the bytes that hold it."""
        bits = self._geometry.refcount_bits
        data = self._read(at, max(1, bits // 8))
        inside = 0 if bits >= 8 else index % (8 // bits)
        count = self._store.refcounts.loaded(block, index)
        if count is None:
            return Codec(bits).decode(data)[inside], data
        if bits >= 8:
            return count, count.to_bytes(bits // 8, "big")
        shift = inside * bits
        return count, bytes([data[0] & ~(((1 << bits) - 1) << shift) & 0xFF | count << shift])

    def _is_place(self, what: str, host: int) -> bool:
        """Whether a cluster can be there; what lies past the end of the file can, and reads as zeroes."""
        if host & self._geometry.cluster_mask:
            self.wrong.append(f"the {what} offset {host:#x} is not aligned to a cluster")
            return False
        if host >= self._end:
            self.wrong.append(self._outside(what, host))
        return True

    def _outside(self, what: str, host: int) -> str:
        return f"the {what} offset {host:#x} is not inside the file, which has {self._end:#x} bytes"

    def _check_overlap(self, what: str, host: int, length: int) -> None:
        """Note where other metadata is where ``what`` should be."""
        store, fields, size = self._store, self._store.fields, self._geometry.cluster_size
        table_bytes = fields.refcount_table_clusters * size
        regions = [
            ("the header", 0, size),
            ("the L1 table", store.mapping.l1_offset, len(store.mapping.l1) * 8),
            ("the refcount table", store.refcounts.table_offset, table_bytes),
            ("the snapshot table", fields.snapshots_offset, table_bytes_of(store.snapshots)),
            *(("a snapshot's L1 table", s.l1_table_offset, s.l1_size * 8) for s in self._other_snapshots()),
        ]
        for name, start, count in regions:
            if host < start + count and start < host + length:
                self.wrong.append(f"the {what} at {host:#x} lies over {name}")
        first = host & ~self._geometry.cluster_mask
        if first in store.refcounts.table:
            self.wrong.append(f"the {what} at {host:#x} lies over a refcount block")
        expected = 1 if what == "L2 table" else 0
        if store.mapping.l1.count(first | COPIED) + store.mapping.l1.count(first) > expected:
            other = "another L1 entry leads there too" if expected else "an L2 table is there"
            self.wrong.append(f"the {what} at {host:#x}: {other}")

    def _other_snapshots(self) -> Iterator[Snapshot]:
        """The snapshots, but for the one that the image is opened as."""
        return (s for s in self._store.snapshots if s.l1_table_offset != self._store.mapping.l1_offset)

    def _encryption(self, at: int) -> None:
        store = self._store
        if store.fields.crypt_method:
            self.facts["encryption"] = {
                "method": layout.CRYPT_METHODS[store.fields.crypt_method],
                "sector": (self._offset if store.cipher_by_guest else at) // 512,
                "counted_in": "guest" if store.cipher_by_guest else "file",
            }

    @property
    def _guest_cluster(self) -> int:
        return self._offset & ~self._geometry.cluster_mask

    def _l2_words(self, table: int, index: int, at: int) -> tuple[int, int]:
        """The entry and its bitmap, 0 where entries have none."""
        geometry = self._geometry
        if loaded := self._store.mapping.loaded(table, index):
            inside = index % geometry.slice_entries
            return loaded.entries[inside], loaded.bitmaps[inside] if geometry.extended else 0
        data = self._read(at, 16)
        return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big") if geometry.extended else 0

    def _compare(self, facts: dict[str, Any], entry: int, at: int) -> None:
        """Tell of an entry that is not written yet."""
        if (written := int.from_bytes(self._read(at, 8), "big")) != entry:
            facts["file_entry"] = written

    def _read(self, at: int, length: int) -> bytes:
        data = bytearray(length)
        self._store.file.pread(at, memoryview(data))
        return bytes(data)

    def _note(self, name: str, fields: list[Field]) -> None:
        where = self._store.file.filename or self._store.file.name
        self.structures.append(Structure(name=name, where=where, offset=fields[0].offset, parts=fields))
        for field in fields:
            what = name if field.name == "entry" else f"{name}, {field.name}"
            if field.wrong:
                self.wrong.append(f"{what}: {field.wrong}")
            for bits in field.bits:
                if bits.wrong and "aligned" not in bits.wrong:
                    self.wrong.append(f"{what}: {bits.name} {bits.value:#x}: {bits.wrong}")
