"""New images: the options of ``qemu-img create -f qcow2``, and the file that they make."""

from __future__ import annotations

import errno
import os
from array import array
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, OpenError, OptionError, UsageError
from pyqio.base.kinds import Bool, Integer, Kind, Size, Text
from pyqio.base.types import SECTOR_SIZE, Cache, OpenFlags
from pyqio.base.units import SizeError
from pyqio.block.filename import Typed, parse_protocol
from pyqio.block.graph import Graph
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout, resize
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.encode import CREATED_TAIL_BYTES, encode, feature_names, place_backing_name
from pyqio.drivers.formats.qcow2.naming import resolve_name
from pyqio.drivers.formats.qcow2.options import Qcow2Options, settle
from pyqio.drivers.formats.qcow2.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.block.image import Image
    from pyqio.block.node import Node
    from pyqio.block.secrets import Secrets

CREATE_OPTIONS: Final[Mapping[str, Kind]] = {
    "encryption": Bool(),
    "encrypt.format": Text(),
    "encrypt.key-secret": Text(),
    "encrypt.cipher-alg": Text(),
    "encrypt.cipher-mode": Text(),
    "encrypt.ivgen-alg": Text(),
    "encrypt.ivgen-hash-alg": Text(),
    "encrypt.hash-alg": Text(),
    "encrypt.iter-time": Integer(),
    "cluster_size": Size(),
    "extended_l2": Bool(),
    "preallocation": Text(),
    "compression_type": Text(),
    "size": Size(),
    "compat": Text(),
    "backing_file": Text("file"),
    "backing_fmt": Text("format"),
    "data_file": Text("file"),
    "data_file_raw": Bool(),
    "lazy_refcounts": Bool(),
    "refcount_bits": Integer(),
}
"""Every option by name, in the order in which qemu-img shows those that are set."""

_DEFAULTS: Final[Mapping[str, Any]] = {
    "cluster_size": 65536,
    "extended_l2": False,
    "compression_type": "zlib",
    "lazy_refcounts": False,
    "refcount_bits": 16,
}
_VERSIONS: Final = {"0.10": 2, "v2": 2, "1.1": 3, "v3": 3}
_NO_SIZE: Final = """\
expects a non-negative number below 2^64
Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-
and exabytes, respectively."""
_NAMELESS_BITS: Final = 12
"""In clusters up to this size the names of features would take too much of the room; QEMU leaves them out too."""
_PREALLOCATIONS: Final = ("off", "metadata", "falloc", "full")


def options_in_force(size: int, options: Mapping[str, str]) -> dict[str, Any]:
    """Every option that is set or has a default, in the order of CREATE_OPTIONS.  Raises OptionError."""
    values: dict[str, Any] = {**_DEFAULTS, "size": size}
    for name, text in options.items():
        kind = CREATE_OPTIONS.get(name)
        if kind is None:
            raise OptionError(f"Invalid parameter '{name}'")
        try:
            values[name] = kind.parse(text)
        except SizeError as error:
            raise OptionError(f"Parameter '{name}' {_NO_SIZE}") from error
        except UsageError as error:
            raise OptionError(f"Parameter '{name}' {error}") from error
    return {name: values[name] for name in CREATE_OPTIONS if name in values}


def create_options(filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets) -> Mapping[str, Any]:
    """``options_in_force``, once the backing file is known to be there.  Raises OpenError, OptionError."""
    values = options_in_force(size, options)
    _check_backing(filename, values, secrets)
    return values


