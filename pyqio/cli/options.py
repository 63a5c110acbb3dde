"""The options of the command line, in one table for parsing, --help, the manual page and completions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.record import Record
from pyqio.base.types import CACHE_MODES
from pyqio.block.follow import FOLLOW_MODES
from pyqio.commands.getopt import first_byte
from pyqio.commands.kinds import AIO_MODES, DISCARD_MODES
from pyqio.commands.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class WrongUsage(Exception):
    """A command line that cannot be understood; ``str()`` says why, in glibc's words, "" where qemu-io is silent."""


class Option(Record):
    """One option.

    ``name``: its long spelling without hyphens; ``letter``: its short one, "" for none.  ``metavar``: what stands for
    its argument in a synopsis, "" where it takes none.  ``group``: the heading under which --help lists it.
    ``words``: the values that it takes, where they are few.  ``own``: qemu-io has no such option.
    """

    name: str
    meaning: str
    group: str
    letter: str = ""
    metavar: str = ""
    default: str = ""
    words: tuple[str, ...] = ()
    own: bool = False


SHELLS: Final = ("bash", "zsh", "fish")
"""Those that there are completions for."""


def _words(setting: str) -> tuple[str, ...]:
    """The values of a setting."""
    return tuple(SETTINGS[setting].kind.complete(""))


_COMMANDS: Final = "Commands"
_OPENING: Final = "Opening the image"
_CACHING: Final = "How the host is used"
_OTHER: Final = "Other"

OPTIONS: Final = (
    Option(name="help", letter="h", meaning="show this help", group=_OTHER),
    Option(name="version", letter="V", meaning="show the version", group=_OTHER),
    Option(
        name="cmd",
        letter="c",
        metavar="COMMAND",
        meaning="run a command; may be given several times",
        default="a shell on a terminal, else a script on standard input",
        group=_COMMANDS,
    ),
    Option(
        name="format",
        letter="f",
        metavar="FMT",
        meaning="the image's format",
        default="guessed from its first bytes",
        group=_OPENING,
    ),
    Option(name="read-only", letter="r", meaning="open the image read-only", group=_OPENING),
    Option(name="snapshot", letter="s", meaning="write to a temporary overlay, gone at the end", group=_OPENING),
    Option(name="nocache", letter="n", meaning="bypass the host's page cache, as -t none", group=_CACHING),
    Option(
        name="copy-on-read",
        letter="C",
        meaning="keep in the image what is read from its backing file",
        group=_OPENING,
    ),
    Option(name="misalign", letter="m", meaning="taken and ignored: buffers are always aligned", group=_CACHING),
    Option(name="native-aio", letter="k", meaning="as -i native", group=_CACHING),
    Option(
        name="aio",
        letter="i",
        metavar="MODE",
        meaning="asynchronous input and output of the host",
        default="threads",
        group=_CACHING,
        words=AIO_MODES,
    ),
    Option(
        name="discard",
        letter="d",
        metavar="MODE",
        meaning="what becomes of discarded ranges",
        default="unmap",
        group=_CACHING,
        words=tuple(DISCARD_MODES),
    ),
    Option(
        name="cache",
        letter="t",
        metavar="MODE",
        meaning="cache mode of the image",
        default="writethrough: a flush after each write",
        group=_CACHING,
        words=tuple(CACHE_MODES),
    ),
    Option(
        name="trace",
        letter="T",
        metavar="PATTERN",
        meaning="trace events; parsed, but nothing is traced yet",
        group=_OTHER,
    ),
    Option(
        name="object",
        metavar="OBJECTDEF",
        meaning="an object: secret,id=ID,data=TEXT or file=FILE",
        group=_OPENING,
    ),
    Option(name="image-opts", meaning="the image is given as key=value,...", group=_OPENING),
    Option(name="force-share", letter="U", meaning="open an image that is in use elsewhere (with -r)", group=_OPENING),
    Option(
        name="follow",
        metavar="WHICH",
        meaning="which files that an image names are opened: backing files and files of guest data",
        default="all",
        group=_OPENING,
        words=FOLLOW_MODES,
        own=True,
    ),
    Option(
        name="source",
        metavar="FILE",
        meaning="run the commands of a file; may be given several times, and between those of -c",
        group=_COMMANDS,
        own=True,
    ),
    Option(
        name="set",
        metavar="NAME=VALUE",
        meaning="change a setting, as the command 'set' does",
        group=_OTHER,
        own=True,
    ),
    Option(name="quiet", letter="q", meaning="begin the shell without its first line", group=_OTHER, own=True),
    Option(name="no-rc", letter="X", meaning="begin the shell without the commands of rc", group=_COMMANDS, own=True),
    Option(
        name="write-config",
        meaning="write a configuration with all settings, to PATH or (-) to standard output",
        group=_OTHER,
        own=True,
    ),
    Option(name="json", meaning="show results as JSON, one object a line", group=_OTHER, own=True),
    Option(
        name="color",
        metavar="WHEN",
        meaning="colour in what is shown",
        default="auto: on a terminal that has it",
        group=_OTHER,
        words=_words("color"),
        own=True,
    ),
    Option(
        name="theme",
        metavar="NAME",
        meaning="the colours; 'colors' shows them",
        default="ansi: the terminal's own",
        group=_OTHER,
        words=_words("theme"),
        own=True,
    ),
    Option(
        name="report",
        metavar="FILE",
        meaning="write the report of a mismatch to this file",
        default="a numbered file for each, in the state folder",
        group=_OTHER,
        own=True,
    ),
    Option(
        name="completions",
        metavar="SHELL",
        meaning="print the completion script for a shell",
        group=_OTHER,
        words=SHELLS,
        own=True,
    ),
)
"""In the order in which the C library names those that an abbreviation may mean."""

