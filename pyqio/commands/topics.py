"""Help on what is no command: sizes, names of images, exit statuses, ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyqio.commands.shapes import Shape


class Topic(NamedTuple):
    """``commands``: those that it is about, which point to it.  ``text`` makes lines of at most 79 columns."""

    name: str
    summary: str
    commands: tuple[str, ...]
    text: Callable[[], str]


_SIZES: Final = """\
Offsets and lengths are bytes. A number is

  decimal, or hexadecimal after 0x      512   0x200
  with a suffix k M G T P E             64k   1.5M    (powers of 1024)
  in sectors of 512 bytes, in clusters  3s    2c

and may be an expression of numbers, + - * / % and brackets, and

  .    the offset where the session looks: reads, writes, 'where' and 'goto'
       move it, 'back' and 'forward' go along its way
  $    the size of the image
  NAME a bookmark of 'mark'

'print' shows what an expression comes to. Under the name qemu-io there are
suffixes, and no expressions.

Examples:
 read -v 0x400+2*64k 512
 read -v $-1s 1s
 where bad+0x10
"""

_PROTOCOLS: Final = """\
An image is given by its name:

  disk.img                a file or device; the format is guessed from its
                          first bytes, or named with -f FMT
  PROTOCOL:NAME           another protocol, as file:a:b for a file whose name
                          has a colon
  blkverify:RAW:TEST      a verified pair: 'help blkverify'
  json:{"driver": ...}    options as JSON: 'help options'

The drivers that there are:

@DRIVERS@

Examples:
 pyqio -f raw disk.img
 pyqio json:'{"driver": "raw", "offset": 1048576, "file": "disk.img"}'
"""

_TYPES: Final = """\
'read -t TYPE [OFF [LEN]]' shows bytes as values or as a structure; 'peek',
'poke' and 'search -t' take values alone:

@TYPES@

Structures of qcow2 and LUKS are read from the file that holds them, by default
from where its header says that they are. Offsets are those of that file.

Examples:
 read -t u32le 0x1b8
 read -t l2 0x40000 512
"""

_BLKVERIFY: Final = """\
blkverify:RAW:TEST is a pair of images. RAW is trusted, TEST is under test. A
write goes to both, a read goes to both and is compared, and what is read comes
from RAW. The name is split at its first colon, so TEST may be any image, and
RAW is a file without a colon in its name.

Where the sides differ, a report says which bytes, what each side holds, where
it is kept, and which operations touched it. The shell goes on; a script stops
with exit status 3 ('set on-mismatch' decides).

  verify              compare all of the pair now
  mismatches          list what is known to differ; next and prev walk there
  diff                show the bytes of both sides
  where OFFSET        the way of an offset through every layer down to the host
  blame OFFSET        the operations that touched it
  read --child test   read one side alone
  explore             pick up the mismatch of a former run

The manual page pyqio(7) is a tutorial: three damaged images, and what had
happened to each.

Examples:
 pyqio -c 'create raw.img 1G' -c 'create -f qcow2 test.qcow2 1G'
 pyqio blkverify:raw.img:test.qcow2
"""

_OPTIONS: Final = """\
A driver's options are given as key=value pairs, those of its children with the
child's name and a dot in front. The same pairs may be written in three ways:

  open -o driver=qcow2,file.filename=a.qcow2,backing.driver=raw
  pyqio --image-opts driver=qcow2,file.filename=a.qcow2,backing.driver=raw
  pyqio json:'{"driver": "qcow2", "file": {"filename": "a.qcow2"}}'

A comma in a value is written twice. pyqio(1) lists the options of each driver
under DRIVERS; create -f FMT -o help lists those of a new image.

Examples:
 open -o snapshot.name=before a.qcow2
 open -o driver=raw,offset=1M,size=64k disk.img
"""

_STATUS: Final = """\
The exit status of pyqio is

  0   all went well
  1   a command failed, or the image could not be opened
  2   the command line was wrong
  3   the two sides of a verified pair differ
  1, 2, 3, 63   after check, as of qemu-img check: not all could be checked,
                corruptions, leaks, no check for the format

