"""The header of a LUKS volume, version 1 (see crypto/header)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import FormatError
from pyqio.base.structure import FLAGS, NUMBER, TEXT, Field
from pyqio.base.types import SECTOR_SIZE
from pyqio.crypto import header as luks_header
from pyqio.drivers.formats.qcow2.layout import MAGIC
from pyqio.verify.structures.source import members, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.base.structure import Structure
    from pyqio.verify.structures.source import Member, Source

_TEXTS = ("cipher_name", "cipher_mode", "hash_spec", "uuid")


def luks(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """The header's fields and the eight key slots."""
    start = _place(source) if offset is None else offset
    data = source.padded(start, luks_header.HEADER_BYTES)
    wrong: tuple[str, ...] = ()
    try:
        luks_header.parse(data)
    except FormatError as error:
        wrong = (error.message,)
    parts = [_field(member, start) for member in members(luks_header.VolumeFields, data)]
    yield structure(source, "LUKS header", start, parts, wrong)
    for number in range(luks_header.SLOTS):
        at = luks_header.VOLUME_BYTES + number * luks_header.SLOT_BYTES
        piece = data[at : at + luks_header.SLOT_BYTES]
        slot = [_field(member, start + at) for member in members(luks_header.SlotFields, piece)]
        yield structure(source, f"LUKS key slot {number}", start + at, slot)


def _place(source: Source) -> int:
    """The start of a volume; a qcow2 image says where its header is."""
    if source.read(0, 4) != MAGIC.to_bytes(4, "big"):
        return 0
    from pyqio.verify.structures.qcow2 import luks_offset

    return luks_offset(source)


def _field(member: Member, start: int) -> Field:
    name, at, data, value = member
    form, meaning = NUMBER, ""
    if isinstance(value, bytes):
        form = TEXT
        value = value.partition(b"\0")[0].decode(errors="backslashreplace") if name in _TEXTS else f"{len(value)} bytes"
    elif name == "state":
        form, meaning = FLAGS, "active" if value == luks_header.ACTIVE else "inactive"
    elif name.endswith("_sector"):
        meaning = f"byte {value * SECTOR_SIZE:#x}"
    return Field(offset=start + at, data=data, name=name, value=value, form=form, meaning=meaning)