_BY_LETTER: Final = {option.letter: option for option in OPTIONS if option.letter}


def parse(words: Sequence[str], operands: list[str], *, own: bool) -> Iterator[tuple[Option, str]]:
    """Yield each option of ``words`` with its argument, "" for none; fill ``operands``.

    ``own``: also those that qemu-io has not.

    The rules are getopt_long(3)'s: options and operands mixed, letters bundled, names abbreviated.
    Raises WrongUsage, after what came before was yielded.
    """
    rest = iter(words)
    for word in rest:
        if word == "--":
            operands.extend(rest)
        elif word.startswith("--"):
            yield _long(word, rest, own=own)
        elif word.startswith("-") and word != "-":
            yield from _letters(word[1:], rest, own=own)
        else:
            operands.append(word)


def _long(word: str, rest: Iterator[str], *, own: bool) -> tuple[Option, str]:
    name, equals, argument = word[2:].partition("=")
    fitting = [option for option in OPTIONS if option.name.startswith(name) and own >= option.own]
    exact = [option for option in fitting if option.name == name]
    if not fitting:
        raise WrongUsage(f"unrecognized option '{word}'")
    if len(fitting) > 1 and not exact:
        possible = " ".join(f"'--{option.name}'" for option in fitting)
        raise WrongUsage(f"option '{word}' is ambiguous; possibilities: {possible}")
    option = (exact or fitting)[0]
    if equals and not option.metavar:
        raise WrongUsage(f"option '--{option.name}' doesn't allow an argument")
    if option.metavar and not equals:
        following = next(rest, None)
        if following is None:
            raise WrongUsage(f"option '--{option.name}' requires an argument")
        argument = following
    return option, argument


def _letters(letters: str, rest: Iterator[str], *, own: bool) -> Iterator[tuple[Option, str]]:
    at = 0
    while at < len(letters):
        letter = letters[at]
        at += 1
        option = _BY_LETTER.get(letter)
        if option is None or option.own > own:
            raise WrongUsage(f"invalid option -- '{first_byte(letter)}'")
        argument = ""
        if option.metavar:
            joined, at = letters[at:], len(letters)
            following = joined or next(rest, None)
            if following is None:
                raise WrongUsage(f"option requires an argument -- '{letter}'")
            argument = following
        yield option, argument