What fails first decides. Under the name qemu-io it is 0 or 1.

Example:
 pyqio -c verify blkverify:raw.img:test.qcow2 || echo "they differ"
"""

_JSON: Final = """\
With --json, or after 'set format json', each result is one line of JSON on
standard output, errors too. Names are written as in QEMU's QAPI, and are
QEMU's where QEMU has the same thing. Each object has a "type"; its other
members, and in brackets those that may be missing:

@SHAPES@

The kinds of value are:

@KINDS@

The rows of a table are one object each. A JSON Schema is installed as
share/pyqio/pyqio.schema.json. What is wrong with the command line itself is
told on standard error, as text.

Examples:
 pyqio --json -c map test.qcow2 | jq 'select(.allocated)'
 pyqio --json -c 'read -v 0 512' raw.img | jq -r '.data // empty' | xxd -r -p
"""

_KEYS: Final = """\
In the shell on a terminal:

  Tab            completes commands, options, files, formats and settings
  Esc            closes the menu
  Right, End     takes the suggestion that is shown in grey
  Up, Down       former lines that start with what is typed
  Ctrl-R         searches the former lines
  Enter          on an empty line repeats a read or diff further on
  Ctrl-C         stops the command that runs, or clears the line
  Ctrl-D         leaves
  Ctrl-Z         suspends; 'fg' comes back
  Ctrl-X Ctrl-E  edits the line in $EDITOR

'set editing vi' has vi's keys in the place of emacs'. A line that begins with
a blank is not kept.

Example:
 set repeat off
"""

_SCRIPTING: Final = """\
Commands come from -c and --source FILE, which may be given several times and
in any order; without them from the shell on a terminal, else from standard
input, a line each. ';' separates commands, '#' at the start of a word starts a
comment, and quotes keep blanks together. A script ends at the first mismatch
('set on-mismatch continue' goes on) and goes on after other failures; 'help
exit-status' says what it returns. Messages name the line that failed.

  source FILE         the lines of a file
  COMMAND > FILE      prints to a file, >> at its end; without colours
  COMMAND | SHELL     prints to a command of the host's shell
  !SHELL              runs a command of the host's shell
  tee FILE            what is printed goes to a file as well
  alias NAME LINE     a command of your own; $1 and so on are its arguments
  watch COMMAND       again and again
  time COMMAND        and says how long it took

Examples:
 pyqio -c 'write -P 7 0 64k; read -P 7 0 64k' disk.img
 printf 'length\\nmap\\n' | pyqio -r disk.img
 read -v 0 1M | less
"""

_THEMES: Final = """\
'set theme NAME' or --theme NAME chooses the colours:
@THEMES@. ansi has the terminal's own sixteen colours;
colorblind avoids red beside green. 'colors' shows what each colour means, and
[colors] in config.toml changes single ones. Nothing is told by colour alone.

'set color never', --color never or a variable NO_COLOR turns colours off;
without them differing bytes are marked with ^^ below.

Example:
 set theme light
"""

_SETTINGS: Final = """\
'set NAME VALUE' changes a setting until the session ends, 'set' lists them;
--set NAME=VALUE does so from the start. config.toml has those for all
sessions, and 'pyqio --write-config' writes one with every setting in it. An
option of the command line wins over a variable of the environment, and that
one over config.toml.

@SETTINGS@

Examples:
 set on-mismatch continue
 set format json
"""

_FILES: Final = """\
pyqio keeps files in two folders; what it writes there is for its user alone.

  $XDG_CONFIG_HOME/pyqio (~/.config/pyqio)
@CONFIG@
  $XDG_STATE_HOME/pyqio (~/.local/state/pyqio)
@STATE@

'checkup' says which of them there are. It heeds these variables:

@ENVIRONMENT@

Example:
 NO_COLOR=1 pyqio disk.img
