"""Objects for machines: what images and their nodes give."""

from typing import Final

from pyqio.commands.shapes.fields import (
    BYTES,
    FLAG,
    FORMS,
    NUMBER,
    OBJECT,
    RANGE,
    SIZE,
    TEXT,
    TEXTS,
    VALUE,
    Field,
    Shape,
)

_NODE: Final = (
    Field("path", TEXT, "the way to the node, as --child takes it"),
    Field("driver", TEXT, "its driver"),
    Field("role", TEXT, "what it is to its parent, empty for the top"),
    Field("size", SIZE, "its length"),
)
_WRONG: Final = Field("wrong", TEXTS, "what cannot be right")
_PART: Final = (
    Field("name", TEXT, "what it is called"),
    Field("value", VALUE, "what it holds"),
    Field("form", TEXT, "how the value is meant: offset, size, number, flags or text"),
    Field("meaning", TEXT, "what the value says, empty where the name says it all"),
    Field("wrong", TEXT, "why it cannot be right, empty where it can"),
)

SHAPES: Final = (
    Shape("length", "the size of the image", (Field("length", SIZE, "number of bytes"),)),
    Shape(
        "allocated",
        "how much of a range is allocated in the top layer",
        (*RANGE, Field("allocated", SIZE, "bytes of it that are")),
    ),
    Shape(
        "map",
        "one range of the image; they ascend without gaps",
        (*RANGE, Field("allocated", FLAG, "in the top layer")),
    ),
    Shape(
        "strip",
        "one range of the image as 'map --graph' draws it; they ascend without gaps",
        (*RANGE, Field("state", TEXT, "data, zero, compressed or unallocated")),
    ),
    Shape("differing", "a range of the strip in which the sides of a pair are known to differ", RANGE),
    Shape(
        "info",
        "what the format says of itself",
        (
            Field("format", TEXT, "the driver"),
            Field("cluster-size", SIZE, "0 without clusters", optional=True),
            Field("vm-state-offset", SIZE, "where a machine's state is kept", optional=True),
            Field("format-specific", OBJECT, "by the names of qemu-img info", optional=True),
            Field("sides", OBJECT, "raw and test of a pair, each with format, size and filename", optional=True),
        ),
    ),
    Shape(
        "snapshot",
        "a snapshot inside the image",
        (
            Field("id", TEXT, "its identifier"),
            Field("name", TEXT, "its tag"),
            Field("vm-state-size", SIZE, "of the machine's state"),
            Field("disk-size", SIZE, "of the disk in it"),
            Field("date-sec", NUMBER, "when it was taken, in seconds since 1970 UTC"),
            Field("date-nsec", NUMBER, "and nanoseconds"),
            Field("vm-clock-sec", NUMBER, "how long the machine had run, in seconds"),
            Field("vm-clock-nsec", NUMBER, "and nanoseconds"),
            Field("icount", NUMBER, "instructions that it had run", optional=True),
        ),
    ),
    Shape("finding", "what a check, or opening, found or repaired", (Field("text", TEXT, "the line"),)),
    Shape(
        "repaired",
        "a repair is done, and a second check follows",
        (
            Field("leaks-fixed", NUMBER, "leaked clusters given back"),
            Field("corruptions-fixed", NUMBER, "corruptions repaired"),
        ),
    ),
    Shape(
        "check",
        "the summary of a check",
        (
            Field("filename", TEXT, "the image"),
            Field("format", TEXT, "its format"),
            Field("check-errors", NUMBER, "what could not be looked at"),
            Field("corruptions", NUMBER, "wrong references and counts", optional=True),
            Field("leaks", NUMBER, "leaked clusters", optional=True),
            Field("corruptions-fixed", NUMBER, "corruptions repaired", optional=True),
            Field("leaks-fixed", NUMBER, "leaked clusters given back", optional=True),
            Field("image-end-offset", SIZE, "up to the last host cluster in use", optional=True),
            Field("total-clusters", NUMBER, "guest clusters", optional=True),
            Field("allocated-clusters", NUMBER, "those that are allocated", optional=True),
            Field("fragmented-clusters", NUMBER, "those that do not follow the one before", optional=True),
            Field("compressed-clusters", NUMBER, "those that are compressed", optional=True),
        ),
    ),
    Shape(
        "created",
        "an image was made",
        (
            Field("filename", TEXT, "its name"),
            Field("format", TEXT, "its format"),
            Field("options", OBJECT, "every option in force"),
        ),
    ),
    Shape(
        "create-option",
        "an option of create -o",
        (
            Field("format", TEXT, "the format that has it"),
            Field("name", TEXT, "the option"),
            Field("kind", TEXT, "the kind of its value"),
            Field("meaning", TEXT, "what it does"),
        ),
    ),
    Shape(
        "where",
        "the way of a byte to the host",
        (
            Field("offset", SIZE, "the byte"),
            Field(
                "steps",
                (
                    Field("path", TEXT, "the way to the node, as --child takes it"),
                    Field("node", TEXT, "its name"),
                    Field("driver", TEXT, "its driver"),
                    Field("filename", TEXT, "its file, empty where it has none"),
                    Field("offset", SIZE, "where in the node the byte is"),
                    Field("kind", TEXT, "data, zero, compressed, unallocated, backing, damaged, ..."),
                    Field(
                        "next",
                        (Field("child", TEXT, "key of the child"), Field("offset", SIZE, "where in it the byte is")),
                        "where the way goes on",
                        many=True,
                    ),
                    Field("facts", OBJECT, "the way in the format's own terms"),
                    _WRONG,
                ),
                "the nodes, parents first",
                many=True,
            ),
        ),
    ),
    Shape(
        "structure",
        "metadata, field by field",
        (
            Field("name", TEXT, "what it is"),
            Field("where", TEXT, "the file or node that it is in"),
            Field("offset", SIZE, "its first byte there"),
            Field(
                "parts",
                (
                    Field("offset", SIZE, "first byte"),
                    Field("data", BYTES, "the bytes"),
                    *_PART,
                    Field(
                        "bits",
                        (Field("high", NUMBER, "the highest bit"), Field("low", NUMBER, "the lowest bit"), *_PART),
                        "what its bits are",
                        many=True,
                    ),
                ),
                "its fields",
                many=True,
            ),
            _WRONG,
        ),
    ),
    Shape("value", "what an expression comes to", FORMS),
    Shape(
        "children",
        "an open node, as a row of the table",
        (
            *_NODE,
            Field("access", TEXT, "rw or ro"),
            Field("node", TEXT, "its name"),
            Field("file", TEXT, "its file, empty where it has none"),
        ),
    ),
    Shape(
        "node",
        "an open node, as a part of the tree",
        (
            *_NODE,
            Field("depth", NUMBER, "how many parents it has above it"),
            Field("read-only", FLAG, "whether it cannot be written to"),
            Field("node", TEXT, "its name"),
            Field("filename", TEXT, "its file, empty where it has none"),
        ),
    ),
)
