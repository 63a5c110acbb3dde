"""The manual page, in mdoc(7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pyqio.base.kinds import Choice
from pyqio.base.options import table
from pyqio.block import registry
from pyqio.cli.emit.tables import spellings
from pyqio.cli.options import OPTIONS
from pyqio.commands import shapes, surroundings
from pyqio.commands.groups import grouped
from pyqio.commands.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.block.driver import Driver
    from pyqio.cli.options import Option
    from pyqio.commands.command import Spec
    from pyqio.commands.settings import Setting
    from pyqio.commands.shapes import Field, Shape

_PAGE: Final = r""".\" Written from the program's own tables by "python -m pyqio.cli.emit".
.Dd November 22, 2026
.Dt PYQIO 1
.Os
.Sh NAME
.Nm pyqio
.Nd shell for testing block drivers
.Sh SYNOPSIS
.Nm pyqio
.Op Ar options
.Op Fl c Ar command ...
.Op Ar image
.Nm pyqio
.Op Ar options
.Op Fl c Ar command ...
.Cm explore
.Op Ar report
.Sh DESCRIPTION
.Nm
opens an image of a disk and runs commands on it: reads and writes of every
kind, with patterns that are checked, in the language of
.Xr qemu-io 1 .
An image named
.Sm off
.Sy blkverify:\& Ar raw Sy \&: Ar test
.Sm on
is a verified pair: writes go to both, reads are compared, and a difference is
reported with the bytes that differ and the places where they live.
.Xr pyqio 7
shows how to find out what has happened there;
.Cm explore
picks up a difference that a former run has reported.
.Pp
Commands come from
.Fl c
and
.Fl \&-source ,
else from the standard input: from a shell on a terminal, and line by line
otherwise.
.Sq #
starts a comment,
.Sq \&;
separates commands, quotes keep blanks together,
.Sq >
and
.Sq |
send what a command prints elsewhere, and
.Sq \&!
starts a command of the host's shell.
.Pp
Started under the name
.Nm qemu-io ,
the program has that program's prompt, messages and exit status.
.Pp
The options are:
.Bl -tag -width Ds
@OPTIONS@
.El
.Sh COMMANDS
Offsets and lengths are bytes: decimal, hexadecimal after
.Sq 0x ,
or with one of the suffixes k, M, G, T, P and E, s for sectors and c for
clusters, as in
.Sq 1.5k .
They may be expressions, in which a dot stands for the offset where the session
looks, a dollar sign for the size of the image, and a word for a bookmark.
.Ic help Ar command
says more of each, with examples.
@COMMANDS@
.Sh SETTINGS
.Ic set
and
.Fl \&-set
change them, and
.Pa config.toml
keeps them.
.Bl -tag -width Ds
@SETTINGS@
.El
.Sh DRIVERS
The names that
.Fl f
and
.Cm driver
options take, each with its own options.
.Bl -tag -width Ds
@DRIVERS@
.El
.Sh JSON OUTPUT
With
.Fl \&-json ,
or after
.Ql set format json ,
each result is one line of JSON on standard output, errors too.
Its
.Cm type
says which of these it is.
The rows of a table are an object each.
Members in brackets may be missing, those behind a question mark may be null.
.Bl -tag -width Ds
@SHAPES@
.El
.Pp
The kinds of value are:
.Bl -tag -width seconds -compact
@KINDS@
.El
.Sh ENVIRONMENT
.Bl -tag -width XDG_STATE_HOME
@ENVIRONMENT@
.El
.Sh FILES
.Bl -tag -width Ds
@FILES@
.It Pa share/pyqio/pyqio.schema.json
The JSON Schema of what
.Fl \&-json
prints.
.El
.Sh EXIT STATUS
.Bl -tag -width Ds
.It 0
All went well.
.It 1
A command failed, or the image could not be opened.
.It 2
The command line was wrong.
.It 3
The two sides of a verified pair differ.
.It 1 , 2 , 3 , 63
After
.Ic check ,
as of
.Xr qemu-img 1 :
not all could be checked, corruptions, leaks, the format has no check.
.El
.Pp
What fails first decides.
.Pp
Under the name
.Nm qemu-io
it is 0 or 1.
.Sh EXAMPLES
Dump the first sector of an image:
.Pp
.Dl $ pyqio -c 'read -v 0 512' raw.img
.Pp
Make a pair of images, and verify one against the other by hand:
.Bd -literal -offset indent
$ pyqio -c 'create -f raw raw.img 16G' \e
    -c 'create -f qcow2 test.qcow2 16G'