def create(filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets) -> Mapping[str, Any]:
    """Make an image of ``size`` guest bytes; nothing is left at ``filename`` when that fails.

    Returns every option with the value in force.  Raises OpenError, OptionError.
    """
    values = create_options(filename, size, options, secrets=secrets)
    fields = _check(values)
    protocol, spec = parse_protocol(Typed(filename))
    existed = os.path.lexists(filename)
    protocol.create(filename, 0, {})
    try:
        flags = OpenFlags(cache=Cache(writeback=True, no_flush=True), discard="unmap")
        with Graph().open(None, {"driver": protocol.name, **spec}, flags) as image:
            _fill(image, fields, values)
    except BaseException as error:
        if not existed and os.path.lexists(filename):
            os.unlink(filename)
        if isinstance(error, BlockError) and not isinstance(error, OpenError):
            raise OpenError(error.message, errno=error.errno) from error
        raise
    return values


def _check_backing(filename: str, values: Mapping[str, Any], secrets: Secrets) -> None:
    """See that the backing file is there and can be opened; relative names start at the new image."""
    name = values.get("backing_file")
    if not name:
        return
    spec = {"driver": values["backing_fmt"]} if "backing_fmt" in values else {}
    try:
        with Graph(secrets=secrets).open(Typed(resolve_name(name, filename)), spec, OpenFlags(read_only=True)) as image:
            found = image.node.driver.name
    except OpenError as error:
        raise OpenError(f"{error.message}\nCould not open backing image.", errno=error.errno) from error
    if not spec:
        raise OpenError(f"Backing file specified without backing format\nDetected format of {found}.")


def _check(values: Mapping[str, Any]) -> headers.HeaderFields:
    """The header of an image of 0 bytes with these options.  Raises OpenError, in QEMU's words."""
    version = _VERSIONS.get(values.get("compat", "v3"))
    if version is None:
        raise OptionError(f"Parameter 'version' does not accept value '{values['compat']}'")
    if values["compression_type"] not in ("zlib", "zstd"):
        raise OptionError(f"Parameter 'compression-type' does not accept value '{values['compression_type']}'")
    prealloc = values.get("preallocation", "off")
    if prealloc not in _PREALLOCATIONS:
        raise OptionError(f"Parameter 'preallocation' does not accept value '{prealloc}'")
    cluster_size = values["cluster_size"]
    if cluster_size & cluster_size - 1 or not 512 <= cluster_size <= 2 << 20:
        raise OpenError("Cluster size must be a power of two between 512 and 2048k")
    _check_extended_l2(values, version)
    if prealloc != "off" and "backing_file" in values:
        raise OpenError("Backing file and preallocation can only be used at the same time if extended_l2 is on")
    if "backing_fmt" in values and "backing_file" not in values:
        raise OpenError("Backing format cannot be used without backing file")
    if values["lazy_refcounts"] and version < 3:
        raise OpenError(
            "Lazy refcounts only supported with compatibility level 1.1 and above (use version=v3 or greater)"
        )
    bits = values["refcount_bits"]
    if not 1 <= bits <= 64 or bits & bits - 1:
        raise OpenError("Refcount width must be a power of two and may not exceed 64 bits")
    if bits != 16 and version < 3:
        raise OpenError(
            "Different refcount widths than 16 bits require compatibility level 1.1 or above "
            "(use version=v3 or greater)"
        )
    _check_out_of_scope(values, version)
    cluster_bits = cluster_size.bit_length() - 1
    if -(-values["size"] >> 2 * cluster_bits - 3) * 8 > layout.MAX_L1_BYTES:
        raise OpenError(
            "The image size is too large for file format 'qcow2' (try using a larger cluster size)", errno=errno.EFBIG
        )
    return _first_fields(cluster_bits, version, bits.bit_length() - 1, lazy=values["lazy_refcounts"])


def _check_extended_l2(values: Mapping[str, Any], version: int) -> None:
    if not values["extended_l2"]:
        return
    if version < 3:
        raise OpenError(
            "Extended L2 entries are only supported with compatibility level 1.1 and above (use version=v3 or greater)"
        )
    if values["cluster_size"] < 1 << 14:
        raise OpenError("Extended L2 entries are only supported with cluster sizes of at least 16384 bytes")
    raise OpenError("qcow2 images with extended L2 entries are not supported", errno=errno.ENOTSUP)


