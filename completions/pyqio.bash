# bash completion for pyqio(1).
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
    mapfile -t COMPREPLY < <(compgen -W "blkverify:" -- "$1")
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
        -c | --cmd) echo 'abort aio_flush aio_read aio_write alias alloc back blame break check checkup children close colors create demo diff discard explore flush forward goto help history info length map mark mismatches next open peek poke prev print quit read readv remove_break reopen report resume search set sigraise sleep snapshot source tee time timing tree truncate unalias undo verify wait_break watch where write writev' ;;
        -f | --format) echo 'blkverify file host_cdrom host_device luks memory null-aio null-co qcow2 raw' ;;
        -i | --aio) echo 'threads native io_uring' ;;
        -d | --discard) echo 'ignore off unmap on' ;;
        -t | --cache) echo 'none off directsync writeback unsafe writethrough' ;;
        -T | --trace) echo '' ;;
        --object) echo '' ;;
        --follow) echo 'all same-dir none' ;;
        --set) echo '' ;;
        --color) echo 'auto always never' ;;
        --theme) echo 'ansi dark light colorblind' ;;
        --completions) echo 'bash zsh fish' ;;
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
        _pyqio_words "$cur" "-h --help -V --version -c --cmd -f --format -r --read-only -s --snapshot -n --nocache -C --copy-on-read -m --misalign -k --native-aio -i --aio -d --discard -t --cache -T --trace --object --image-opts -U --force-share --follow --source --set -q --quiet -X --no-rc --write-config --json --color --theme --report --completions" ""
    elif [[ ${words[1]} == explore && ${#words[@]} -gt 2 ]]; then
        _pyqio_reports "$cur"
    else
        _pyqio_image "${cur##*:}" "${cur%"${cur##*:}"}"
        if [[ -n $cur && ${#words[@]} -eq 2 && explore == "$cur"* ]]; then COMPREPLY+=(explore); fi
    fi
}
complete -F _pyqio pyqio