$ pyqio blkverify:raw.img:test.qcow2
.Ed
.Pp
See it all at work:
.Pp
.Dl $ pyqio -c demo
.Sh SEE ALSO
.Xr nbdsh 1 ,
.Xr qemu-img 1 ,
.Xr qemu-io 1 ,
.Xr pyqio 7 ,
.Xr xfs_io 8
"""


def page() -> str:
    """The whole page."""
    return (
        _PAGE.replace("@OPTIONS@", _lines(map(_option, OPTIONS)))
        .replace("@COMMANDS@", _lines(_group(title, specs) for title, specs in grouped(own=True)))
        .replace("@SETTINGS@", _lines(map(_setting, SETTINGS.values())))
        .replace("@DRIVERS@", _lines(map(_driver, registry.every())))
        .replace("@SHAPES@", _lines(map(_shape, shapes.SHAPES)))
        .replace("@KINDS@", _lines(_entry("Cm", *kind) for kind in shapes.KINDS.items()))
        .replace("@ENVIRONMENT@", _lines(_entry("Ev", *variable) for variable in surroundings.ENVIRONMENT.items()))
        .replace("@FILES@", _lines(_entry("Pa", *file) for file in _files()))
    )


def _lines(entries: Iterable[Iterator[str]]) -> str:
    return "\n".join(line for entry in entries for line in entry)


def _option(option: Option) -> Iterator[str]:
    """An option's entry."""
    flags = " , ".join(f"Fl {spelling[1:]}" for spelling in spellings(option))
    yield f".It {flags}{f' Ar {option.metavar.lower()}' if option.metavar else ''}"
    yield _sentence(option.meaning)
    if option.words:
        yield _sentence(f"one of {', '.join(option.words)}")
    if option.default:
        yield _sentence(f"default: {option.default}")


def _group(title: str, specs: Iterable[Spec]) -> Iterator[str]:
    """The commands of a group, below its title."""
    yield f".Ss {title}"
    yield ".Bl -tag -width Ds"
    yield from (line for spec in specs for line in _command(spec))
    yield ".El"


def _setting(setting: Setting) -> Iterator[str]:
    """A setting's entry, with its values and its default."""
    yield f".It Cm {setting.name}"
    yield _sentence(setting.meaning)
    if isinstance(setting.kind, Choice):
        default = {True: "on", False: "off"}.get(setting.default, setting.default)
        yield _sentence(f"{', '.join(setting.kind.words)}; default: {default}")


def _command(spec: Spec) -> Iterator[str]:
    """A command's entry: its synopsis, what it does, its short name and its flags."""
    yield f".It Ic {spec.name}{f' No {_escape(spec.synopsis)}' if spec.synopsis else ''}"
    yield _sentence(spec.summary)
    if spec.aliases:
        yield f"In short:\n.Ic {' , '.join(map(_escape, spec.aliases))} ."
    if spec.own:
        yield "Not in\n.Xr qemu-io 1 ."
    if spec.options:
        yield ".Bl -tag -width Ds -compact"
        for flag, _, kind in spec.options.values():
            argument = f" Ar {_escape(kind.name)}" if kind else ""
            yield ".It " + " , ".join(f"Fl {_escape(spelling[1:])}{argument}" for spelling in flag.spellings)
            yield _sentence(flag.meaning)
        yield ".El"


def _driver(driver: type[Driver]) -> Iterator[str]:
    """A driver's entry: what it is, and its options with the kinds of their values."""
    yield f".It Cm {driver.name}"
    yield f"A {driver.role.value}."
    options = [
        f".Cm {name} Ns = Ns Ar {_escape(kind.name)}"
        for name, (_, kind, _) in table(cast("Any", driver.Options)).items()
    ]
    if options:
        yield "Options:"
        yield " ,\n".join(options) + " ."


def _shape(shape: Shape) -> Iterator[str]:
    """An object's entry: what it tells, and its members."""
    yield from _entry("Cm", shape.type, shape.meaning)
    yield ".Bl -tag -width Ds -compact"
    yield from _fields(shape.fields)
    yield ".El"


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    for field in fields:
        kind = field.kind if isinstance(field.kind, str) else "object"
        name = f"Op Cm {field.name}" if field.optional else f"Cm {field.name}"
        notes = f"{'array of ' if field.many else ''}{kind}{'?' if field.nullable else ''}"
        yield f".It {_escape(name)} Pq {notes}"
        yield _sentence(field.meaning)
        if not isinstance(field.kind, str):
            yield ".Bl -tag -width Ds -compact"
            yield from _fields(field.kind)
            yield ".El"


def _files() -> Iterator[tuple[str, str]]:
    for folder, files in (("$XDG_CONFIG_HOME", surroundings.CONFIG), ("$XDG_STATE_HOME", surroundings.STATE)):
        yield from ((f"{folder}/pyqio/{name}", meaning) for name, meaning in files.items())


def _entry(macro: str, name: str, meaning: str) -> Iterator[str]:
    yield f".It {macro} {_escape(name)}"
    yield _sentence(meaning)


def _sentence(text: str) -> str:
    return _escape(text[:1].upper() + text[1:] + ("" if text.endswith(".") else "."))


def _escape(text: str) -> str:
    """Text that mdoc takes for nothing else."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'", "?")) else escaped
