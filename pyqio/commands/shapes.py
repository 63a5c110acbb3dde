"""The objects that machines get, one line of JSON each: the one place that names them and what is in them.

``help json``, the manual page and the JSON Schema are written from this table.  Where QEMU has the same thing, the
names are those of its QAPI reference (ImageCheck, SnapshotInfo, ImageInfo).
"""

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

KINDS: Final = {
    TEXT: "a string; a byte 0xNN that is not UTF-8 is the lone surrogate U+DCNN",
    BYTES: "a string of two hexadecimal digits a byte",
    SIZE: "a whole number of bytes, up to 2^63",
    NUMBER: "a whole number",
    SECONDS: "a number, perhaps with a fraction",
    FLAG: "true or false",
    TEXTS: "an array of strings",
    OBJECT: "an object, with names of its own",
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


_RANGE: Final = (
    Field("offset", SIZE, "first byte"),
    Field("length", SIZE, "number of bytes"),
)
_OPERATION: Final = (
    Field("number", NUMBER, "counted from one in its session"),
    Field("session", TEXT, "when its session began, 'this' for the one that runs", optional=True),
    Field("when", TEXT, "when it began, on the clock of the host"),
    Field("operation", TEXT, "as it was typed"),
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
    Field("value", NUMBER, "what it holds: a number, or a text"),
    Field("form", TEXT, "how the value is meant: offset, size, number, flags or text"),
    Field("meaning", TEXT, "what the value says, empty where the name says it all"),
    Field("wrong", TEXT, "why it cannot be right, empty where it can"),
)
_FORMS: Final = (
    Field("bytes", SIZE, "the number"),
    Field("hex", SIZE, "the same"),
    Field("size", SIZE, "the same"),
    Field("sectors", TEXT, "in sectors, as it may be typed: 2s+100"),
    Field("clusters", TEXT, "in clusters, as it may be typed, where the format has them", optional=True),
)
_DELAYED: Final = Field("delayed", FLAG, "an asynchronous request found it, which fails no session")
_START: Final = Field("start", SIZE, "first byte")
_END: Final = Field("end", SIZE, "the byte after the last")
_DIFFERENCES: Final = (
    Field("byte-count", SIZE, "how many bytes differ"),
    Field("run-count", NUMBER, "how many runs of differing bytes there are"),
    Field("sector-count", NUMBER, "how many sectors of 512 bytes differ"),
    Field("runs", (_START, _END), "the first of them, a thousand or more, ascending", many=True),
)
_SIDE_ERRORS: Final = (
    Field("raw-error", TEXT, "why the raw side failed", optional=True),
    Field("test-error", TEXT, "why the side under test failed", optional=True),
)

SHAPES: Final = (
    Shape(
        "transfer",
        "bytes were read, written or discarded",
        (
            Field("operation", TEXT, "read, write or discard"),
            *_RANGE,
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
            *_RANGE,
            Field("pattern", NUMBER, "the byte that was expected"),
            Field("first", SIZE, "offset of the first other byte"),
            Field("found", NUMBER, "that byte"),
            _DELAYED,
        ),
    ),
    Shape(
        "mismatch",
        "the sides of a verified pair do not agree",
        (
            Field("operation", TEXT, "read, write, ..."),
            *_RANGE,
            Field("message", TEXT, "what was noticed, in QEMU's words"),
            Field("staged", FLAG, "brought about by a demonstration"),
            Field("place", TEXT, "script and line of the command", optional=True),
            *(field._replace(optional=True) for field in _DIFFERENCES),
            *_SIDE_ERRORS,
        ),
    ),
    Shape(
        "verify",
        "both sides of a pair were compared",
        (
            Field("pair", TEXT, "name of the verifying node"),
            Field("raw", TEXT, "the raw side"),
            Field("test", TEXT, "the side under test"),
            Field("raw-length", SIZE, "of the raw side"),
            Field("test-length", SIZE, "of the side under test"),
            Field("offset", SIZE, "first byte that was compared"),
            Field("length", SIZE, "number of bytes that were compared"),
            Field("until", SIZE, "where the comparison was to end; it was stopped where that is further on"),
            Field("read", SIZE, "bytes that had to be read; both sides know the others to be zero"),
            Field("elapsed", SECONDS, "how long it took"),
            Field("agrees", FLAG, "nothing is wrong"),
            *_DIFFERENCES,
            Field("unreadable-count", NUMBER, "how many runs of bytes a side could not be asked for"),
            Field(
                "unreadable",
                (
                    Field("side", TEXT, "raw or test"),
                    _START,
                    _END,
                    Field("errno", NUMBER, "as in errno(3)"),
                    Field("message", TEXT, "why"),
                ),
                "the first thousand of them",
                many=True,
            ),
            Field("place", TEXT, "script and line of the command", optional=True),
        ),
    ),
    Shape(
        "copied",
        "one side of a pair was repaired",
        (
            Field("source", TEXT, "the side that was trusted, raw or test"),
            Field("target", TEXT, "the side that was written to"),
            Field("runs", NUMBER, "how many differing runs were copied"),
            Field("length", SIZE, "number of bytes in them"),
        ),
    ),
    Shape(
        "diff",
        "bytes of both sides; a long range comes in several objects",
        (
            *_RANGE,
            Field("raw", BYTES, "what the raw side holds, less where it ends before"),
            Field("test", BYTES, "what the side under test holds, less where it ends before"),
            *_SIDE_ERRORS,
            Field("number", NUMBER, "which of the known differences this is", optional=True),
            Field("count", NUMBER, "how many are known", optional=True),
            Field("run", (_START, _END), "all of this difference", optional=True),
        ),
    ),
    Shape(
        "mismatches",
        "a difference that is known",
        (
            Field("number", NUMBER, "counted from one"),
            Field("start", SIZE, "first byte that differs"),
            Field("length", SIZE, "number of bytes"),
            Field("sector", NUMBER, "sector of 512 bytes that it starts in"),
            Field("alignment", TEXT, "the coarsest grain that it starts and ends at"),
            Field("raw", TEXT, "what the raw side holds"),
            Field("test", TEXT, "what the side under test holds"),
        ),
    ),
    Shape(
        "error",
        "a command, or the opening of an image, failed",
        (
            Field("kind", TEXT, "failed, open-failed, refused, unknown-command or check-failed"),
            Field("message", TEXT, "why"),
            Field("command", TEXT, "the command, by its full name", optional=True),
            Field("place", TEXT, "script and line of the command", optional=True),
            Field("errno", NUMBER, "as in errno(3)", optional=True),
            Field("node", TEXT, "the node that failed", optional=True),
            Field("offset", SIZE, "where the request that failed began", optional=True),
            Field("filename", TEXT, "the image that was not opened", optional=True),
            Field("hint", TEXT, "what to do next", optional=True),
            Field("suggestions", TEXTS, "commands of a similar name", optional=True),
            _DELAYED._replace(optional=True),
        ),
    ),
    Shape("warning", "something was taken, but is doubtful", (Field("message", TEXT, "what"),)),
    Shape("guessed-raw", "formats were guessed to be raw", (Field("filenames", TEXTS, "of these images"),)),
    Shape("said", "a line of text", (Field("text", TEXT, "the line"),)),
    Shape(
        "note",
        "a remark on a table, or on its being empty",
        (Field("of", TEXT, "the type of the table's rows"), Field("text", TEXT, "the remark")),
    ),
    Shape("length", "the size of the image", (Field("length", SIZE, "number of bytes"),)),
    Shape(
        "allocated",
        "how much of a range is allocated in the top layer",
        (*_RANGE, Field("allocated", SIZE, "bytes of it that are")),
    ),
    Shape(
        "map",
        "one range of the image; they ascend without gaps",
        (*_RANGE, Field("allocated", FLAG, "in the top layer")),
    ),
    Shape(
        "info",
        "what the format says of itself",
        (
            Field("format", TEXT, "the driver"),
            Field("cluster-size", SIZE, "0 without clusters", optional=True),
            Field("vm-state-offset", SIZE, "where a machine's state is kept", optional=True),
            Field("format-specific", OBJECT, "by the names of qemu-img info", optional=True),
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
    Shape("value", "what an expression comes to", _FORMS),
    Shape("position", "where the session looks now", _FORMS),
    Shape(
        "marks",
        "an offset that has a name",
        (
            Field("name", TEXT, "its name"),
            Field("offset", SIZE, "the offset"),
            Field("size", SIZE, "the same: bytes from the image's start"),
        ),
    ),
    Shape(
        "aliases",
        "a line that has a name",
        (Field("name", TEXT, "its name"), Field("command", TEXT, "the line")),
    ),
    Shape(
        "settings",
        "what the user has chosen",
        (
            Field("name", TEXT, "the setting"),
            Field("value", TEXT, "its value, as 'set' takes it"),
            Field("meaning", TEXT, "what it decides"),
        ),
    ),
    Shape("timing", "how long a command took", (Field("seconds", SECONDS, "on the wall's clock"),)),
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
    Shape(
        "blame",
        "an operation that touched the range that was asked about",
        (
            *_OPERATION,
            Field("touched", TEXT, "which of the bytes"),
            Field("last-writer-of", TEXT, "those that no later operation has written"),
            Field("outcome", TEXT, "how it ended, on both sides of a pair"),
        ),
    ),
    Shape(
        "operations",
        "an operation on the open image",
        (
            *_OPERATION,
            Field("outcome", TEXT, "how it ended, on both sides of a pair"),
            Field("mark", TEXT, "***WWWW and the like, where it touched bytes that are known to differ"),
        ),
    ),
    Shape(
        "history",
        "a line that was typed",
        (Field("number", NUMBER, "counted from one"), Field("line", TEXT, "as it was typed")),
    ),
    Shape(
        "explore",
        "the report that is picked up",
        (
            Field("report", TEXT, "its file"),
            Field("found", TEXT, "when the mismatch was found"),
            Field("by", TEXT, "the command line of the run that found it"),
            Field("raw", TEXT, "what is open as the raw side", optional=True),
            Field("test", TEXT, "what is open as the side under test", optional=True),
            Field("bytes", TEXT, "that they are others by now", optional=True),
            Field("images", TEXT, "why they cannot be opened", optional=True),
            Field("instead", TEXT, "what is open in their place", optional=True),
        ),
    ),
    Shape(
        "report",
        "a page of HTML was saved",
        (Field("file", TEXT, "its name"), Field("size", SIZE, "of the file")),
    ),
    Shape(
        "checkup",
        "one thing that checkup has looked at",
        (
            Field("part", TEXT, "version, extra, file, terminal, host or tool"),
            Field("name", TEXT, "what it is"),
            Field("found", TEXT, "how it was found"),
            Field("ok", FLAG, "as it should be; null where it is missing and not needed", nullable=True),
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
    Shape(
        "help",
        "what a command does",
        (
            Field("name", TEXT, "the command"),
            Field("group", TEXT, "the title under which help lists it"),
            Field("aliases", TEXTS, "its short names"),
            Field("synopsis", TEXT, "how it is typed, without its name"),
            Field("summary", TEXT, "in a few words"),
            Field("about", TEXT, "at length, with examples"),
            Field(
                "options",
                (
                    Field("letter", TEXT, "its letter, empty where it has none"),
                    Field("long", TEXT, "its long name, empty where it has none"),
                    Field("argument", TEXT, "what follows it, empty where nothing does"),
                    Field("meaning", TEXT, "what it does"),
                ),
                "its options",
                many=True,
            ),
            Field("see-also", TEXTS, "what else there is help on", optional=True),
        ),
    ),
    Shape(
        "colors",
        "what a colour means, as a row of the legend",
        (Field("role", TEXT, "its name in a theme"), Field("meaning", TEXT, "what is shown in it")),
    ),
    Shape(
        "topic",
        "help on a topic",
        (
            Field("name", TEXT, "the topic"),
            Field("summary", TEXT, "in a few words"),
            Field("text", TEXT, "at length", optional=True),
        ),
    ),
)
"""Every object, by its ``type``.  Tables and sets of named values have the command's own word as type."""
