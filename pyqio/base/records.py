"""Fixed records on disk: a NamedTuple on one side, big-endian bytes on the other.

A record is a NamedTuple whose fields are annotated U8, U16, U32 or U64; the fields follow one another on disk.
"""

from __future__ import annotations

import sys
from functools import cache
from struct import Struct
from typing import Annotated, Any, TypeVar, get_type_hints

U8 = Annotated[int, "B"]
U16 = Annotated[int, "H"]
U32 = Annotated[int, "I"]
U64 = Annotated[int, "Q"]

T = TypeVar("T", bound="tuple[Any, ...]")


@cache
def codec(record: type[tuple[Any, ...]]) -> Struct:
    """The layout of ``record``; its ``size`` is in bytes."""
    hints = get_type_hints(record, vars(sys.modules[record.__module__]), include_extras=True)
    return Struct(">" + "".join(hint.__metadata__[0] for hint in hints.values()))


def unpack(record: type[T], data: bytes | memoryview, offset: int = 0) -> T:
    """The record at byte ``offset`` of ``data``, which the caller knows to be long enough."""
    return record(*codec(record).unpack_from(data, offset))


def pack(record: tuple[Any, ...]) -> bytes:
    """The bytes of ``record``, whose values the caller knows to fit."""
    return codec(type(record)).pack(*record)
