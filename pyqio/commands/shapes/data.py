"""Objects for machines: what reads, writes and searches give."""

from typing import Final

from pyqio.commands.shapes.fields import BYTES, DELAYED, NUMBER, RANGE, SECONDS, SIZE, TEXT, Field, Shape

SHAPES: Final = (
    Shape(
        "transfer",
        "bytes were read, written or discarded",
        (
            Field("operation", TEXT, "read, write or discard"),
            *RANGE,
            Field("elapsed", SECONDS, "how long it took"),
        ),
    ),
    Shape(
        "dump",
        "bytes to be shown; a long range comes in several objects",
        (Field("offset", SIZE, "where the first of them is"), Field("data", BYTES, "at most 64 KiB")),
    ),
    Shape(
        "pattern-mismatch",
        "the bytes of a range are not all the pattern",
        (
            *RANGE,
            Field("pattern", NUMBER, "the byte that was expected"),
            Field("first", SIZE, "offset of the first other byte"),
            Field("found", NUMBER, "that byte"),
            DELAYED,
        ),
    ),
    Shape(
        "hit",
        "a place that search has found",
        (
            Field("offset", SIZE, "its first byte"),
            Field("sector", NUMBER, "the sector of 512 bytes that this is in"),
            Field("byte", SIZE, "where in the sector it is"),
            Field("data", TEXT, "the first bytes there, in hexadecimal digits"),
        ),
    ),
)
