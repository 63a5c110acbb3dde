"""Every reference to a host cluster that an image's tables hold, counted."""

from __future__ import annotations

from collections import Counter
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING, Final

from pyqio.base.records import codec, unpack
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.checking.lanes import lanes_of
from pyqio.drivers.formats.qcow2.checking.metadata import PART_BYTES, PIECE_BYTES
from pyqio.drivers.formats.qcow2.checking.tally import MANY, Tally
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, COPIED, OFFSET_MASK, SUB_ALLOCATED, ZERO

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Sequence

    from pyqio.drivers.formats.qcow2.checking.metadata import Findings, Metadata
    from pyqio.drivers.formats.qcow2.checking.snapshot_table import SnapshotTable

_L1_RESERVED: Final = 0x7F00_0000_0000_01FF
_L2_RESERVED: Final = 0x3F00_0000_0000_01FE
_REFTABLE_RESERVED: Final = 0x1FF
_BITMAP_RESERVED: Final = 0xFF00_0000_0000_01FE
_SHUNNED_CLUSTERS: Final = 1 << 20
_SHUNNED_RUN: Final = 8
"""How far past the end, and how long, a reference may be to be remembered: longer ones are broken tables."""
_MAX_BITMAP_TABLE: Final = 0x8000000
_NARROW = (
    "Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy "
    "if the image cannot be opened for writing"
)


