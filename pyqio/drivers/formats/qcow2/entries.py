"""Single entries of the tables, taken apart bit by bit for a person to read.

What a bit must not be is said at the bit; what the bits lead to is not looked at (see trace).
Source: qcow2 specification, "Cluster mapping", "Extended L2 Entries" and "Host cluster management".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.structure import FLAGS, OFFSET, Bits, Field
from pyqio.drivers.formats.qcow2.layout import (
    COMPRESSED,
    COPIED,
    FEATURE_NAMES,
    OFFSET_MASK,
    SUB_ALLOCATED,
    SUBCLUSTERS,
    ZERO,
)

if TYPE_CHECKING:
    from pyqio.drivers.formats.qcow2.layout import Geometry

REFTABLE_MASK: Final = ~0x1FF & (1 << 64) - 1

FEATURES_OFFSET: Final = 72

_ONE: Final = "the refcount is exactly 1"
_SHARED: Final = "the refcount is not 1: a write makes a copy"


def features_field(features: int) -> Field:
    """The incompatible features of the header."""
    names = {bit: name for kind, bit, name in FEATURE_NAMES if kind == 0}
    return Field(
        offset=FEATURES_OFFSET,
        data=features.to_bytes(8, "big"),
        name="incompatible_features",
        value=features,
        form=FLAGS,
        bits=tuple(
            Bits(high=bit, low=bit, name=name, value=features >> bit & 1) for bit, name in sorted(names.items())
        ),
    )


def l1_field(geometry: Geometry, entry: int, at: int) -> Field:
    """The L1 entry at host offset ``at``."""
    offset = entry & OFFSET_MASK
    return Field(
        offset=at,
        data=entry.to_bytes(8, "big"),
        name="entry",
        value=entry,
        form=FLAGS,
        meaning="leads to an L2 table" if offset else "no L2 table",
        bits=(
            _copied(entry, placed=bool(offset)),
            _reserved(entry, 62, 56),
            _offset(geometry, entry, "l2_table_offset"),
            _reserved(entry, 8, 0),
        ),
    )


def l2_fields(geometry: Geometry, entry: int, bitmap: int, at: int) -> list[Field]:
    """The L2 entry at host offset ``at``: one word, or two where entries are extended."""
    packed = bool(entry & COMPRESSED)
    fields = [
        Field(
            offset=at,
            data=entry.to_bytes(8, "big"),
            name="entry",
            value=entry,
            form=FLAGS,
            meaning=_l2_meaning(geometry, entry),
            bits=_packed_bits(geometry, entry) if packed else _plain_bits(geometry, entry),
        )
    ]
    if geometry.extended:
        fields.append(_bitmap_field(geometry, entry, bitmap, at + 8))
    return fields


def reftable_field(geometry: Geometry, entry: int, at: int) -> Field:
    """The entry of the refcount table at host offset ``at``."""
    offset = entry & REFTABLE_MASK
    wrong = "is not aligned to a cluster" if offset & geometry.cluster_mask else ""
    return Field(
        offset=at,
        data=entry.to_bytes(8, "big"),
        name="entry",
        value=entry,
        form=FLAGS,
        meaning="leads to a refcount block" if offset else "no refcount block: all counts are 0",
        bits=(
            Bits(high=63, low=9, name="refcount_block_offset", value=offset, form=OFFSET, wrong=wrong),
            _reserved(entry, 8, 0),
        ),
    )


def refcount_field(geometry: Geometry, data: bytes, index: int, at: int) -> Field:
    """The count with number ``index`` of a block; ``data`` are the bytes at ``at`` that hold it, one or more."""
    bits = geometry.refcount_bits
    if bits >= 8:
        return Field(offset=at, data=data, name="refcount", value=int.from_bytes(data, "big"))
    low = index % (8 // bits) * bits
    count = data[0] >> low & (1 << bits) - 1
    part = Bits(high=low + bits - 1, low=low, name="refcount", value=count)
    return Field(offset=at, data=data, name="refcount", value=count, bits=(part,))


def _plain_bits(geometry: Geometry, entry: int) -> tuple[Bits, ...]:
    placed = bool(entry & geometry.host_mask)
    return (
        _copied(entry, placed=placed),
        Bits(high=62, low=62, name="compressed", value=0),
        _reserved(entry, 61, 56),
        _offset(geometry, entry, "host_cluster_offset"),
        _reserved(entry, 8, 1),
        _zero(geometry, entry),
    )


def _packed_bits(geometry: Geometry, entry: int) -> tuple[Bits, ...]:
    shift = geometry.compressed_shift
    offset, length = geometry.compressed_range(entry)
    sectors = entry >> shift & geometry.compressed_sectors_mask
    wrong = "must be 0 in a compressed cluster's entry" if entry & COPIED else ""
    return (
        Bits(high=63, low=63, name="copied", value=entry >> 63, wrong=wrong),
        Bits(high=62, low=62, name="compressed", value=1),
        Bits(high=61, low=shift, name="additional_sectors", value=sectors, meaning=f"{length} bytes at most"),
        Bits(high=shift - 1, low=0, name="host_offset", value=offset, form=OFFSET),
    )


def _bitmap_field(geometry: Geometry, entry: int, bitmap: int, at: int) -> Field:
    allocated, zero = bitmap & SUB_ALLOCATED, bitmap >> SUBCLUSTERS
    wrong = ""
    if entry & COMPRESSED:
        wrong = "must be 0 in a compressed cluster's entry" if bitmap else ""
    elif both := allocated & zero:
        wrong = f"allocated and zero at once: {subclusters(both)}"
    elif allocated and not entry & geometry.host_mask:
        wrong = f"allocated without a host cluster: {subclusters(allocated)}"
    return Field(
        offset=at,
        data=bitmap.to_bytes(8, "big"),
        name="subclusters",
        value=bitmap,
        form=FLAGS,
        wrong=wrong,
        bits=(
            Bits(high=63, low=32, name="reads_as_zero", value=zero, form=FLAGS, meaning=subclusters(zero)),
            Bits(high=31, low=0, name="allocated", value=allocated, form=FLAGS, meaning=subclusters(allocated)),
        ),
    )


def subclusters(bits: int) -> str:
    """The numbers of the bits that are set, in runs: ``0-3 7``; ``none`` and ``all`` for what they say."""
    if not bits:
        return "none"
    if bits == SUB_ALLOCATED:
        return "all"
    runs, start = [], 0
    while bits >> start:
        first = start + ((bits >> start) & -(bits >> start)).bit_length() - 1
        rest = ~(bits >> first)
        count = (rest & -rest).bit_length() - 1
        runs.append(str(first) if count == 1 else f"{first}-{first + count - 1}")
        start = first + count
    return " ".join(runs)


def _l2_meaning(geometry: Geometry, entry: int) -> str:
    if entry & COMPRESSED:
        return "compressed cluster"
    placed = bool(entry & geometry.host_mask)
    if geometry.extended:
        return "host cluster, see the subclusters" if placed else "no host cluster"
    if entry & ZERO:
        return "reads as zero, host cluster in reserve" if placed else "reads as zero"
    return "data" if placed else "unallocated"


def _copied(entry: int, *, placed: bool) -> Bits:
    copied = entry >> 63
    return Bits(high=63, low=63, name="copied", value=copied, meaning=(_SHARED, _ONE)[copied] if placed else "")


def _zero(geometry: Geometry, entry: int) -> Bits:
    value = entry & ZERO
    if geometry.extended:
        return _reserved(entry, 0, 0)
    wrong = "version 2 has no such bit" if value and geometry.version < 3 else ""
    return Bits(high=0, low=0, name="zero", value=value, meaning="reads as zero" if value else "", wrong=wrong)


def _offset(geometry: Geometry, entry: int, name: str) -> Bits:
    offset = entry & OFFSET_MASK
    wrong = "is not aligned to a cluster" if offset & geometry.cluster_mask else ""
    return Bits(high=55, low=9, name=name, value=offset, form=OFFSET, wrong=wrong)


def _reserved(entry: int, high: int, low: int) -> Bits:
    value = entry >> low & (1 << high - low + 1) - 1
    wrong = "reserved bits must be 0" if value else ""
    return Bits(high=high, low=low, name="reserved", value=value, form=FLAGS, wrong=wrong)
