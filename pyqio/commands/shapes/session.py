"""Objects for machines: what is not about an image: errors, remarks, settings, help."""

from typing import Final

from pyqio.commands.shapes.fields import DELAYED, FLAG, FORMS, NUMBER, SECONDS, SIZE, TEXT, TEXTS, Field, Shape

SHAPES: Final = (
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
            DELAYED._replace(optional=True),
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
    Shape(
        "history",
        "a line that was typed",
        (Field("number", NUMBER, "counted from one"), Field("line", TEXT, "as it was typed")),
    ),
    Shape("position", "where the session looks now", FORMS),
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
        "colors",
        "what a colour means, as a row of the legend",
        (Field("role", TEXT, "its name in a theme"), Field("meaning", TEXT, "what is shown in it")),
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
        "topic",
        "help on a topic",
        (
            Field("name", TEXT, "the topic"),
            Field("summary", TEXT, "in a few words"),
            Field("text", TEXT, "at length", optional=True),
        ),
    ),
)
