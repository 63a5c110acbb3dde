"""What the objects for machines are made of."""

from __future__ import annotations

from typing import Final, NamedTuple

TEXT: Final = "text"
BYTES: Final = "hex"
SIZE: Final = "bytes"
NUMBER: Final = "number"
SECONDS: Final = "seconds"
FLAG: Final = "flag"
TEXTS: Final = "texts"
OBJECT: Final = "object"
VALUE: Final = "value"

KINDS: Final = {
    TEXT: "a string; a byte 0xNN that is not UTF-8 is the lone surrogate U+DCNN",
    BYTES: "a string of two hexadecimal digits a byte",
    SIZE: "a whole number of bytes, up to 2^63",
    NUMBER: "a whole number",
    SECONDS: "a number, perhaps with a fraction",
    FLAG: "true or false",
    TEXTS: "an array of strings",
    OBJECT: "an object, with names of its own",
    VALUE: "a whole number or a string",
}
"""What a field may be, and what stands for it."""


class Field(NamedTuple):
    """One member of an object; ``kind``: one of KINDS, or the members of an object of its own.

    ``optional``: it may be missing.  ``nullable``: it may be null.  ``many``: it is an array of such values.
    """

    name: str
    kind: str | tuple[Field, ...]
    meaning: str
    optional: bool = False
    nullable: bool = False
    many: bool = False


class Shape(NamedTuple):
    """An object by its ``type``."""

    type: str
    meaning: str
    fields: tuple[Field, ...]


RANGE: Final = (
    Field("offset", SIZE, "first byte"),
    Field("length", SIZE, "number of bytes"),
)
FORMS: Final = (
    Field("bytes", SIZE, "the number"),
    Field("hex", SIZE, "the same"),
    Field("size", SIZE, "the same"),
    Field("sectors", TEXT, "in sectors, as it may be typed: 2s+100"),
    Field("clusters", TEXT, "in clusters, as it may be typed, where the format has them", optional=True),
)
DELAYED: Final = Field("delayed", FLAG, "an asynchronous request found it, which fails no session")
