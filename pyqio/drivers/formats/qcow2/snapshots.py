"""The snapshot table: what each internal snapshot is called, when it was taken, and where its L1 table is.

::

    L1 offset, L1 size, length of id, length of name     \
    date, machine's clock, size of the machine state     | SnapshotFields, 40 bytes
    length of extra data                                 /
    extra data: size of the machine state in 64 bits, disk size, instruction count; more is kept as it is
    id, name, padding to 8 bytes

Entries follow one another.  An entry that has been read is written again byte for byte.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import FormatError, OpenError
from pyqio.base.records import codec, pack, unpack
from pyqio.base.types import SnapshotInfo
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.header import SnapshotFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.header import Header, HeaderFields

MAX_TABLE_BYTES: Final = 64 << 20
MAX_NAME_BYTES: Final = 255
"""A longer name is cut off when a snapshot is taken, as qemu-img does."""
MAX_EXTRA_BYTES: Final = 1024
_MAX_L1_CLUSTERS: Final = 1 << 22
"""Clusters that the L1 tables of all snapshots may take; they are all remembered while the image is open."""
_WINDOW: Final = 256 << 10
"""Bytes of the table that are read at a time; the longest entry is not much more than half as long."""
_MAX_ENTRY: Final = 40 + MAX_EXTRA_BYTES + 2 * 65535
_NO_ICOUNT: Final = 2**64 - 1


class Snapshot(NamedTuple):
    """An entry of the table."""

    fields: SnapshotFields
    extra: bytes
    id_bytes: bytes
    name_bytes: bytes

    @property
    def identity(self) -> str:
        """The id, as C reads it: a zero byte ends it."""
        return _text(self.id_bytes)

    @property
    def name(self) -> str:
        """The name, as C reads it."""
        return _text(self.name_bytes)

    @property
    def l1_table_offset(self) -> int:
        """Host offset of the L1 table."""
        return self.fields.l1_table_offset

    @property
    def l1_size(self) -> int:
        """Entries of the L1 table."""
        return self.fields.l1_size

    @property
    def entry_bytes(self) -> int:
        """Length of the entry, the padding included."""
        return -(-(codec(SnapshotFields).size + len(self.extra) + len(self.id_bytes) + len(self.name_bytes)) // 8) * 8

    def disk_size(self, default: int) -> int:
        """Guest bytes of the disk; ``default`` where the entry, of an old writer, does not say."""
        return self._extra_number(1, default)

    def damage(self, cluster_size: int) -> int:
        """0, or the errno for an L1 table that cannot be one; the image is of use without the snapshot."""
        if self.l1_size * 8 > layout.MAX_L1_BYTES:
            return errno.EFBIG
        if self.l1_table_offset % cluster_size or self.l1_table_offset > layout.MAX_HOST_OFFSET:
            return errno.EINVAL
        return 0

    def encode(self) -> bytes:
        """The entry as it stands in the file."""
        fields = self.fields._replace(extra_data_size=len(self.extra))
        return (pack(fields) + self.extra + self.id_bytes + self.name_bytes).ljust(self.entry_bytes, b"\0")

    def info(self, disk_size: int) -> SnapshotInfo:
        """What there is to tell; ``disk_size``: where the entry does not say."""
        icount = self._extra_number(2, _NO_ICOUNT)
        return SnapshotInfo(
            id=self.identity,
            name=self.name,
            date_seconds=self.fields.date_seconds,
            date_ns=self.fields.date_ns,
            vm_clock_ns=self.fields.vm_clock_ns,
            vm_state_size=self._extra_number(0, self.fields.vm_state_size),
            disk_size=self.disk_size(disk_size),
            icount=None if icount == _NO_ICOUNT else icount,
        )

    def _extra_number(self, index: int, default: int) -> int:
        at = index * 8
        return int.from_bytes(self.extra[at : at + 8], "big") if len(self.extra) >= at + 8 else default


def new_snapshot(
    others: Sequence[Snapshot], *, name: str, date_ns: int, disk_size: int, l1_table_offset: int, l1_size: int
) -> Snapshot:
    """An entry for a snapshot without a machine state, with an id that none of ``others`` has."""
    own_id = b"%d" % (1 + max((_number(other.id_bytes) for other in others), default=0))
    called = name.encode(errors="surrogateescape")[:MAX_NAME_BYTES]
    extra = b"".join(number.to_bytes(8, "big") for number in (0, disk_size, 0))
    seconds, nanoseconds = divmod(date_ns, 10**9)
    fields = SnapshotFields(
        l1_table_offset=l1_table_offset,
        l1_size=l1_size,
        id_size=len(own_id),
        name_size=len(called),
        date_seconds=seconds & 0xFFFF_FFFF,
        date_ns=nanoseconds,
        vm_clock_ns=0,
        vm_state_size=0,
        extra_data_size=len(extra),
    )
    return Snapshot(fields, extra, own_id, called)


def find_by_name(snapshots: Iterable[Snapshot], name: str) -> Snapshot | None:
    """The first snapshot of this name."""
    return next((snapshot for snapshot in snapshots if snapshot.name == name), None)


def find_by_id(snapshots: Iterable[Snapshot], wanted: str) -> Snapshot | None:
    """The first snapshot with this id."""
    return next((snapshot for snapshot in snapshots if snapshot.identity == wanted), None)


def seen_from(file: Node, header: Header, *, wanted_id: str | None, name: str | None) -> Header:
    """The header as if the disk were what a snapshot holds: the first with this id and of this name, None for any.

    Raises OpenError.
    """
    fields = header.fields
    snapshot = next(
        (s for s in read_table(file, fields) if wanted_id in (None, s.identity) and name in (None, s.name)),
        None,
    )
    if snapshot is None:
        raise OpenError("Failed to load snapshot: Can't find snapshot", errno=errno.ENOENT)
    size = snapshot.disk_size(fields.size)
    if snapshot.damage(1 << fields.cluster_bits) or size > layout.INT64_MAX:
        raise FormatError("Failed to load snapshot: Snapshot L1 table offset invalid")
    if snapshot.l1_size < header.geometry(slice_bytes=layout.SLICE_BYTES).l1_entries(size):
        raise FormatError("Failed to load snapshot: L1 table is too small")
    return header._replace(
        fields=fields._replace(l1_table_offset=snapshot.l1_table_offset, l1_size=snapshot.l1_size, size=size)
    )


def read_table(file: Node, fields: HeaderFields) -> list[Snapshot]:
    """All snapshots.  Raises FormatError."""
    found, length, tables = [], 0, 0
    for snapshot in _entries(file, fields.snapshots_offset, fields.nb_snapshots):
        found.append(snapshot)
        length += snapshot.entry_bytes
        tables += min(snapshot.l1_size * 8, layout.MAX_L1_BYTES) >> fields.cluster_bits
        if length > MAX_TABLE_BYTES or tables > _MAX_L1_CLUSTERS:
            raise FormatError("Snapshot table is too large")
    return found


def table_bytes(snapshots: Iterable[Snapshot]) -> int:
    """Length of the snapshot table."""
    return sum(snapshot.entry_bytes for snapshot in snapshots)


def _entries(file: Node, at: int, count: int) -> Iterator[Snapshot]:
    window, start = bytearray(), at
    for index in range(count):
        if at + _MAX_ENTRY > start + len(window):
            window, start = bytearray(_WINDOW), at
            file.pread(at, memoryview(window))
        fields = unpack(SnapshotFields, memoryview(window), at - start)
        if fields.extra_data_size > MAX_EXTRA_BYTES:
            raise FormatError(
                f"Too much extra metadata in snapshot table entry {index}\n"
                "You can force-remove this extra metadata with qemu-img check -r all"
            )
        pieces, end = [], at - start + codec(SnapshotFields).size
        for size in (fields.extra_data_size, fields.id_size, fields.name_size):
            pieces.append(bytes(window[end : end + size]))
            end += size
        yield Snapshot(fields, *pieces)
        at = start + -(-end // 8) * 8


def _text(name: bytes) -> str:
    return name.split(b"\0")[0].decode(errors="surrogateescape")


def _number(name: bytes) -> int:
    """The number that an id starts with, 0 for none; ids of other writers need not be numbers."""
    digits = len(name) - len(name.lstrip(b"0123456789"))
    return int(name[:digits] or b"0") if digits <= 20 else 0
