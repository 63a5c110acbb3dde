"""The completion function for zsh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.cli.emit.tables import prefixes, spellings, takes_command, takes_file, words
from pyqio.cli.options import OPTIONS
from pyqio.commands import index

if TYPE_CHECKING:
    from pyqio.cli.options import Option

_FUNCTION: Final = r"""#compdef pyqio
# zsh completion for pyqio(1).
# Written from the program's own tables by "python -m pyqio.cli.emit".

# An image; after blkverify: the raw one and, behind a colon, the one under test.
_pyqio_image() {
  if compset -P '(|*:)blkverify:'; then
    if compset -P '[^:]#:'; then _files; else _files -q -S ':'; fi
  else
    compset -P '*:'
    _alternative 'images:image:_files' 'prefixes:prefix:compadd -S "" -- @PREFIXES@' \
      'commands:command:((explore\:"pick up the mismatch of a former run"))'
  fi
}

# A report of a mismatch: its number in the state folder, or a file.
_pyqio_report() {
  (( ${words[(I)explore]} )) || return 1
  local -a numbers=(${XDG_STATE_HOME:-$HOME/.local/state}/pyqio/reports/<->.json(N:t:r))
  _alternative 'reports:report:compadd -a numbers' 'files:file:_files'
}

_pyqio_commands() {
  local -a commands=(
@COMMANDS@
  )
  _describe command commands
}

_arguments -s -S \
@OPTIONS@ \
  '1:image:_pyqio_image' \
  '2:report:_pyqio_report'
"""


def script() -> str:
    """The whole function."""
    commands = (f"    {_quoted(f'{spec.name}:{spec.summary}')}" for spec in index.every())
    return (
        _FUNCTION.replace("@PREFIXES@", " ".join(prefixes()))
        .replace("@COMMANDS@", "\n".join(commands))
        .replace("@OPTIONS@", " \\\n".join(f"  {_argument(option)}" for option in OPTIONS))
    )


def _argument(option: Option) -> str:
    """An option as _arguments wants it: what it excludes, its spellings, its meaning, its value."""
    names = spellings(option)
    assigned = [f"{name}=" if option.metavar and name.startswith("--") else name for name in names]
    before = "'*'" if takes_command(option) else f"'({' '.join(names)})'"
    spelled = "{" + ",".join(assigned) + "}" if len(assigned) > 1 else assigned[0]
    meaning = option.meaning.replace("[", r"\[").replace("]", r"\]").replace(":", r"\:")
    return before + spelled + _quoted(f"[{meaning}]{_value(option)}")


def _value(option: Option) -> str:
    """The kind of an option's value, and how to complete it."""
    if not option.metavar:
        return ""
    if takes_command(option):
        return ":command:_pyqio_commands"
    if takes_file(option):
        return ":file:_files"
    return f":{option.metavar.lower()}:({' '.join(words(option))})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", r"'\''") + "'"
