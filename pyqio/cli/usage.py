"""--help and --version, pyqio's and qemu-io's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyqio
from pyqio.cli.options import OPTIONS

if TYPE_CHECKING:
    from pyqio.cli.options import Option

QEMU_HELP: Final = """\
Usage: qemu-io [OPTIONS]... [-c STRING]... [file]
QEMU Disk exerciser

  --object OBJECTDEF   define an object such as 'secret' for
                       passwords and/or encryption keys
  --image-opts         treat file as option string
  -c, --cmd STRING     execute command with its arguments
                       from the given string
  -f, --format FMT     specifies the block driver to use
  -r, --read-only      export read-only
  -s, --snapshot       use snapshot file
  -n, --nocache        disable host cache, short for -t none
  -C, --copy-on-read   enable copy-on-read
  -m, --misalign       misalign allocations for O_DIRECT
  -k, --native-aio     use kernel AIO implementation
                       (Linux only, prefer use of -i)
  -i, --aio=MODE       use AIO mode (threads, native or io_uring)
  -t, --cache=MODE     use the given cache mode for the image
  -d, --discard=MODE   use the given discard mode for the image
  -T, --trace [[enable=]<pattern>][,events=<file>][,file=<file>]
                       specify tracing options
                       see qemu-img(1) man page for full description
  -U, --force-share    force shared permissions
  -h, --help           display this help and exit
  -V, --version        output version information and exit

See 'qemu-io -c help' for information on available commands.

See <https://qemu.org/contribute/report-a-bug> for how to report bugs.
More information on the QEMU project at <https://qemu.org>.
"""

QEMU_VERSION: Final = f"""\
qemu-io version 7.2.22 (pyqio {pyqio.__version__})
Copyright (c) 2026 the pyqio authors
"""

VERSION: Final = f"pyqio {pyqio.__version__}\n"

_HEAD: Final = """\
Usage: pyqio [OPTION]... [-c COMMAND]... [IMAGE]
       pyqio [OPTION]... [-c COMMAND]... explore [REPORT]
A shell for testing block drivers, with qemu-io's commands.

IMAGE is a file, PROTOCOL:..., json:{...}, or a verified pair blkverify:RAW:TEST.
REPORT is one that a mismatch has left, the newest by default.
Without -c: a shell on a terminal, else a script on standard input.
"""

_TAIL: Final = """
Exit status: 0 all well, 1 a command or open failed, 2 wrong usage, 3 the sides of a verified pair differ.
'pyqio -c help' lists the commands, 'pyqio -c demo' shows a verified pair at work.
"""

_COLUMN: Final = 26


def pyqio_help() -> str:
    """What pyqio --help prints."""
    groups = dict.fromkeys(option.group for option in OPTIONS)
    listed = {group: [_lines(option) for option in OPTIONS if option.group == group] for group in groups}
    order = sorted(groups, key=lambda group: group == OPTIONS[0].group)
    return _HEAD + "".join(f"\n{group}:\n{''.join(listed[group])}" for group in order) + _TAIL


def _lines(option: Option) -> str:
    letter = f"-{option.letter}, " if option.letter else "    "
    name = f"  {letter}--{option.name}{' ' + option.metavar if option.metavar else ''}"
    texts = [option.meaning]
    if option.words:
        texts.append(f"one of {', '.join(option.words)}")
    if option.default:
        texts.append(f"default: {option.default}")
    if len(name) >= _COLUMN:
        texts.insert(0, "")
    return name.ljust(_COLUMN) + f"\n{' ' * _COLUMN}".join(texts).lstrip(" ") + "\n"
