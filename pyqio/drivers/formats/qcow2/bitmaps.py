r"""Persistent dirty bitmaps on disk: the directory, and the tables that lead to the bits.

::

    extension in the header -> directory of entries -> bitmap table -> clusters of bits
                               \_ BitmapFields, extra    \_ an entry without a cluster stands for zeroes,
                                  data, name, padding       or for ones where its lowest bit is set

Bit x says that something in the granule x of the disk has changed; the lowest bit of a byte comes first.  All this
counts only while the autoclear bit is set; a bitmap that is in use may lag behind the disk, and nobody trusts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import FormatError
from pyqio.base.records import codec, pack, unpack
from pyqio.drivers.formats.qcow2.header import BitmapFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.drivers.formats.qcow2.header import BitmapsExtension
    from pyqio.drivers.formats.qcow2.store import Store

IN_USE: Final = 1
AUTO: Final = 2
EXTRA_DATA_COMPATIBLE: Final = 4
_KNOWN: Final = IN_USE | AUTO | EXTRA_DATA_COMPATIBLE
_DIRTY_TRACKING: Final = 1
_MAX_TABLE_ENTRIES: Final = 0x8000000
_MAX_BYTES: Final = 512 << 20
_MAX_TABLE_BYTES: Final = 64 << 20
"""All tables together, which are read as soon as the disk changes."""
_GRANULARITY_BITS: Final = range(9, 32)
_MAX_NAME_BYTES: Final = 1023


class Entry(NamedTuple):
    """An entry of the directory."""

    fields: BitmapFields
    extra: bytes
    name: bytes

    @property
    def in_use(self) -> bool:
        """Whether the bits may lag behind the disk."""
        return bool(self.fields.flags & IN_USE)

    @property
    def auto(self) -> bool:
        """Whether every change of the disk is to be noted."""
        return bool(self.fields.flags & AUTO)

    @property
    def usable(self) -> bool:
        """Whether its bits may be touched, which extra data forbids unless it is said to be harmless."""
        return not self.extra or bool(self.fields.flags & EXTRA_DATA_COMPATIBLE)

    @property
    def text(self) -> str:
        """The name."""
        return self.name.decode(errors="surrogateescape")

    def encode(self) -> bytes:
        """The entry as it stands in the directory."""
        data = pack(self.fields) + self.extra + self.name
        return data + bytes(-len(data) % 8)

    def with_fields(self, **changes: int) -> Entry:
        """The same entry with other fields."""
        return self._replace(fields=self.fields._replace(**changes))

    def marked(self, *, in_use: bool) -> Entry:
        """The same entry, in use or not."""
        return self.with_fields(flags=self.fields.flags & ~IN_USE | (IN_USE if in_use else 0))

    def describe(self) -> Mapping[str, Any]:
        """What ``qemu-img info`` says of it."""
        flags = [name for bit, name in ((IN_USE, "in-use"), (AUTO, "auto")) if self.fields.flags & bit]
        return {"flags": flags, "name": self.text, "granularity": 1 << self.fields.granularity_bits}


def read_directory(store: Store, where: BitmapsExtension) -> list[Entry]:
    """All bitmaps.  Raises FormatError, in QEMU's words."""
    found: dict[bytes, Entry] = {}
    table_bytes = 0
    for entry in _walk(_read(store, where), where):
        if not _is_sound(entry, store):
            raise FormatError(f"Bitmap '{entry.text}' doesn't satisfy the constraints")
        if entry.name in found:
            raise FormatError(f"Bitmap already exists: {entry.text}")
        found[entry.name] = entry
        table_bytes += entry.fields.table_size * 8
        if table_bytes > _MAX_TABLE_BYTES:
            raise FormatError("Bitmap tables are too large")
    return list(found.values())


def _read(store: Store, where: BitmapsExtension) -> bytes:
    if where.directory_size > store.file.length() - where.directory_offset:
        raise FormatError("Broken bitmap directory")
    data = bytearray(where.directory_size)
    store.file.pread(where.directory_offset, memoryview(data))
    return bytes(data)


def _walk(data: bytes, where: BitmapsExtension) -> Iterator[Entry]:
    at = number = 0
    while at < len(data):
        number += 1
        if number > where.nb_bitmaps:
            raise FormatError("More bitmaps found than specified in header extension")
        if at + codec(BitmapFields).size > len(data):
            raise FormatError("Broken bitmap directory")
        fields = unpack(BitmapFields, data, at)
        extra = at + codec(BitmapFields).size
        name = extra + fields.extra_data_size
        end = name + fields.name_size
        at = -(-end // 8) * 8
        if at > len(data):
            raise FormatError("Broken bitmap directory")
        yield Entry(fields, data[extra:name], data[name:end])
    if number < where.nb_bitmaps:
        raise FormatError("Less bitmaps found than specified in header extension")


def _is_sound(entry: Entry, store: Store) -> bool:
    fields, geometry = entry.fields, store.geometry
    length = fields.table_size << geometry.cluster_bits
    return (
        0 < fields.table_size <= _MAX_TABLE_ENTRIES
        and length <= _MAX_BYTES
        and fields.table_offset != 0
        and not fields.table_offset & geometry.cluster_mask
        and fields.granularity_bits in _GRANULARITY_BITS
        and not fields.flags & ~_KNOWN
        and 0 < fields.name_size <= _MAX_NAME_BYTES
        and fields.kind == _DIRTY_TRACKING
        and (entry.in_use or store.size <= length * 8 << fields.granularity_bits)
    )
