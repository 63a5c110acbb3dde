"""The completion script for bash."""

from __future__ import annotations

from typing import Final

from pyqio.cli.emit.tables import prefixes, spellings, takes_file, words
from pyqio.cli.options import OPTIONS

_SCRIPT: Final = r"""# bash completion for pyqio(1).
# Written from the program's own tables by "python -m pyqio.cli.emit".

# Offers the words of $2 that start with $1; $3 stands before $1 in what the user typed.
_pyqio_words() {
    mapfile -t COMPREPLY < <(compgen -W "$2" -- "${1#[\"\']}")
    # A quote that is open is the start of a command with arguments.
    if [[ $1 == [\"\']* ]]; then compopt -o nospace; fi
    _pyqio_restore "$3"
}

# Offers the files that start with $1, or the prefix of an image's name that does.
_pyqio_image() {
    mapfile -t COMPREPLY < <(compgen -W "@PREFIXES@" -- "$1")
    if [[ -n $1 && ${#COMPREPLY[@]} -gt 0 ]]; then
        compopt -o nospace
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "${1//\\/}")
        # After blkverify:RAW comes a colon and no blank.
        if [[ $2 == *blkverify: ]]; then compopt -o nospace; fi
    fi
    _pyqio_restore "$2"
}

# Offers the reports of mismatches that start with $1: their numbers in the state folder, and files.
_pyqio_reports() {
    local -a numbers files
    mapfile -t numbers < <(compgen -f -X '!*/[0-9]*.json' -- "${XDG_STATE_HOME:-$HOME/.local/state}/pyqio/reports/$1")
    mapfile -t files < <(compgen -f -- "${1//\\/}")
    numbers=("${numbers[@]##*/}")
    compopt -o filenames
    COMPREPLY=("${numbers[@]%.json}" "${files[@]}")
}

# bash replaces only what follows the last of COMP_WORDBREAKS; where : or = is none of them, the whole word.
_pyqio_restore() {
    if [[ -n $1 && $COMP_WORDBREAKS != *"${1: -1}"* ]]; then COMPREPLY=("${COMPREPLY[@]/#/"$1"}"); fi
}

# Prints the words that may follow option $1; fails where it takes none, or a file.
_pyqio_values() {
    case $1 in
@VALUES@
        *) return 1 ;;
    esac
}

_pyqio() {
    # COMP_WORDS is split at : and =, so the words are put together again by the blanks between them.
    local rest=${COMP_LINE:0:COMP_POINT} piece trimmed values cur prev
    local -a words=()
    for piece in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        if [[ ${#words[@]} -gt 0 && $trimmed == "$rest" ]]; then
            words[-1]+=$piece
        else
            words+=("$piece")
        fi
        rest=${trimmed#"$piece"}
    done
    cur=${words[-1]} prev=${words[-2]-}

    if [[ $cur == --*=* ]]; then
        if values=$(_pyqio_values "${cur%%=*}"); then
            _pyqio_words "${cur#*=}" "$values" "${cur%%=*}="
        else
            _pyqio_image "${cur#*=}" "${cur%%=*}="
        fi
    elif values=$(_pyqio_values "$prev"); then
        _pyqio_words "$cur" "$values" ""
    elif [[ $cur == -* ]]; then
        _pyqio_words "$cur" "@OPTIONS@" ""
    elif [[ ${words[1]} == explore && ${#words[@]} -gt 2 ]]; then
        _pyqio_reports "$cur"
    else
        _pyqio_image "${cur##*:}" "${cur%"${cur##*:}"}"
        if [[ -n $cur && ${#words[@]} -eq 2 && explore == "$cur"* ]]; then COMPREPLY+=(explore); fi
    fi
}
complete -F _pyqio pyqio
"""


def script() -> str:
    """The whole script."""
    values = "\n".join(
        f"        {' | '.join(spellings(o))}) echo '{' '.join(words(o))}' ;;"
        for o in OPTIONS
        if o.metavar and not takes_file(o)
    )
    return (
        _SCRIPT.replace("@PREFIXES@", " ".join(prefixes()))
        .replace("@VALUES@", values)
        .replace("@OPTIONS@", " ".join(spelling for option in OPTIONS for spelling in spellings(option)))
    )
