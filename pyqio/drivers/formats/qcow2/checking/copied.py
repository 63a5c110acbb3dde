"""The COPIED flags of the active tables: they stand where a count is 1, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, CorruptError
from pyqio.drivers.formats.qcow2 import overlap
from pyqio.drivers.formats.qcow2.checking.lanes import lanes_of
from pyqio.drivers.formats.qcow2.checking.metadata import PART_BYTES
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, COPIED, OFFSET_MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.drivers.formats.qcow2.checking.blocks import Blocks
    from pyqio.drivers.formats.qcow2.checking.metadata import Findings, Metadata
    from pyqio.drivers.formats.qcow2.overlap import Overlap


def check_copied(metadata: Metadata, findings: Findings, blocks: Blocks, guard: Overlap | None) -> None:
    """Hold the flags against the counts in the file.  ``guard``: correct them, where this hits no other table.

    Raises BlockError.
    """
    _Flags(metadata, findings, blocks, guard).check()


class _Flags:
    def __init__(self, metadata: Metadata, findings: Findings, blocks: Blocks, guard: Overlap | None) -> None:
        self._metadata = metadata
        self._findings = findings
        self._blocks = blocks
        self._guard = guard
        self._misplaced = False
        """Whether the L2 table is one that is not aligned: what stands there may be anything, and is left alone."""
        self._bits = metadata.geometry.cluster_bits
        self._lanes = lanes_of(min(metadata.geometry.cluster_size, PART_BYTES) // metadata.entry_bytes)
        self._offsets = self._lanes.spread(OFFSET_MASK)
        self._packed = self._lanes.spread(COMPRESSED)

    def check(self) -> None:
        fields, size = self._metadata.fields, self._metadata.geometry.cluster_size
        for index, entry in self._metadata.entries(fields.l1_table_offset, fields.l1_size):
            table = entry & OFFSET_MASK
            if not table:
                continue
            try:
                count = self._blocks.get(table >> self._bits)
            except BlockError:
                continue  # it was reported when the counts were compared
            self._misplaced = False
            if (count == 1) != bool(entry & COPIED):
                self._report(f"L2 cluster: l1_index={index} l1_entry={entry:x} refcount={count}")
                self._correct(fields.l1_table_offset + index * 8, entry, overlap.ACTIVE_L1)
            self._misplaced = bool(table & self._metadata.geometry.cluster_mask)
            for at, data in self._metadata.pieces(table, size):
                for place, part in self._metadata.parts(data):
                    self._check_l2(table + at + place, part)

    def _check_l2(self, host_offset: int, data: bytearray) -> None:
        width = self._metadata.entry_bytes
        for index in self._suspects(data):
            entry = int.from_bytes(data[index * width : index * width + 8], "big")
            try:
                count = self._count(entry)
            except BlockError:
                continue
            if (count == 1) != bool(entry & COPIED):
                self._report(f"data cluster: l2_entry={entry:x} refcount={count}")
                self._correct(host_offset + index * width, entry, overlap.ACTIVE_L2)

    def _count(self, entry: int) -> int:
        """The count of the data cluster; those in a file of their own are this image's alone."""
        return 1 if self._metadata.geometry.external else self._blocks.get((entry & OFFSET_MASK) >> self._bits)

    def _suspects(self, data: bytearray) -> Iterator[int]:
        """Numbers of the entries that lead to a cluster and that are not shown to be right in bulk."""
        lanes, words = self._lanes, self._metadata.first_words(data)
        entries = lanes.load(words)
        entries ^= entries & lanes.full(entries & self._packed, 62)
        offsets = entries & self._offsets
        if not offsets:
            return
        used = lanes.nonzero(offsets)
        starts = lanes.starts(offsets | lanes.tops(entries) >> 63, used, 1 << self._bits)
        for low, high in zip(lanes.positions(starts), lanes.positions(lanes.ends(starts, used)), strict=True):
            entry = int.from_bytes(words[low * 8 : low * 8 + 8], "big")
            if not self._is_right((entry & OFFSET_MASK) >> self._bits, high + 1 - low, copied=bool(entry & COPIED)):
                yield from range(low, high + 1)

    def _is_right(self, first: int, number: int, *, copied: bool) -> bool:
        if self._metadata.geometry.external:
            return copied
        try:
            return self._blocks.singles(first, number) == (number if copied else 0)
        except BlockError:
            return False

    def _report(self, what: str) -> None:
        verb = "ERROR" if self._guard is None or self._misplaced else "Repairing"
        self._findings.report(f"{verb} OFLAG_COPIED {what}")

    def _correct(self, offset: int, entry: int, section: int) -> None:
        if self._guard is None or self._misplaced:
            self._findings.corruptions += 1
            return
        try:
            self._guard.check(offset, 8, section)
        except CorruptError as error:
            if section == overlap.ACTIVE_L2:
                self._findings.report(
                    f"ERROR: Could not write L2 table; metadata overlap check failed: {error.strerror}"
                )
            raise
        self._metadata.write(offset, (entry ^ COPIED).to_bytes(8, "big"))
        self._findings.corruptions_fixed += 1