"""


def _files() -> str:
    from pyqio.commands import surroundings

    def listed(head: str, width: int, table: Mapping[str, str]) -> str:
        return "\n".join(_wrapped(f"{head}{name:<{width}} ", meaning) for name, meaning in table.items())

    return (
        _FILES.replace("@CONFIG@", listed("    ", 12, surroundings.CONFIG))
        .replace("@STATE@", listed("    ", 12, surroundings.STATE))
        .replace("@ENVIRONMENT@", listed("  ", 15, surroundings.ENVIRONMENT))
    )


def _drivers() -> str:
    from pyqio.block import registry

    lines = [f"  {driver.name:<14}a {driver.role.value}" for driver in registry.every()]
    return _PROTOCOLS.replace("@DRIVERS@", "\n".join(lines))


def _json() -> str:
    from pyqio.commands import shapes

    objects = "\n".join("\n".join(_shape(shape)) for shape in shapes.SHAPES)
    kinds = "\n".join(_wrapped(f"  {name:<8} ", meaning) for name, meaning in shapes.KINDS.items())
    return _JSON.replace("@SHAPES@", objects).replace("@KINDS@", kinds)


def _shape(shape: Shape) -> Iterator[str]:
    yield _wrapped(f"  {shape.type:<18}", shape.meaning)
    names = ", ".join(f"[{field.name}]" if field.optional else field.name for field in shape.fields)
    yield _wrapped(" " * 20, names)


def _settings() -> str:
    from pyqio.base.kinds import Choice
    from pyqio.commands.settings import SETTINGS

    lines = []
    for setting in SETTINGS.values():
        default = {True: "on", False: "off"}.get(setting.default, setting.default)
        words = "|".join(setting.kind.words) if isinstance(setting.kind, Choice) else setting.kind.name
        lines.append(_wrapped(f"  {setting.name:<12} ", f"{setting.meaning} ({words}; {default.strip()})"))
    return _SETTINGS.replace("@SETTINGS@", "\n".join(lines))


def _themes() -> str:
    from pyqio.base.kinds import Choice
    from pyqio.commands.settings import SETTINGS

    kind = SETTINGS["theme"].kind
    assert isinstance(kind, Choice)
    return _THEMES.replace("@THEMES@", ", ".join(kind.words))


def _wrapped(head: str, text: str) -> str:
    """``text`` behind ``head``, and below itself."""
    from textwrap import fill

    return fill(text, 79, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False)


def _types() -> str:
    from pyqio.verify.structures import STRUCTURES
    from pyqio.verify.structures.values import VALUES

    meanings = {name: value.meaning for name, value in VALUES.items()}
    meanings |= {name: view.meaning for name, view in STRUCTURES.items()}
    listed = [f"  {name:13} {meaning}" for name, meaning in meanings.items()]
    return _TYPES.replace("@TYPES@", "\n".join(listed))


TOPICS: Final = {
    topic.name: topic
    for topic in (
        Topic(
            "blkverify",
            "verified pairs of images",
            ("verify", "diff", "mismatches", "blame", "explore", "report", "demo"),
            lambda: _BLKVERIFY,
        ),
        Topic("exit-status", "what a run returns", ("quit", "check"), lambda: _STATUS),
        Topic("files", "files and variables of the environment", ("history", "checkup", "explore"), _files),
        Topic("json", "results for machines", (), _json),
        Topic("keys", "the keys of the shell", (), lambda: _KEYS),
        Topic("options", "options of drivers", ("open", "reopen", "create"), lambda: _OPTIONS),
        Topic("protocols", "names of images, and the drivers", ("open", "create"), _drivers),
        Topic("scripting", "scripts, pipes and files", ("source", "tee", "alias", "watch", "time"), lambda: _SCRIPTING),
        Topic("settings", "what may be set", ("set",), _settings),
        Topic(
            "sizes", "numbers and expressions", ("read", "write", "goto", "mark", "print", "truncate"), lambda: _SIZES
        ),
        Topic("themes", "colours", ("colors",), _themes),
        Topic("types", "values and structures of typed views", ("read", "peek", "poke", "search"), _types),
    )
}
"""By name, in alphabetical order."""
