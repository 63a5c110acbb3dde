"""What bytes of metadata say, field by field, and how a guest byte is found through them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pyqio.base.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OFFSET = "offset"
SIZE = "size"
NUMBER = "number"
FLAGS = "flags"
TEXT = "text"
"""How a value is to be shown: bytes in hexadecimal, bytes, a number, bits in hexadecimal, a text."""


class Bits(Record):
    """Bits ``high`` to ``low`` (inclusive, 0 is the lowest) of a field, as a number of their own.

    ``meaning``: what this value of them says, "" where their name says it all.  ``wrong``: why it cannot be.
    """

    high: int
    low: int
    name: str
    value: int
    form: str = NUMBER
    meaning: str = ""
    wrong: str = ""


class Field(Record):
    """``data`` at byte ``offset`` of the node; ``value`` is what it stands for, shown as ``form`` says."""

    offset: int
    data: bytes
    name: str
    value: int | str
    form: str = NUMBER
    meaning: str = ""
    wrong: str = ""
    bits: Sequence[Bits] = ()


class Structure(Record):
    """Bytes from ``offset`` on (of the node that ``where`` names), taken apart; ``wrong``: about all of them."""

    name: str
    where: str
    offset: int
    parts: Sequence[Field]
    wrong: Sequence[str] = ()


class Onward(NamedTuple):
    """The way goes on at byte ``offset`` of the child ``child``."""

    child: str
    offset: int


class Explanation(Record):
    """How a driver comes from a guest byte to where it is kept.

    ``kind``: data, zero, compressed, unallocated, backing, damaged, or a driver's own word.  ``next``: where the way
    goes on, twice for a pair.  ``facts``: the way in the format's own terms, by snake_case names, in groups; numbers
    under a name that ends in offset, entry, bitmap, length or byte are hexadecimal to a person.  ``wrong``: what
    cannot be right, a sentence each.  ``structures``: the bytes of metadata that lead there, in the order in which
    they are read.
    """

    kind: str
    next: Sequence[Onward] = ()
    facts: Mapping[str, Any] = MappingProxyType({})
    wrong: Sequence[str] = ()
    structures: Sequence[Structure] = ()