def _check_out_of_scope(values: Mapping[str, Any], version: int) -> None:
    newer = "is only supported with compatibility level 1.1 and above (use version=v3 or greater)"
    if "data_file" in values:
        if version < 3:
            raise OpenError(f"External data files {newer}".replace(" is ", " are "))
        raise OpenError("qcow2 images with an external data file are not supported", errno=errno.ENOTSUP)
    if values.get("data_file_raw"):
        raise OpenError("data-file-raw requires data-file")
    if values["compression_type"] == "zstd":
        if version < 3:
            raise OpenError(f"Non-zlib compression type {newer}")
        raise OpenError("qcow2 images with zstd compression are not supported", errno=errno.ENOTSUP)
    if values.get("encryption") or any(name.startswith("encrypt.") for name in values):
        raise OpenError("qcow2 images with encryption are not supported", errno=errno.ENOTSUP)


def _first_fields(cluster_bits: int, version: int, refcount_order: int, *, lazy: bool) -> headers.HeaderFields:
    return headers.HeaderFields(
        magic=layout.MAGIC,
        version=version,
        backing_file_offset=0,
        backing_file_size=0,
        cluster_bits=cluster_bits,
        size=0,
        crypt_method=0,
        l1_size=0,
        l1_table_offset=0,
        refcount_table_offset=1 << cluster_bits,
        refcount_table_clusters=1,
        nb_snapshots=0,
        snapshots_offset=0,
        compatible_features=layout.LAZY_REFCOUNTS if lazy else 0,
        refcount_order=refcount_order,
    )


def _first_header(fields: headers.HeaderFields, values: Mapping[str, Any]) -> headers.Header:
    extensions = []
    if "backing_fmt" in values:
        extensions.append(headers.Extension(headers.EXT_BACKING_FORMAT, values["backing_fmt"].encode()))
    tail = b""
    if fields.version > 2:
        tail = bytes(CREATED_TAIL_BYTES)
        fields = fields._replace(header_length=headers.V3_LENGTH + len(tail))
        if fields.cluster_bits > _NAMELESS_BITS:
            extensions.append(feature_names())
    name = values.get("backing_file", "").encode(errors="surrogateescape")
    return place_backing_name(headers.Header(fields=fields, tail=tail, extensions=tuple(extensions), backing_name=name))


def _fill(image: Image, fields: headers.HeaderFields, values: Mapping[str, Any]) -> None:
    """Header, refcount table and first block in three clusters; the rest is growing from 0 bytes."""
    node, cluster_size = image.node, 1 << fields.cluster_bits
    name = values.get("backing_file", "")
    try:
        if len(name.encode(errors="surrogateescape")) > layout.MAX_BACKING_NAME:
            raise BlockError(errno=errno.EINVAL)
        encoded = encode(_first_header(fields, values))
    except BlockError as error:
        raise OpenError(
            f"Could not assign backing file '{name}' with format '{values['backing_fmt']}': {error.strerror}"
        ) from error
    node.truncate(3 * cluster_size)
    node.pwrite(0, memoryview(encoded))
    node.pwrite(cluster_size, memoryview((2 * cluster_size).to_bytes(8, "big")))
    codec = Codec(1 << fields.refcount_order)
    node.pwrite(2 * cluster_size, memoryview(codec.encode(array(codec.typecode, [1, 1, 1, 0, 0, 0, 0, 0]))))
    size = -(-values["size"] // SECTOR_SIZE) * SECTOR_SIZE
    if size:
        _grow(node, size, values.get("preallocation", "off"))


def _grow(node: Node, size: int, prealloc: str) -> None:
    def read(offset: int, length: int) -> bytes:
        data = bytearray(length)
        node.pread(offset, memoryview(data))
        return bytes(data)

    header = headers.parse(read, writable=True)
    store = Store(node, header, settle(Qcow2Options(), header, unmap=True), writable=True)
    resize.truncate(store, size, prealloc=prealloc)
    store.settle()
