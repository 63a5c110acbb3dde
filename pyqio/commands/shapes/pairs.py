"""Objects for machines: what verified pairs give: mismatches, comparisons, and who did what."""

from typing import Final

from pyqio.commands.shapes.fields import BYTES, FLAG, NUMBER, RANGE, SECONDS, SIZE, TEXT, Field, Shape

_OPERATION: Final = (
    Field("number", NUMBER, "counted from one in its session"),
    Field("when", TEXT, "when it began, on the clock of the host, with the date where that was in a former session"),
    Field("operation", TEXT, "as it was typed"),
)
_START: Final = Field("start", SIZE, "first byte")
_END: Final = Field("end", SIZE, "the byte after the last")
_DIFFERENCES: Final = (
    Field("byte-count", SIZE, "how many bytes differ"),
    Field("run-count", NUMBER, "how many runs of differing bytes there are"),
    Field("sector-count", NUMBER, "how many sectors of 512 bytes differ"),
    Field("runs", (_START, _END), "the first of them, a thousand or more, ascending", many=True),
)
_DIAGNOSIS: Final = (
    Field("end", SIZE, "the byte after the last that differs", optional=True),
    Field("alignment", TEXT, "what all runs start and end at", optional=True),
    Field(
        "sides",
        (
            Field("key", TEXT, "raw or test"),
            Field("name", TEXT, "its file, or the node's name"),
            Field("driver", TEXT, "its driver"),
            Field("held", TEXT, "what the first run is there, in words"),
            Field("error", TEXT, "why it cannot be read or how its request ended, empty where all is well"),
            Field(
                "way",
                (
                    Field("via", TEXT, "key of the child that the node is to the one above, empty for the first"),
                    Field("name", TEXT, "the node's file or name"),
                    Field("driver", TEXT, "its driver"),
                    Field("protocol", FLAG, "it is the host's file"),
                    Field("offset", SIZE, "where in it the first differing byte is"),
                    Field("kind", TEXT, "data, zero, compressed, unallocated, ..."),
                    Field("detail", TEXT, "the way there in the format's own terms"),
                ),
                "the nodes down to the host",
                many=True,
            ),
        ),
        "both of them, none where the pair is closed",
        optional=True,
        many=True,
    ),
    Field(
        "excerpt",
        (
            Field("offset", SIZE, "of the first byte"),
            Field("raw", BYTES, "what the raw side holds"),
            Field("test", BYTES, "what the side under test holds"),
        ),
        "the bytes around the first that differs; null where they cannot be read or are the same by now",
        optional=True,
        nullable=True,
    ),
    Field(
        "operations",
        (
            Field("number", NUMBER, "counted from one in its session"),
            Field("text", TEXT, "as it was typed"),
            Field(
                "effect",
                (
                    Field("kind", TEXT, "read, write, zero, discard, truncate, flush or other"),
                    *RANGE,
                    Field("fill", NUMBER, "the byte that was written everywhere, null for others", nullable=True),
                ),
                "what it did",
            ),
            Field(
                "outcome",
                (
                    Field("text", TEXT, "ok, or the reason"),
                    Field("raw", TEXT, "the same of the raw side, empty without a pair"),
                    Field("test", TEXT, "the same of the side under test"),
                ),
                "how it ended",
            ),
            Field("when", SECONDS, "since 1970 UTC"),
            Field("elapsed", SECONDS, "how long it took"),
            Field("session", TEXT, "empty for the one that runs"),
        ),
        "the last ones that touched the first run",
        optional=True,
        many=True,
    ),
    Field(
        "hints",
        (Field("kind", TEXT, "in a word or two"), Field("text", TEXT, "with the evidence")),
        "what may have happened",
        optional=True,
        many=True,
    ),
    Field("report", TEXT, "the file for pyqio explore, empty where there is none", optional=True),
    Field("unreported", TEXT, "why there is none, empty where nobody wanted one", optional=True),
)
_SIDE_ERRORS: Final = (
    Field("raw-error", TEXT, "why the raw side failed", optional=True),
    Field("test-error", TEXT, "why the side under test failed", optional=True),
)

SHAPES: Final = (
    Shape(
        "mismatch",
        "the sides of a verified pair do not agree",
        (
            Field("operation", TEXT, "read, write, ..."),
            *RANGE,
            Field("message", TEXT, "what was noticed, in QEMU's words"),
            Field("staged", FLAG, "brought about by a demonstration"),
            Field("place", TEXT, "script and line of the command", optional=True),
            *(field._replace(optional=True) for field in _DIFFERENCES),
            *_SIDE_ERRORS,
            *_DIAGNOSIS,
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
            *_DIAGNOSIS,
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
            *RANGE,
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
        "blame",
        "an operation that touched the range that was asked about",
        (
            *_OPERATION,
            Field("touched", TEXT, "which of the bytes"),
            Field("last-writer", TEXT, "those that no later operation has written"),
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
)