class References:
    """The counts of one walk through an image.

    ``clear_entry(offset)`` makes the L2 entry at this host offset one without a cluster, and says whether it did;
    None where nothing is to be repaired.
    ``copied``: the COPIED flag stands in every active entry that leads to a cluster, and in no other.
    ``broken``: a part of the refcount structure is of no use.  ``beyond``: references to what is past the end of the
    file, not counted: (first cluster, number).  ``shunned``: clusters not counted, and yet not to be given out.
    """

    def __init__(
        self, metadata: Metadata, findings: Findings, *, clear_entry: Callable[[int], bool] | None = None
    ) -> None:
        self._metadata = metadata
        self._geometry = geometry = metadata.geometry
        self._findings = findings
        self._clear_entry = clear_entry
        self.tally = Tally(geometry.refcount_max, self._overflow)
        self._file_length = metadata.file.length()
        self._file_clusters = geometry.clusters(self._file_length)
        self.clusters = self._file_clusters
        """Clusters that the file has, one that is referred to beyond its end included."""
        self.copied = True
        self.broken = False
        self.beyond: list[tuple[int, int]] = []
        self.shunned: set[int] = set()
        self._expected = 0
        self._misplaced = False
        """Whether the L2 table is one that is not aligned: what stands there may be anything, and is left alone."""
        self._lanes = lanes = lanes_of(min(geometry.cluster_size, PART_BYTES) // metadata.entry_bytes)
        self._piece_lanes = lanes_of(min(geometry.cluster_size, PIECE_BYTES) // 8)
        self._offsets = lanes.spread(OFFSET_MASK)
        self._packed = lanes.spread(COMPRESSED)
        self._step = geometry.cluster_size
        self._odd_bits = COMPRESSED | _L2_RESERVED | geometry.cluster_mask & OFFSET_MASK
        self._odd = lanes.spread(self._odd_bits)
        self._subclusters = lanes.spread(SUB_ALLOCATED)

    def count_all(self, snapshots: SnapshotTable, reftable: array[int], *, repair: bool) -> None:
        """Count.  ``repair``: refcount blocks outside the file are to be done without."""
        fields, size = self._metadata.fields, self._geometry.cluster_size
        self.add(0, size)
        self._add_l1(fields.l1_table_offset, fields.l1_size, active=True)
        self._add_snapshots(snapshots)
        self.add(fields.refcount_table_offset, fields.refcount_table_clusters * size)
        if crypto := self._metadata.header.extension(headers.EXT_CRYPTO):
            self.add(*unpack(headers.CryptoExtension, crypto))
        self._add_bitmaps()
        self._add_blocks(reftable, repair=repair)

    def add(self, offset: int, length: int) -> bool:
        """One reference to each cluster that the host range touches; returns whether these are in the file."""
        if not length:
            return True
        bits, end = self._geometry.cluster_bits, offset + length
        first, last = offset >> bits, end - 1 >> bits
        if end - self._file_length >= self._geometry.cluster_size:
            self._findings.corrupt(
                "ERROR: counting reference for region exceeding the end of the file by one cluster or more: "
                f"offset {offset:#x} size {length:#x}"
            )
            self.copied = False
            if last - first < _SHUNNED_RUN and last < self._file_clusters + _SHUNNED_CLUSTERS:
                self.beyond.append((first, last - first + 1))
                self.shunned.update(range(first, last + 1))
            return False
        self.clusters = max(self.clusters, last + 1)
        self.tally.add(first, last - first + 1)
        return True

    def _overflow(self, cluster: int) -> None:
        offset = cluster << self._geometry.cluster_bits
        self._findings.corrupt(f"ERROR: overflow cluster offset={offset:#x}\n{_NARROW}")

    def _add_l1(self, offset: int, entries: int, *, active: bool) -> None:
        self.add(offset, entries * 8)
        span = self._geometry.cluster_size // self._metadata.entry_bytes << self._geometry.cluster_bits
        past = 0
        for index, entry in self._metadata.entries(offset, entries):
            if active:
                self._findings.advance((index - past) * span)
                past = index
            if entry & _L1_RESERVED:
                self._findings.corrupt(f"ERROR found L1 entry with reserved bits set: {entry:x}")
            table = entry & OFFSET_MASK
            self.add(table, self._geometry.cluster_size)
            if table & self._geometry.cluster_mask:
                self._findings.corrupt(f"ERROR l2_offset={table:x}: Table is not cluster aligned; L1 entry corrupted")
            self.copied = self.copied and bool(entry & COPIED)
            self._misplaced = bool(table & self._geometry.cluster_mask)
            self._expected = 0
            for at, data in self._metadata.pieces(table, self._geometry.cluster_size):
                self._add_piece(table + at, at, data, active=active)
        if active:
            self._findings.advance((entries - past) * span)

    def _add_piece(self, host_offset: int, at: int, data: bytearray, *, active: bool) -> None:
        """Count what a piece of an L2 table refers to; ``at``: its place in the table."""
        narrow = self._metadata.entry_bytes == 8
        if narrow and self._add_single_run(data, active=active):
            return
        for place, part in self._metadata.parts(data):
            if not (narrow and self._add_single_run(part, active=active)):
                self._add_part(host_offset + place, at + place, part, active=active)

    def _add_part(self, host_offset: int, at: int, data: bytearray, *, active: bool) -> None:
        lanes = self._lanes
        words = self._metadata.first_words(data)
        entries, bitmaps = lanes.load(words), lanes.load(self._metadata.second_words(data))
        packed = entries & self._packed
        packed = packed and entries & lanes.full(packed, COMPRESSED.bit_length() - 1)
        entries ^= packed
        offsets, flags = entries & self._offsets, lanes.tops(entries)
        placed = lanes.nonzero(offsets)
        used = placed | flags if self._geometry.external else placed
        if used != placed and self._metadata.entry_bytes == 8:
            # A zero entry of offset 0 counts as one without a cluster, though in a data file there is one.
            hidden = (entries & lanes.spread(ZERO)) << 63 & ~placed
            used, flags = used & ~hidden, flags & ~hidden
        odd = entries & self._odd or (bitmaps and (packed or self._is_odd_bitmap(bitmaps, used)))
        if odd or (packed and not self._add_packed(packed, active=active)):
            self._add_one_by_one(host_offset, at, data, active=active)
            return
        number = lanes.number(used)
        if active:
            self._findings.allocated += number
            self.copied = self.copied and flags == used
        starts = lanes.starts(offsets, used, self._geometry.cluster_size)
        if lanes.number(starts) * 8 > number and not self._geometry.external:
            self._add_scattered(lanes.words(offsets >> self._geometry.cluster_bits), active=active)
            return
        for low, high in zip(lanes.positions(starts), lanes.positions(lanes.ends(starts, used)), strict=True):
            offset = int.from_bytes(words[low * 8 : low * 8 + 8], "big") & OFFSET_MASK
            self._add_run(offset >> self._geometry.cluster_bits, high - low + 1, active=active)

    def _add_packed(self, entries: int, *, active: bool) -> bool:
        """Whether the compressed clusters of a piece are all in order, and counted."""
        lanes, geometry = self._lanes, self._geometry
        if lanes.tops(entries) or geometry.external or self.tally.maximum < MANY:
            return False
        bits, mask = geometry.cluster_bits, geometry.compressed_offset_mask
        offsets = entries & lanes.spread(mask)
        sectors = entries >> geometry.compressed_shift & lanes.spread(geometry.compressed_sectors_mask)
        used = lanes.nonzero(entries)
        starts = offsets >> bits & lanes.spread(mask >> bits)
        last_sectors = (offsets >> 9 & lanes.spread(mask >> 9)) + sectors
        ends = last_sectors >> bits - 9 & lanes.spread(mask >> bits - 1)
        further = ends - starts
        low, high = lanes.words(starts), lanes.words(ends)
        if further & ~(used >> 63) or max(high) >= self._file_clusters:
            return False
        self.tally.add_counted(Counter(compress(low, lanes.flags(used))))
        self.tally.add_counted(Counter(compress(high, lanes.flags(further << 63))))
        if active:
            number = lanes.number(used)
            self._findings.allocated += number
            self._findings.compressed += number
            self._findings.fragmented += number
        return True

    def _add_single_run(self, data: bytearray, *, active: bool) -> bool:
        """Whether the piece is one run of two clusters or more, which is counted then, and nothing after it."""
        first, second = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big")
        if second != first + self._step or not first & OFFSET_MASK or first & self._odd_bits:
            return False
        words = data if any(data[-8:]) else data[: -(-len(data.rstrip(b"\0")) // 8) * 8]
        number = len(words) // 8
        last = first + (number - 1) * self._step
        if last & self._odd_bits or last != int.from_bytes(words[-8:], "big"):
            return False
        if not self._piece_lanes.is_run(words, self._step):
            return False
        if active:
            self._findings.allocated += number
            self.copied = self.copied and bool(first & COPIED)
        self._add_run((first & OFFSET_MASK) >> self._geometry.cluster_bits, number, active=active)
        return True

    def _is_odd_bitmap(self, bitmaps: int, used: int) -> bool:
        allocated = bitmaps & self._subclusters
        return bool(bitmaps >> 32 & allocated or self._lanes.nonzero(allocated) & ~used)

    def _add_run(self, first: int, number: int, *, active: bool) -> None:
        if active:
            self._expect(first << self._geometry.cluster_bits, number)
        if self._geometry.external:
            return
        inside = max(0, min(number, self._file_clusters - first))
        self.tally.add(first, inside)
        for cluster in range(first + inside, first + number):
            self.add(cluster << self._geometry.cluster_bits, self._geometry.cluster_size)

    def _expect(self, offset: int, number: int) -> None:
        """``number`` clusters from host ``offset`` on follow what was seen last in the table, or are a fragment."""
        self._findings.fragmented += bool(self._expected and self._expected != offset)
        self._expected = offset + (number << self._geometry.cluster_bits)

    def _add_scattered(self, numbers: Sequence[int], *, active: bool) -> None:
        held = list(filter(None, numbers))
        if active:
            self._expect(held[0] << self._geometry.cluster_bits, 1)
            self._findings.fragmented += sum(map(ne, held[1:], map((1).__add__, held)))
            self._expected = held[-1] + 1 << self._geometry.cluster_bits
        if max(held) < self._file_clusters:
            self.tally.add_each(held)
        else:
            for cluster in held:
                self._add_run(cluster, 1, active=False)

    def _add_one_by_one(self, host_offset: int, at: int, data: bytearray, *, active: bool) -> None:
        width = self._metadata.entry_bytes
        words = Codec(64).decode(data)
        for place in range(0, len(words), width // 8):
            entry, bitmap = words[place], words[place + 1] if width > 8 else 0
            if entry & COMPRESSED:
                self._add_compressed((at + place * 8) // width, entry, bitmap, active=active)
                continue
            if entry & _L2_RESERVED:
                self._findings.corrupt(f"ERROR found l2 entry with reserved bits set: {entry:x}")
            hidden = width == 8 and entry & ZERO
            if entry & OFFSET_MASK or (self._geometry.external and entry & COPIED and not hidden):
                self._add_cluster(host_offset + place * 8, entry, bitmap, active=active)
            elif bitmap & SUB_ALLOCATED:
                self._findings.corrupt("ERROR: Unallocated cluster has non-zero subcluster allocation map")

    def _add_compressed(self, index: int, entry: int, bitmap: int, *, active: bool) -> None:
        findings = self._findings
        if entry & COPIED:
            offset = entry & self._geometry.compressed_offset_mask
            findings.corrupt(f"ERROR: coffset={offset:#x}: copied flag must never be set for compressed clusters")
            entry &= ~COPIED
        if self._geometry.external:
            findings.corrupt(f"ERROR compressed cluster {index} with data file, entry={entry:#x}")
        elif bitmap:
            findings.corrupt(
                f"ERROR compressed cluster {index} with non-zero subcluster allocation bitmap, entry={entry:#x}"
            )
        else:
            self.add(*self._geometry.compressed_range(entry))
            if active:
                findings.allocated += 1
                findings.compressed += 1
                findings.fragmented += 1

    def _add_cluster(self, host_offset: int, entry: int, bitmap: int, *, active: bool) -> None:
        offset, size = entry & OFFSET_MASK, self._geometry.cluster_size
        findings = self._findings
        if bitmap >> 32 & bitmap & SUB_ALLOCATED:
            findings.corrupt(f"ERROR offset={offset:x}: Allocated cluster has corrupted subcluster allocation bitmap")
        if active:
            findings.allocated += 1
            self._expect(offset, 1)
            self.copied = self.copied and bool(entry & COPIED)
        if offset & self._geometry.cluster_mask and self._is_dropped(host_offset, entry, bitmap):
            return
        if not self._geometry.external:
            self.add(offset, size)

    def _is_dropped(self, host_offset: int, entry: int, bitmap: int) -> bool:
        """Whether the entry, whose offset is not aligned, was made one without a cluster."""
        offset, extended = entry & OFFSET_MASK, self._metadata.entry_bytes > 8
        if bitmap & SUB_ALLOCATED if extended else not entry & ZERO:
            self._findings.corrupt(
                f"ERROR offset={offset:x}: Data cluster is not properly aligned; L2 entry corrupted."
            )
            return False
        repair = self._clear_entry is not None and not self._misplaced
        self._findings.report(
            f"{'Repairing' if repair else 'ERROR'} offset={offset:x}: "
            "Preallocated cluster is not properly aligned; L2 entry corrupted."
        )
        if self._clear_entry is not None and repair and self._clear_entry(host_offset):
            self._findings.corruptions_fixed += 1
            return True
        self._findings.corruptions += 1
        return False

    def _add_snapshots(self, table: SnapshotTable) -> None:
        findings = self._findings
        if self._geometry.external and table.snapshots:
            findings.corrupt(f"ERROR {len(table.snapshots)} snapshots in image with data file")
        for snapshot in table.snapshots:
            name, l1 = f"{snapshot.identity} ({snapshot.name})", snapshot.fields
            if l1.l1_table_offset & self._geometry.cluster_mask:
                findings.corrupt(
                    f"ERROR snapshot {name} l1_offset={l1.l1_table_offset:#x}: "
                    "L1 table is not cluster aligned; snapshot table entry corrupted"
                )
            elif l1.l1_size * 8 > layout.MAX_L1_BYTES:
                findings.corrupt(
                    f"ERROR snapshot {name} l1_size={l1.l1_size:#x}: "
                    "L1 table is too large; snapshot table entry corrupted"
                )
            else:
                self._add_l1(l1.l1_table_offset, l1.l1_size, active=False)
        table.counted = self.add(table.offset, table.length)

    def _add_bitmaps(self) -> None:
        data = self._metadata.header.extension(headers.EXT_BITMAPS)
        if not data or not self._metadata.fields.autoclear_features & layout.BITMAPS:
            return
        directory = unpack(headers.BitmapsExtension, data)
        self.add(directory.directory_offset, directory.directory_size)
        at, end = directory.directory_offset, directory.directory_offset + directory.directory_size
        size = codec(headers.BitmapFields).size
        for _ in range(directory.nb_bitmaps):
            if at + size > end:
                self._findings.corrupt("ERROR bitmap directory too short")
                return
            fields = unpack(headers.BitmapFields, memoryview(self._metadata.read(at, size)))
            self._add_bitmap(fields)
            at += -(-(size + fields.extra_data_size + fields.name_size) // 8) * 8

    def _add_bitmap(self, fields: headers.BitmapFields) -> None:
        if fields.table_offset & self._geometry.cluster_mask or fields.table_size * 8 > _MAX_BITMAP_TABLE:
            self._findings.corrupt(f"ERROR bitmap table offset={fields.table_offset:#x} size={fields.table_size:#x}")
            return
        self.add(fields.table_offset, fields.table_size * 8)
        for _, entry in self._metadata.entries(fields.table_offset, fields.table_size):
            offset = entry & OFFSET_MASK
            if entry & _BITMAP_RESERVED or offset & self._geometry.cluster_mask or (offset and entry & 1):
                self._findings.corrupt(f"ERROR bitmap table entry={entry:#x}")
            elif offset:
                self.add(offset, self._geometry.cluster_size)

    def _add_blocks(self, reftable: array[int], *, repair: bool) -> None:
        """Refcount blocks; one that is outside the file holds nothing, so that a repair makes all of them anew."""
        findings, size = self._findings, self._geometry.cluster_size
        for index in compress(range(len(reftable)), reftable):
            entry = reftable[index]
            offset = entry & ~_REFTABLE_RESERVED
            first = offset >> self._geometry.cluster_bits
            if entry & _REFTABLE_RESERVED:
                self.shunned.add(first)
                self._break(f"ERROR refcount table entry {index} has reserved bits set")
            elif offset & self._geometry.cluster_mask:
                self.shunned.update((first, first + 1))
                self._break(f"ERROR refcount block {index} is not cluster aligned; refcount table entry corrupted")
            elif first >= self.clusters:
                findings.report(f"{'Repairing' if repair else 'ERROR'} refcount block {index} is outside image")
                findings.corruptions += 1
                self.broken = self.broken or repair
            else:
                self.add(offset, size)
                if (count := self.tally.get(first)) != 1:
                    self._break(f"ERROR refcount block {index} refcount={count}")

    def _break(self, message: str) -> None:
        self._findings.corrupt(message)
        self.broken = True


def reftable_of(metadata: Metadata) -> array[int]:
    """The refcount table in the file."""
    fields = metadata.fields
    return metadata.words(fields.refcount_table_offset, (fields.refcount_table_clusters << fields.cluster_bits) // 8)
