r"""The first cluster of an image: fixed fields, extensions, the backing file's name.

::

    0    magic "QFI\xfb", version       \
    8    backing file: offset, length   | HeaderFields, 72 bytes in version 2
    20   cluster_bits, size, crypt      | and 104 in version 3
    36   L1: entries, offset            |
    48   refcount table: offset, ...    |
    60   snapshots: count, offset       |
    72   features, refcount_order, header_length
    104  compression type, reserved       as far as header_length reaches
    ...  extensions: type, length, data padded to 8; type 0 ends them
    ...  backing file name
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.base.errors import FormatError
from pyqio.base.records import U8, U16, U32, U64, codec, unpack
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.layout import Geometry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.block.node import Node

    Reader = Callable[[int, int], bytes]

EXT_END: Final = 0
EXT_BACKING_FORMAT: Final = 0xE2792ACA
EXT_FEATURE_NAMES: Final = 0x6803F857
EXT_BITMAPS: Final = 0x23852875
EXT_CRYPTO: Final = 0x0537BE77
EXT_DATA_FILE: Final = 0x44415441

V2_LENGTH: Final = 72
V3_LENGTH: Final = 104
_MAX_BITMAPS: Final = 65535
_MAX_BITMAP_DIRECTORY: Final = 1024 * _MAX_BITMAPS
"""QEMU takes entries of this many bytes on average."""


class HeaderFields(NamedTuple):
    """The fields of version 3; an image of version 2 has those before the features, and the defaults for the rest."""

    magic: U32
    version: U32
    backing_file_offset: U64
    backing_file_size: U32
    cluster_bits: U32
    size: U64
    crypt_method: U32
    l1_size: U32
    l1_table_offset: U64
    refcount_table_offset: U64
    refcount_table_clusters: U32
    nb_snapshots: U32
    snapshots_offset: U64
    incompatible_features: U64 = 0
    compatible_features: U64 = 0
    autoclear_features: U64 = 0
    refcount_order: U32 = 4
    header_length: U32 = V2_LENGTH


class Extension(NamedTuple):
    """A header extension; its data without the padding."""

    kind: int
    data: bytes


class CryptoExtension(NamedTuple):
    """Where the LUKS header is: host offset and length in bytes."""

    offset: U64
    length: U64


class FeatureName(NamedTuple):
    """A row of the feature name table: type 0 incompatible, 1 compatible, 2 autoclear; a name of 46 bytes follows."""

    kind: U8
    bit: U8


class BitmapsExtension(NamedTuple):
    """Where the directory of the persistent bitmaps is."""

    nb_bitmaps: U32
    reserved: U32
    directory_size: U64
    directory_offset: U64


class BitmapFields(NamedTuple):
    """The fixed part of an entry of the bitmap directory; extra data and name follow, padded to 8 bytes."""

    table_offset: U64
    table_size: U32
    flags: U32
    kind: U8
    granularity_bits: U8
    name_size: U16
    extra_data_size: U32


class SnapshotFields(NamedTuple):
    """The fixed part of a snapshot table entry; extra data, id and name follow, padded to 8 bytes."""

    l1_table_offset: U64
    l1_size: U32
    id_size: U16
    name_size: U16
    date_seconds: U32
    date_ns: U32
    vm_clock_ns: U64
    vm_state_size: U32
    extra_data_size: U32


class Header(NamedTuple):
    """A header whose every field has been checked against the limits of the format.

    ``tail``: what follows the fields, as far as header_length reaches; all but its first byte is unknown here.
    ``backing_name``: the bytes of the backing file's name.
    """

    fields: HeaderFields
    tail: bytes
    extensions: tuple[Extension, ...]
    backing_name: bytes

    @property
    def compression_type(self) -> int:
        """0 zlib, 1 zstd."""
        return self.tail[0] if self.tail else 0

    @property
    def backing_file(self) -> str:
        """The backing file's name, "" where there is none; it ends at a NUL."""
        return self.backing_name.split(b"\0")[0].decode(errors="surrogateescape")

    @property
    def data_file(self) -> str:
        """The data file's name, "" where the image does not say it; it ends at a NUL."""
        return (self.extension(EXT_DATA_FILE) or b"").split(b"\0")[0].decode(errors="surrogateescape")

    def extension(self, kind: int) -> bytes | None:
        """The data of the last extension of this kind, which is the one that counts; None where there is none."""
        return next((e.data for e in reversed(self.extensions) if e.kind == kind), None)

    def geometry(self, *, slice_bytes: int) -> Geometry:
        """Sizes that follow from cluster size, refcount width and version; L2 tables are loaded in slices."""
        fields = self.fields
        return Geometry(
            cluster_bits=fields.cluster_bits,
            refcount_order=fields.refcount_order,
            version=fields.version,
            slice_bytes=slice_bytes,
            extended=bool(fields.incompatible_features & layout.EXTENDED_L2),
            external=bool(fields.incompatible_features & layout.DATA_FILE),
        )


