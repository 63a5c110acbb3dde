"""Making a new image: its file, that of its data, and what is in them at first."""

from __future__ import annotations

import errno
import os
from array import array
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, OpenError
from pyqio.base.types import Cache, OpenFlags
from pyqio.block.creation import parse
from pyqio.block.filename import Typed, parse_protocol
from pyqio.block.graph import Graph
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout, resize
from pyqio.drivers.formats.qcow2.cache import Codec
from pyqio.drivers.formats.qcow2.creation import OPTIONS, Plan, check_aliases, plan
from pyqio.drivers.formats.qcow2.encode import CREATED_TAIL_BYTES, encode, feature_names, place_backing_name
from pyqio.drivers.formats.qcow2.options import Qcow2Options, settle
from pyqio.drivers.formats.qcow2.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.block.node import Node
    from pyqio.block.secrets import Secrets

_NAMELESS_BITS: Final = 12
"""In clusters up to this size the names of features would take too much of the room; QEMU leaves them out too."""


def create(filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets) -> Mapping[str, Any]:
    """Make an image of ``size`` guest bytes; no file that was not there before is left when that fails.

    Options that are not the format's go to the protocol.  Returns those of the format with the values in force.
    Raises OpenError, OptionError.
    """
    values = parse(OPTIONS, {name: text for name, text in options.items() if name in OPTIONS})
    outer = {name: text for name, text in options.items() if name not in OPTIONS}
    check_aliases(values)
    try:
        with _made(filename, outer) as file:
            if "data_file" not in values:
                _fill(file, file, plan(values, size), secrets)
            else:
                with _made(values["data_file"], outer) as data:
                    _fill(file, data, plan(values, size), secrets)
    except BlockError as error:
        if isinstance(error, OpenError):
            raise
        raise OpenError(error.message, errno=error.errno) from error
    values["size"] = size
    return {name: values[name] for name in OPTIONS if name in values}


@contextmanager
def _made(filename: str, options: Mapping[str, str]) -> Iterator[Node]:
    """A new file, open and empty; it goes again when something fails, unless it was there before."""
    protocol, spec = parse_protocol(Typed(filename))
    path = str(spec.get("filename", ""))
    existed = os.path.lexists(path)
    protocol.create(filename, 0, options)
    try:
        flags = OpenFlags(cache=Cache(writeback=True, no_flush=True), discard="unmap")
        with Graph().open(None, {"driver": protocol.name, **spec}, flags) as image:
            image.truncate(0, exact=False)
            yield image.node
    except BaseException:
        if not existed and os.path.lexists(path):
            os.unlink(path)
        raise


def _fill(file: Node, data: Node, plan: Plan, secrets: Secrets) -> None:
    """Header, refcount table and first block in three clusters; the rest is growing from 0 bytes."""
    cluster_size = 1 << plan.cluster_bits
    encoded = _encode(plan)
    file.truncate(3 * cluster_size)
    file.pwrite(0, memoryview(encoded))
    file.pwrite(cluster_size, memoryview((2 * cluster_size).to_bytes(8, "big")))
    codec = Codec(1 << plan.refcount_order)
    file.pwrite(2 * cluster_size, memoryview(codec.encode(array(codec.typecode, [1, 1, 1, 0, 0, 0, 0, 0]))))
    store = _open(file, data)
    try:
        if plan.size:
            resize.truncate(store, plan.size, prealloc=plan.preallocation)
    except BlockError as error:
        raise OpenError(f"Could not resize image: {error.message}", errno=error.errno) from error
    if plan.encrypt is not None:
        from pyqio.drivers.formats.qcow2 import encryption

        encryption.create(store, plan.encrypt, secrets.password)
    store.settle()


def _open(file: Node, data: Node) -> Store:
    def read(offset: int, length: int) -> bytes:
        found = bytearray(length)
        file.pread(offset, memoryview(found))
        return bytes(found)

    header = headers.parse(read, writable=True)
    store = Store(file, header, settle(Qcow2Options(), header, unmap=True), writable=True)
    store.data = data
    return store


def _encode(plan: Plan) -> bytes:
    """The header of an image of 0 bytes.  Raises OpenError where the names in it are too long."""
    try:
        if len(plan.backing_file.encode(errors="surrogateescape")) > layout.MAX_BACKING_NAME:
            raise BlockError(errno=errno.EINVAL)
        return encode(_first_header(plan))
    except BlockError as error:
        raise OpenError(
            f"Could not assign backing file '{plan.backing_file}' with format '{plan.backing_format}': {error.strerror}"
        ) from error


def _first_header(plan: Plan) -> headers.Header:
    extensions, tail = [], b""
    if plan.backing_format:
        extensions.append(headers.Extension(headers.EXT_BACKING_FORMAT, plan.backing_format.encode()))
    if plan.data_file is not None:
        extensions.append(headers.Extension(headers.EXT_DATA_FILE, os.fsencode(plan.data_file)))
    if plan.version > 2:
        tail = bytes([plan.compression_type]).ljust(CREATED_TAIL_BYTES, b"\0")
        if plan.cluster_bits > _NAMELESS_BITS:
            extensions.append(feature_names())
    return place_backing_name(
        headers.Header(
            fields=_first_fields(plan, headers.V3_LENGTH + len(tail)),
            tail=tail,
            extensions=tuple(extensions),
            backing_name=os.fsencode(plan.backing_file),
        )
    )


def _first_fields(plan: Plan, header_length: int) -> headers.HeaderFields:
    incompatible = (
        (layout.DATA_FILE if plan.data_file is not None else 0)
        | (layout.COMPRESSION_TYPE if plan.compression_type else 0)
        | (layout.EXTENDED_L2 if plan.extended_l2 else 0)
    )
    return headers.HeaderFields(
        magic=layout.MAGIC,
        version=plan.version,
        backing_file_offset=0,
        backing_file_size=0,
        cluster_bits=plan.cluster_bits,
        size=0,
        crypt_method=0,
        l1_size=0,
        l1_table_offset=0,
        refcount_table_offset=1 << plan.cluster_bits,
        refcount_table_clusters=1,
        nb_snapshots=0,
        snapshots_offset=0,
        incompatible_features=incompatible,
        compatible_features=layout.LAZY_REFCOUNTS if plan.lazy_refcounts else 0,
        autoclear_features=layout.RAW_DATA_FILE if plan.data_file_raw else 0,
        refcount_order=plan.refcount_order,
        header_length=header_length if plan.version > 2 else headers.V2_LENGTH,
    )
