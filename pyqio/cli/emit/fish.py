"""The completions for fish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.cli.emit.tables import prefixes, takes_command, takes_file, words
from pyqio.cli.options import OPTIONS
from pyqio.commands import index

if TYPE_CHECKING:
    from pyqio.cli.options import Option

_SCRIPT: Final = r"""# fish completions for pyqio(1).
# Written from the program's own tables by "python -m pyqio.cli.emit".

function __pyqio_image --description "Files for the part of an image's name after its last colon"
    set -l token (commandline -ct)
    set -l head (string replace -r '[^:]*$' '' -- $token)
    for name in (__fish_complete_path (string replace -r '.*:' '' -- $token))
        echo $head$name
    end
end

function __pyqio_commands --description "Commands and what they do"
    printf '%s\t%s\n' \
@COMMANDS@
end

function __pyqio_reports --description "Numbers of the reports of mismatches"
    set -l state $HOME/.local/state
    test -n "$XDG_STATE_HOME"; and set state $XDG_STATE_HOME
    for path in $state/pyqio/reports/*.json
        string replace -rf '.*/([0-9]+)\.json$' '$1' -- $path
    end
end

complete -c pyqio -n '__fish_is_first_arg' -a explore -d 'pick up the mismatch of a former run'
complete -c pyqio -n '__fish_seen_subcommand_from explore' -a '(__pyqio_reports)'
complete -c pyqio -n 'string match -q "*:*" -- (commandline -ct)' -f -a '(__pyqio_image)'
@PREFIXES@
@OPTIONS@
"""


def script() -> str:
    """The whole script."""
    commands = (f"        {_quoted(spec.name)} {_quoted(spec.summary)}" for spec in index.every())
    return (
        _SCRIPT.replace("@PREFIXES@", "\n".join(f"complete -c pyqio -a {_quoted(prefix)}" for prefix in prefixes()))
        .replace("@COMMANDS@", " \\\n".join(commands))
        .replace("@OPTIONS@", "\n".join(map(_option, OPTIONS)))
    )


def _option(option: Option) -> str:
    values = "(__pyqio_commands)" if takes_command(option) else " ".join(words(option))
    if takes_file(option):
        return f"complete -c pyqio {_names(option)} -r -F -d {_quoted(option.meaning)}"
    taken = f" -x -a {_quoted(values)}" if values else " -x" * bool(option.metavar)
    return f"complete -c pyqio {_names(option)}{taken} -d {_quoted(option.meaning)}"


def _names(option: Option) -> str:
    return f"-s {option.letter} -l {option.name}" if option.letter else f"-l {option.name}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