def parse(read: Reader, *, writable: bool, lenient: bool = False) -> Header:
    """The header that ``read(offset, length)`` shows; bytes past the end of the file read as zeroes.

    ``writable``: refuse what must not be written to.  ``lenient``: take a snapshot table that cannot be one, so that
    a check may repair it.  Raises FormatError, in QEMU's words.
    """
    fields = _read_fields(read)
    _check_features(fields, read, writable=writable)
    tail = read(V3_LENGTH, fields.header_length - V3_LENGTH) if fields.header_length > V3_LENGTH else b""
    _check_compression(fields, tail)
    _check_tables(fields, lenient=lenient)
    extensions = tuple(_walk_extensions(fields, read))
    _check_extensions(fields, extensions)
    return Header(
        fields=fields,
        tail=tail,
        extensions=extensions,
        backing_name=_read_backing_name(fields, read),
    )


def parse_file(file: Node, *, writable: bool, lenient: bool = False) -> Header:
    """The header of the image in ``file`` (see parse)."""

    def read(offset: int, length: int) -> bytes:
        data = bytearray(length)
        file.pread(offset, memoryview(data))
        return bytes(data)

    return parse(read, writable=writable, lenient=lenient)


def _read_fields(read: Reader) -> HeaderFields:
    fields = unpack(HeaderFields, read(0, V3_LENGTH))
    if fields.magic != layout.MAGIC:
        raise FormatError("Image is not in qcow2 format")
    if fields.version not in (2, 3):
        raise FormatError(f"Unsupported qcow2 version {fields.version}")
    if not layout.MIN_CLUSTER_BITS <= fields.cluster_bits <= layout.MAX_CLUSTER_BITS:
        raise FormatError(f"Unsupported cluster size: 2^{fields.cluster_bits}")
    if fields.version == 2:
        fields = HeaderFields(*fields[: HeaderFields._fields.index("incompatible_features")])
    elif fields.header_length < V3_LENGTH:
        raise FormatError("qcow2 header too short")
    if fields.header_length > 1 << fields.cluster_bits:
        raise FormatError("qcow2 header exceeds cluster size")
    if fields.backing_file_offset > 1 << fields.cluster_bits:
        raise FormatError("Invalid backing file offset")
    return fields


def _check_features(fields: HeaderFields, read: Reader, *, writable: bool) -> None:
    unknown = fields.incompatible_features & ~layout.KNOWN_INCOMPATIBLE
    if unknown:
        table = next((e.data for e in _walk_extensions(fields, read) if e.kind == EXT_FEATURE_NAMES), b"")
        raise FormatError(f"Unsupported qcow2 feature(s): {', '.join(_name_features(unknown, table))}")
    if fields.incompatible_features & layout.CORRUPT and writable:
        raise FormatError("qcow2: Image is corrupt; cannot be opened read/write")


def _name_features(bits: int, table: bytes) -> Iterator[str]:
    step = codec(FeatureName).size + 46
    for at in range(0, len(table), step):
        kind, bit = unpack(FeatureName, table[at : at + step].ljust(step, b"\0"))
        if kind == 0 and bit < 64 and bits >> bit & 1:
            bits &= ~(1 << bit)
            yield table[at + 2 : at + step].split(b"\0")[0].decode(errors="surrogateescape")
    if bits:
        yield f"Unknown incompatible feature: {bits:x}"


def _check_compression(fields: HeaderFields, tail: bytes) -> None:
    compression_type = tail[0] if tail else 0
    if compression_type > 1:
        raise FormatError(f"qcow2: unknown compression type: {compression_type}", errno=errno.ENOTSUP)
    flagged = bool(fields.incompatible_features & layout.COMPRESSION_TYPE)
    if flagged and not compression_type:
        raise FormatError("qcow2: Compression type incompatible feature bit must not be set")
    if compression_type and not flagged:
        raise FormatError("qcow2: Compression type incompatible feature bit must be set")


def _check_tables(fields: HeaderFields, *, lenient: bool) -> None:
    if fields.refcount_order > layout.MAX_REFCOUNT_ORDER:
        raise FormatError("Reference count entry width too large; may not exceed 64 bits")
    if fields.crypt_method > 2:
        raise FormatError(f"Unsupported encryption method {fields.crypt_method}")
    if not fields.refcount_table_clusters:
        raise FormatError("Image does not contain a reference count table")
    reftable_bytes = fields.refcount_table_clusters << fields.cluster_bits
    _check_table(
        fields, "Reference count table", fields.refcount_table_offset, reftable_bytes, layout.MAX_REFTABLE_BYTES
    )
    snapshots = fields.nb_snapshots * codec(SnapshotFields).size
    most = layout.MAX_SNAPSHOTS * codec(SnapshotFields).size
    if not lenient:
        _check_table(fields, "Snapshot table", fields.snapshots_offset, snapshots, most)
    _check_table(fields, "Active L1 table", fields.l1_table_offset, fields.l1_size * 8, layout.MAX_L1_BYTES)
    extended = bool(fields.incompatible_features & layout.EXTENDED_L2)
    if extended and fields.cluster_bits < layout.MIN_EXTENDED_BITS:
        raise FormatError(f"Unsupported subcluster size: {(1 << fields.cluster_bits) // layout.SUBCLUSTERS}")
    needed = -(-fields.size >> (2 * fields.cluster_bits - (4 if extended else 3)))
    if needed >= 1 << 31:
        raise FormatError("Image is too big")
    if fields.l1_size < needed:
        raise FormatError("L1 table is too small")


