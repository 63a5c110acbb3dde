"""Bytes that are to be taken apart, read in bounded pieces."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from pyqio.base.records import codec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.base.structure import Field, Structure

LARGEST: Final = 4 << 20
"""Bytes of one structure that are looked at."""
MOST_FIELDS: Final = 4096


class Readable(Protocol):
    """What an Image offers."""

    def length(self) -> int:
        """Size in bytes."""
        ...

    def pread(self, offset: int, length: int) -> bytes:
        """Bytes that are all inside.  Raises BlockError."""
        ...


class Member(NamedTuple):
    """A field of a record: its place in the record, its bytes, and the value in them."""

    name: str
    offset: int
    data: bytes
    value: Any


def members(record: type[tuple[Any, ...]], data: bytes) -> Iterator[Member]:
    """The fields of a record (see base/records) at the start of ``data``, which is long enough."""
    layout = codec(record)
    at = 0
    names: tuple[str, ...] = getattr(record, "_fields")  # noqa: B009
    for name, code, value in zip(
        names, re.findall(r"\d*[a-zA-Z]", layout.format), layout.unpack_from(data), strict=True
    ):
        size = struct.calcsize(f">{code}")
        yield Member(name, at, data[at : at + size], value)
        at += size


class Source:
    """A node or an image, and what it is called."""

    def __init__(self, image: Readable, name: str) -> None:
        self._image = image
        self.name = name

    @property
    def end(self) -> int:
        """Where the bytes end."""
        return self._image.length()

    def read(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes, fewer at the end, and never more than LARGEST.  Raises BlockError."""
        length = max(0, min(length, LARGEST, self.end - offset))
        return self._image.pread(offset, length) if length else b""

    def padded(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes, zeroes where there are none.  Raises BlockError."""
        return self.read(offset, length).ljust(length, b"\0")


def structure(source: Source, name: str, offset: int, parts: Sequence[Field], wrong: Iterable[str] = ()) -> Structure:
    """A structure in ``source``."""
    from pyqio.base.structure import Structure

    return Structure(name=name, where=source.name, offset=offset, parts=parts, wrong=tuple(wrong))
