"""The snapshot table as a check reads it: leniently, and able to write a better one."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.base.records import codec, unpack
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.header import SnapshotFields
from pyqio.drivers.formats.qcow2.snapshots import MAX_EXTRA_BYTES, MAX_TABLE_BYTES, Snapshot

if TYPE_CHECKING:
    from pyqio.drivers.formats.qcow2.checking.metadata import Findings, Metadata

_VERSION_3_EXTRA: Final = 16
"""Bytes of extra data that every entry has in version 3: the size of the machine state and of the disk."""
_FORCE = "You can force-remove {} with qemu-img check -r all"


class SnapshotTable:
    """All entries, which take ``length`` bytes from host ``offset`` on.

    ``repairs``: how many things are wrong in the file that are not wrong in ``snapshots``.  ``counted``: the clusters
    of the table are in the file.
    """

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.length = 0
        self.snapshots: list[Snapshot] = []
        self.repairs = 0
        self.counted = False

    def encode(self) -> bytes:
        """The table's bytes."""
        return b"".join(snapshot.encode() for snapshot in self.snapshots)


def read_table(metadata: Metadata, findings: Findings, *, repair: bool) -> SnapshotTable:
    """The snapshots; ``repair``: drop what is too much.  Raises BlockError where the table cannot be read."""
    fields = metadata.fields
    table = SnapshotTable(fields.snapshots_offset)
    if fields.snapshots_offset & metadata.geometry.cluster_mask:
        raise BlockError("ERROR snapshot table offset invalid", errno=errno.EINVAL)
    number = fields.nb_snapshots
    if number > layout.MAX_SNAPSHOTS:
        excess = number - layout.MAX_SNAPSHOTS
        if not repair:
            hint = _FORCE.format(f"all {excess} overhanging snapshots")
            raise BlockError(f"ERROR snapshot table too large\n{hint}", errno=errno.EFBIG)
        findings.report(f"Discarding {excess} overhanging snapshots")
        number, table.repairs = layout.MAX_SNAPSHOTS, excess
    for index in range(number):
        if table.length > MAX_TABLE_BYTES:
            table.repairs += _refuse_rest(findings, number - index, repair=repair)
            break
        snapshot, length = _read_entry(metadata, findings, table, index, repair=repair)
        table.snapshots.append(snapshot)
        table.length += length
    _complete(metadata, findings, table, repair=repair)
    return table


def _refuse_rest(findings: Findings, number: int, *, repair: bool) -> int:
    if not repair:
        hint = _FORCE.format(f"the {number} overhanging snapshots")
        message = f"ERROR failed to read the snapshot table: Snapshot table is too big\n{hint}"
        raise BlockError(message, errno=errno.EFBIG)
    findings.report(f"Discarding {number} overhanging snapshots (snapshot table is too big)")
    return number


def _read_entry(
    metadata: Metadata, findings: Findings, table: SnapshotTable, index: int, *, repair: bool
) -> tuple[Snapshot, int]:
    size, at = codec(SnapshotFields).size, table.offset + table.length
    fields = unpack(SnapshotFields, memoryview(metadata.read(at, size)))
    if fields.extra_data_size > MAX_EXTRA_BYTES:
        if not repair:
            raise BlockError(
                "ERROR failed to read the snapshot table: "
                f"Too much extra metadata in snapshot table entry {index}\n{_FORCE.format('this extra metadata')}",
                errno=errno.EFBIG,
            )
        findings.report(
            f"Discarding too much extra metadata in snapshot table entry {index} "
            f"({fields.extra_data_size} > {MAX_EXTRA_BYTES})"
        )
        table.repairs += 1
    extra = metadata.read(at + size, min(fields.extra_data_size, MAX_EXTRA_BYTES))
    at += size + fields.extra_data_size
    names = bytes(metadata.read(at, fields.id_size + fields.name_size))
    length = -(-(size + fields.extra_data_size + len(names)) // 8) * 8
    return Snapshot(fields, bytes(extra), names[: fields.id_size], names[fields.id_size :]), length


def _complete(metadata: Metadata, findings: Findings, table: SnapshotTable, *, repair: bool) -> None:
    """Version 3 wants extra data in every entry."""
    if metadata.fields.version < 3:
        return
    disk = metadata.fields.size.to_bytes(8, "big")
    for index, snapshot in enumerate(table.snapshots):
        if len(snapshot.extra) < _VERSION_3_EXTRA:
            findings.report(f"{'Repairing' if repair else 'ERROR'} snapshot table entry {index} is incomplete")
            table.repairs += 1
            state = snapshot.extra if len(snapshot.extra) >= 8 else snapshot.fields.vm_state_size.to_bytes(8, "big")
            table.snapshots[index] = snapshot._replace(extra=state[:8] + disk)
