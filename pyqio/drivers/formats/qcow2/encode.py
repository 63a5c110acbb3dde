"""Headers as bytes: of new images, and of images whose extensions change.

What is not known here, in the tail of the fields and in the extensions, goes back to where it was.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import BlockError
from pyqio.base.records import pack
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.header import Extension, FeatureName, Header, HeaderFields

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATED_TAIL_BYTES: Final = 8
"""What a new image of version 3 has after the fields: the compression type, padded."""
_HEAD: Final = 8
"""Bytes before an extension's data."""


def encode_fields(fields: HeaderFields) -> bytes:
    """The fixed fields as they stand at the start of the file."""
    return pack(fields)[: headers.V2_LENGTH if fields.version == 2 else headers.V3_LENGTH]


def encode(header: Header) -> bytes:
    """The whole header, from the first byte of the file to the last of the backing file's name.

    Raises BlockError (ENOSPC) where that is more than a cluster.
    """
    extensions = b"".join(map(_encode_extension, [*header.extensions, Extension(headers.EXT_END, b"")]))
    data = encode_fields(header.fields) + header.tail + extensions + header.backing_name
    if len(data) > 1 << header.fields.cluster_bits:
        raise BlockError(errno=errno.ENOSPC)
    return data


def place_backing_name(header: Header) -> Header:
    """The same header, its fields saying where ``encode`` puts the backing file's name."""
    name = header.backing_name
    end = len(encode_fields(header.fields) + header.tail) + sum(map(_room, header.extensions)) + _HEAD
    placed = header.fields._replace(backing_file_offset=end if name else 0, backing_file_size=len(name))
    return header._replace(fields=placed)


def with_extensions(header: Header, changes: Mapping[int, bytes | None]) -> Header:
    """The same header with other extensions: each kind in ``changes`` gets this data, or goes where that is None.

    All others keep their bytes and their order; a new kind comes last.
    """
    kept: list[Extension] = []
    waiting = dict(changes)
    for extension in header.extensions:
        if extension.kind not in changes:
            kept.append(extension)
        elif (data := waiting.pop(extension.kind, None)) is not None:
            kept.append(Extension(extension.kind, data))
    kept += [Extension(kind, data) for kind, data in waiting.items() if data is not None]
    return place_backing_name(header._replace(extensions=tuple(kept)))


def feature_names() -> Extension:
    """The table that tells other programs the names of the features they do not know."""
    rows = (pack(FeatureName(kind, bit)) + name.encode().ljust(46, b"\0") for kind, bit, name in layout.FEATURE_NAMES)
    return Extension(headers.EXT_FEATURE_NAMES, b"".join(rows))


def _room(extension: Extension) -> int:
    return _HEAD + -(-len(extension.data) // 8) * 8


def _encode_extension(extension: Extension) -> bytes:
    size = len(extension.data)
    head = extension.kind.to_bytes(4, "big") + size.to_bytes(4, "big")
    return (head + extension.data).ljust(_room(extension), b"\0")
