"""The snapshot table, as far as other parts must know of it: where the snapshots' tables are."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.errors import FormatError
from pyqio.base.records import codec, unpack
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.header import SnapshotFields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.header import HeaderFields

_MAX_EXTRA = 1024
_MAX_TABLE = 64 << 20
_MAX_L1_CLUSTERS = 1 << 22
"""Clusters that the L1 tables of all snapshots may take; they are all remembered while the image is open."""


class Snapshot(NamedTuple):
    """Where a snapshot's L1 table is, and how many bytes its entry in the snapshot table takes."""

    l1_table_offset: int
    l1_size: int
    entry_bytes: int

    def damage(self, cluster_size: int) -> int:
        """0, or the errno for an L1 table that cannot be one; the image is of use without the snapshot."""
        if self.l1_size * 8 > layout.MAX_L1_BYTES:
            return errno.EFBIG
        if self.l1_table_offset % cluster_size or self.l1_table_offset > layout.MAX_HOST_OFFSET:
            return errno.EINVAL
        return 0


def read_table(file: Node, fields: HeaderFields) -> list[Snapshot]:
    """All snapshots.  Raises FormatError."""
    found: list[Snapshot] = []
    at, size, tables = fields.snapshots_offset, codec(SnapshotFields).size, 0
    for index in range(fields.nb_snapshots):
        head = bytearray(size)
        file.pread(at, memoryview(head))
        entry = unpack(SnapshotFields, memoryview(head))
        if entry.extra_data_size > _MAX_EXTRA:
            raise FormatError(
                f"Too much extra metadata in snapshot table entry {index}\n"
                "You can force-remove this extra metadata with qemu-img check -r all"
            )
        length = -(-(size + entry.extra_data_size + entry.id_size + entry.name_size) // 8) * 8
        found.append(Snapshot(entry.l1_table_offset, entry.l1_size, length))
        at += length
        tables += min(entry.l1_size * 8, layout.MAX_L1_BYTES) >> fields.cluster_bits
        if at - fields.snapshots_offset > _MAX_TABLE or tables > _MAX_L1_CLUSTERS:
            raise FormatError("Snapshot table is too large")
    return found


def table_bytes(snapshots: Sequence[Snapshot]) -> int:
    """Length of the snapshot table."""
    return sum(snapshot.entry_bytes for snapshot in snapshots)