def _check_table(fields: HeaderFields, name: str, offset: int, length: int, maximum: int) -> None:
    if length > maximum:
        raise FormatError(f"{name} too large")
    if offset > layout.INT64_MAX - length or offset % (1 << fields.cluster_bits):
        raise FormatError(f"{name} offset invalid")


def _walk_extensions(fields: HeaderFields, read: Reader) -> Iterator[Extension]:
    at = fields.header_length
    end = fields.backing_file_offset or 1 << fields.cluster_bits
    while at < end:
        head = read(at, 8)
        kind, length = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")
        at += 8
        if at > end or length > end - at:
            raise FormatError("Header extension too large")
        if kind == EXT_END:
            return
        yield Extension(kind, read(at, length))
        at += -(-length // 8) * 8


def _check_extensions(fields: HeaderFields, extensions: tuple[Extension, ...]) -> None:
    for kind, data in extensions:
        if kind == EXT_BACKING_FORMAT and len(data) >= 16:
            raise FormatError(f"ERROR: ext_backing_format: len={len(data)} too large (>=16)")
        if kind == EXT_CRYPTO:
            _check_crypto(fields, data)
        if kind == EXT_BITMAPS:
            _check_bitmaps(fields, data)

    if fields.crypt_method == 2 and all(kind != EXT_CRYPTO for kind, _ in extensions):
        raise FormatError("Missing CRYPTO header for crypt method 2")
    if fields.autoclear_features & layout.RAW_DATA_FILE and not fields.incompatible_features & layout.DATA_FILE:
        raise FormatError("data-file-raw requires a data file")


def _check_crypto(fields: HeaderFields, data: bytes) -> None:
    size, cluster_size = codec(CryptoExtension).size, 1 << fields.cluster_bits
    if fields.crypt_method != 2:
        raise FormatError("CRYPTO header extension only expected with LUKS encryption method")
    if len(data) != size:
        raise FormatError(f"CRYPTO header extension size {len(data)}, but expected size {size}")
    offset = unpack(CryptoExtension, data).offset
    if offset % cluster_size:
        raise FormatError(f"Encryption header offset '{offset}' is not a multiple of cluster size '{cluster_size}'")


def bitmaps_extension(header: Header) -> BitmapsExtension | None:
    """Where the directory of the bitmaps is; None where there are none, or none that count."""
    data = header.extension(EXT_BITMAPS)
    if data is None or not header.fields.autoclear_features & layout.BITMAPS:
        return None
    return unpack(BitmapsExtension, data)


def _check_bitmaps(fields: HeaderFields, data: bytes) -> None:
    if len(data) != codec(BitmapsExtension).size:
        raise FormatError("bitmaps_ext: Invalid extension length")
    if not fields.autoclear_features & layout.BITMAPS:
        return
    bitmaps = unpack(BitmapsExtension, data)
    if bitmaps.reserved:
        raise FormatError("bitmaps_ext: Reserved field is not zero")
    if bitmaps.nb_bitmaps > _MAX_BITMAPS:
        raise FormatError(
            f"bitmaps_ext: Image has {bitmaps.nb_bitmaps} bitmaps, "
            f"exceeding the QEMU supported maximum of {_MAX_BITMAPS}"
        )
    if not bitmaps.nb_bitmaps:
        raise FormatError("found bitmaps extension with zero bitmaps")
    if bitmaps.directory_offset % (1 << fields.cluster_bits):
        raise FormatError("bitmaps_ext: invalid bitmap directory offset")
    if bitmaps.directory_size > _MAX_BITMAP_DIRECTORY:
        raise FormatError(
            f"bitmaps_ext: bitmap directory size ({bitmaps.directory_size}) "
            f"exceeds the maximum supported size ({_MAX_BITMAP_DIRECTORY})"
        )


def _read_backing_name(fields: HeaderFields, read: Reader) -> bytes:
    if not fields.backing_file_offset:
        return b""
    length = fields.backing_file_size
    room = (1 << fields.cluster_bits) - fields.backing_file_offset
    if length > min(layout.MAX_BACKING_NAME, room):
        raise FormatError("Backing file name too long")
    return read(fields.backing_file_offset, length)
