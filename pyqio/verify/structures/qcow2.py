"""The header and the tables of a qcow2 image, as they are in the file.

Source: qcow2 specification ("docs/interop/qcow2.txt" of QEMU).  Nothing here takes the header's word for more than it
is good for: sizes that cannot be are replaced by the usual ones, and that is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import FormatError
from pyqio.base.records import codec, unpack
from pyqio.base.structure import FLAGS, NUMBER, OFFSET, SIZE, TEXT, Bits, Field
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.compressed import TYPES
from pyqio.drivers.formats.qcow2.entries import l1_field, l2_fields, reftable_field
from pyqio.drivers.formats.qcow2.layout import COMPRESSED, OFFSET_MASK, Geometry
from pyqio.verify.structures.source import LARGEST, MOST_FIELDS, members, structure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pyqio.base.structure import Structure
    from pyqio.verify.structures.source import Source

_MOST_EXTENSIONS: Final = 64
_DEFAULT_BITS: Final = 16
_FEATURES: Final = {"incompatible_features": 0, "compatible_features": 1, "autoclear_features": 2}
_EXTENSIONS: Final = {
    headers.EXT_BACKING_FORMAT: "backing file's format",
    headers.EXT_FEATURE_NAMES: "names of features",
    headers.EXT_BITMAPS: "bitmaps",
    headers.EXT_CRYPTO: "LUKS header",
    headers.EXT_DATA_FILE: "data file's name",
}
_TEXTS: Final = (headers.EXT_BACKING_FORMAT, headers.EXT_DATA_FILE)
_RECORDS: Final[dict[int, type[tuple[Any, ...]]]] = {
    headers.EXT_CRYPTO: headers.CryptoExtension,
    headers.EXT_BITMAPS: headers.BitmapsExtension,
}


class Seen(NamedTuple):
    """What the tables are read by; ``wrong``: what of the header cannot be."""

    fields: headers.HeaderFields
    geometry: Geometry
    wrong: tuple[str, ...]


def look(source: Source) -> Seen:
    """The header's numbers, and the geometry that follows; the usual one where there is no header to go by."""
    fields = unpack(headers.HeaderFields, source.padded(0, headers.V3_LENGTH))
    if fields.version < 3:
        fields = headers.HeaderFields(*fields[: headers.HeaderFields._fields.index("incompatible_features")])
    wrong = []
    if fields.magic != layout.MAGIC:
        wrong.append("there is no qcow2 header: the usual sizes are taken")
        fields = headers.HeaderFields(layout.MAGIC, 3, 0, 0, _DEFAULT_BITS, 0, 0, 0, 0, 0, 0, 0, 0)
    bits, order = fields.cluster_bits, fields.refcount_order
    if not layout.MIN_CLUSTER_BITS <= bits <= layout.MAX_CLUSTER_BITS:
        wrong.append(f"cluster_bits cannot be {bits}: {_DEFAULT_BITS} is taken")
        bits = _DEFAULT_BITS
    if order > layout.MAX_REFCOUNT_ORDER:
        wrong.append(f"refcount_order cannot be {order}: 4 is taken")
        order = 4
    return Seen(fields, _geometry(fields, bits, order), tuple(wrong))


def _geometry(fields: headers.HeaderFields, bits: int, order: int) -> Geometry:
    return Geometry(
        cluster_bits=bits,
        refcount_order=order,
        version=fields.version,
        slice_bytes=1 << bits,
        extended=bool(fields.incompatible_features & layout.EXTENDED_L2) and bits >= layout.MIN_EXTENDED_BITS,
        external=bool(fields.incompatible_features & layout.DATA_FILE),
    )


def luks_offset(source: Source) -> int:
    """Where the image says that its LUKS header is; 0 where it says nothing."""
    fields = look(source).fields
    end = fields.header_length if fields.version >= 3 else headers.V2_LENGTH
    for found in _extensions(source, 0, end, fields):
        if found.name.endswith(_EXTENSIONS[headers.EXT_CRYPTO]) and isinstance(offset := found.parts[-2].value, int):
            return offset
    return 0


def header(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """The header's fields, its extensions, and the backing file's name."""
    start = offset or 0
    data = source.padded(start, headers.V3_LENGTH + 8)
    version3 = int.from_bytes(data[4:8], "big") >= 3
    fields = unpack(headers.HeaderFields, data)
    parts = [
        _header_field(name, value, start + at, piece)
        for name, at, piece, value in members(headers.HeaderFields, data)
        if at < headers.V2_LENGTH or version3
    ]
    end = fields.header_length if version3 else headers.V2_LENGTH
    if end > headers.V3_LENGTH:
        parts.append(_compression(data[headers.V3_LENGTH], start + headers.V3_LENGTH))
    yield structure(source, "qcow2 header", start, parts, _verdict(source, start))
    yield from _extensions(source, start, end, fields)
    if fields.backing_file_offset:
        yield _backing_name(source, start + fields.backing_file_offset, fields.backing_file_size)


def _verdict(source: Source, start: int) -> tuple[str, ...]:
    """What the driver has against the header."""
    try:
        headers.parse(lambda offset, length: source.padded(start + offset, min(length, LARGEST)), writable=False)
    except FormatError as error:
        return (error.message,)
    return ()


def _header_field(name: str, value: int, at: int, data: bytes) -> Field:
    meaning, wrong, form = "", "", NUMBER
    bits: tuple[Bits, ...] = ()
    if name == "magic":
        form, wrong = FLAGS, "" if value == layout.MAGIC else 'not "QFI\\xfb"'
    elif name in _FEATURES:
        form, bits = FLAGS, _feature_bits(_FEATURES[name], value)
    elif name.endswith("offset"):
        form = OFFSET
    elif name == "size":
        form = SIZE
    elif name == "cluster_bits" and value < 32:
        meaning = f"clusters of {1 << value} bytes"
    elif name == "refcount_order" and value < 32:
        meaning = f"refcounts of {1 << value} bits"
    elif name == "crypt_method":
        meaning = "not encrypted" if not value else layout.CRYPT_METHODS.get(value, "")
        wrong = "no such method" if not meaning else ""
    return Field(offset=at, data=data, name=name, value=value, form=form, meaning=meaning, wrong=wrong, bits=bits)


def _feature_bits(kind: int, value: int) -> tuple[Bits, ...]:
    known = {bit: name for of, bit, name in layout.FEATURE_NAMES if of == kind}
    return tuple(
        Bits(
            high=bit,
            low=bit,
            name=known.get(bit, "unknown"),
            value=1,
            wrong="" if bit in known or kind else "not known here: the image cannot be opened",
        )
        for bit in range(64)
        if value >> bit & 1
    )


def _compression(value: int, at: int) -> Field:
    name = TYPES[value][0] if value in TYPES else ""
    wrong = "" if name else "no such type"
    return Field(offset=at, data=bytes((value,)), name="compression_type", value=value, meaning=name, wrong=wrong)


def _extensions(source: Source, start: int, at: int, fields: headers.HeaderFields) -> Iterator[Structure]:
    end = min(fields.backing_file_offset or LARGEST, 1 << min(fields.cluster_bits, layout.MAX_CLUSTER_BITS))
    for _ in range(_MOST_EXTENSIONS):
        if at + 8 > end:
            return
        head = source.padded(start + at, 8)
        kind, length = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        if kind == headers.EXT_END:
            return
        place = start + at
        parts = [
            Field(offset=place, data=head[:4], name="kind", value=kind, form=FLAGS),
            Field(offset=place + 4, data=head[4:], name="length", value=length),
        ]
        if length > end - at - 8:
            wrong = f"reaches past {end:#x}, where extensions end"
            parts[1] = parts[1].replace(wrong=wrong)
            yield structure(source, "header extension", place, parts)
            return
        parts += _extension_data(kind, source.padded(place + 8, length), place + 8)
        name = _EXTENSIONS.get(kind, "unknown")
        yield structure(source, f"header extension: {name}", place, parts)
        at += 8 + -(-length // 8) * 8


def _extension_data(kind: int, data: bytes, at: int) -> list[Field]:
    if kind in _TEXTS:
        return [Field(offset=at, data=data, name="name", value=_decoded(data), form=TEXT)]
    if kind == headers.EXT_FEATURE_NAMES:
        return list(_feature_names(data, at))
    record = _RECORDS.get(kind)
    if record is None or len(data) < codec(record).size:
        return [Field(offset=at, data=data, name="data", value=f"{len(data)} bytes", form=TEXT)]
    return [
        Field(offset=at + place, data=piece, name=name, value=value, form=OFFSET if "offset" in name else NUMBER)
        for name, place, piece, value in members(record, data)
    ]


def _feature_names(data: bytes, at: int) -> Iterator[Field]:
    kinds = {number: name.partition("_")[0] for name, number in _FEATURES.items()}
    for place in range(0, len(data) - 47, 48):
        kind, bit = data[place], data[place + 1]
        name = f"{kinds.get(kind, f'kind {kind}')} bit {bit}"
        text = _decoded(data[place + 2 : place + 48])
        yield Field(offset=at + place, data=data[place : place + 48], name=name, value=text, form=TEXT)


def _backing_name(source: Source, at: int, length: int) -> Structure:
    data = source.read(at, min(length, layout.MAX_BACKING_NAME))
    wrong = [f"{length} bytes are more than the {layout.MAX_BACKING_NAME} that a name may have"]
    part = Field(offset=at, data=data, name="name", value=_decoded(data), form=TEXT)
    return structure(source, "backing file's name", at, [part], wrong if length > len(data) else ())


def _decoded(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="surrogateescape")


def l1(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """The L1 table, by default the one that the header leads to."""
    seen = look(source)
    at = seen.fields.l1_table_offset if offset is None else offset
    size = seen.fields.l1_size * 8 if length is None else length
    words = Codec(64).decode(_whole(source.read(at, size), 8))

    def field(index: int) -> Field:
        return l1_field(seen.geometry, words[index], at + index * 8)

    yield _entries(source, "L1 table", at, words, field, seen, width=8)


def l2(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """An L2 table, by default the first one."""
    seen = look(source)
    geometry = seen.geometry
    width = 16 if geometry.extended else 8
    at = _first_table(source, seen.fields.l1_table_offset, OFFSET_MASK) if offset is None else offset
    words = Codec(64).decode(_whole(source.read(at, geometry.cluster_size if length is None else length), width))
    entries, bitmaps = (words[::2], words[1::2]) if geometry.extended else (words, [0] * len(words))
    twins = _twins(entries)

    def field(index: int) -> Field:
        first, *second = l2_fields(geometry, entries[index], bitmaps[index], at + index * width)
        if index in twins:
            first = first.replace(wrong=f"the host cluster of [{twins[index]}] too")
        if not second:
            return first
        first = first.replace(data=first.data + second[0].data, wrong=first.wrong or second[0].wrong)
        if entries[index] & COMPRESSED:
            return first
        said = ", ".join(f"{bits.name.replace('_', ' ')}: {bits.meaning}" for bits in second[0].bits)
        return first.replace(meaning=said)

    used = [entry | bitmap for entry, bitmap in zip(entries, bitmaps, strict=True)]
    yield _entries(source, "L2 table", at, used, field, seen, width=width)


def _twins(entries: Sequence[int]) -> dict[int, int]:
    """By index: the first entry that leads to the same host cluster, for all but that first one."""
    first_of: dict[int, int] = {}
    twins = {}
    for index, entry in enumerate(entries):
        host = entry & OFFSET_MASK
        if host and not entry & COMPRESSED and (first := first_of.setdefault(host, index)) < index:
            twins[index] = first
    return twins


def refcount_table(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """The refcount table, by default the one that the header leads to."""
    seen = look(source)
    at = seen.fields.refcount_table_offset if offset is None else offset
    size = seen.fields.refcount_table_clusters << seen.geometry.cluster_bits if length is None else length
    words = Codec(64).decode(_whole(source.read(at, size), 8))

    def field(index: int) -> Field:
        return reftable_field(seen.geometry, words[index], at + index * 8)

    yield _entries(source, "refcount table", at, words, field, seen, width=8)


def refcount_block(source: Source, offset: int | None, length: int | None) -> Iterator[Structure]:
    """A block of refcounts, by default the first one; runs of equal counts are told together."""
    seen = look(source)
    geometry = seen.geometry
    at = _first_table(source, seen.fields.refcount_table_offset, ~0x1FF) if offset is None else offset
    data = source.read(at, geometry.cluster_size if length is None else length)
    bits = geometry.refcount_bits
    counts = Codec(bits).decode(_whole(data, max(1, bits // 8)))
    parts = []
    for first, count in _runs(counts):
        start, stop = first * bits // 8, -(-(first + count) * bits // 8)
        clusters = f"{first}" if count == 1 else f"{first}-{first + count - 1}"
        parts.append(Field(offset=at + start, data=data[start:stop], name=clusters, value=counts[first]))
        if len(parts) == MOST_FIELDS:
            break
    yield structure(source, "refcount block (clusters are counted from its first)", at, parts, seen.wrong)


def _runs(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, number) of equal counts that follow one another."""
    from itertools import groupby

    first = 0
    for _, group in groupby(counts):
        count = sum(1 for _ in group)
        yield first, count
        first += count


def _entries(
    source: Source,
    name: str,
    at: int,
    words: Sequence[int],
    field: Callable[[int], Field],
    seen: Seen,
    *,
    width: int,
) -> Structure:
    """A table, an entry a line; entries that are 0 in ``words`` are told together."""
    parts: list[Field] = []
    first = 0
    while first < len(words) and len(parts) < MOST_FIELDS:
        stop = first
        while stop < len(words) and not words[stop]:
            stop += 1
        if stop > first:
            names = f"[{first}]" if stop == first + 1 else f"[{first}-{stop - 1}]"
            parts.append(Field(offset=at + first * width, data=b"", name=names, value=0))
            first = stop
        else:
            parts.append(_compact(field(first), first))
            first += 1
    wrong = seen.wrong
    if first < len(words):
        wrong = (*wrong, f"{len(words) - first} more entries are not shown")
    return structure(source, name, at, parts, wrong)


def _compact(field: Field, index: int) -> Field:
    """An entry in one line: what its bits say, and what is wrong with them."""
    said = [field.meaning, *("copied" for bits in field.bits if bits.name == "copied" and bits.value)]
    wrong = [field.wrong, *(f"{bits.name}: {bits.wrong}" for bits in field.bits)]
    return field.replace(
        name=f"[{index}]",
        meaning=", ".join(filter(None, said)),
        wrong="; ".join(text for text in wrong if text and not text.endswith(": ")),
        bits=(),
    )


def _first_table(source: Source, at: int, mask: int) -> int:
    """Where the first entry of a table that leads anywhere leads to; 0 where none does."""
    data = source.read(at, LARGEST)
    return next((word & mask for word in Codec(64).decode(_whole(data, 8)) if word & mask), 0)


def _whole(data: bytes, unit: int) -> bytes:
    return data[: len(data) // unit * unit]
