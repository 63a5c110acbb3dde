# fish completions for pyqio(1).
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
        'abort' 'simulate a program crash using abort(3)' \
        'aio_flush' 'completes all outstanding aio requests' \
        'aio_read' 'asynchronously reads a number of bytes' \
        'aio_write' 'asynchronously writes a number of bytes' \
        'alias' 'gives a line of commands a name' \
        'alloc' 'checks if offset is allocated in the file' \
        'back' 'looks where the session looked before' \
        'blame' 'tells which operations touched a range' \
        'break' 'sets a breakpoint on event and tags the stopped request as tag' \
        'check' 'checks the metadata of an image, and repairs it' \
        'checkup' 'says what is there: versions, files, terminal, host' \
        'children' 'lists the nodes of the open image' \
        'close' 'close the current open file' \
        'colors' 'shows what the colours mean' \
        'create' 'makes a new image of size bytes' \
        'demo' 'shows how a verified pair catches a damaged image' \
        'diff' 'shows where both sides of a verified pair differ' \
        'discard' 'discards a number of bytes at a specified offset' \
        'explore' 'picks up the mismatch of a former run' \
        'flush' 'flush all in-core file state to disk' \
        'forward' 'takes a step back again' \
        'goto' 'looks at another offset' \
        'help' 'help for one or all commands' \
        'history' 'lists what was typed, or what it did' \
        'info' 'prints information about the current file' \
        'length' 'gets the length of the current file' \
        'map' 'prints the allocated areas of a file' \
        'mark' 'gives an offset a name' \
        'mismatches' 'lists the known differences of a verified pair' \
        'next' 'shows the next difference of a verified pair' \
        'open' 'open the file specified by path' \
        'peek' 'shows one value' \
        'poke' 'writes one value' \
        'prev' 'shows the previous difference of a verified pair' \
        'print' 'shows what an expression comes to' \
        'quit' 'exit the program' \
        'read' 'reads a number of bytes at a specified offset' \
        'readv' 'reads a number of bytes at a specified offset' \
        'remove_break' 'remove a breakpoint by tag' \
        'reopen' 'reopens an image with new options' \
        'report' 'saves what was found as a page of HTML' \
        'resume' 'resumes the request tagged as tag' \
        'search' 'looks for bytes' \
        'set' 'shows the settings, or changes one' \
        'sigraise' 'raises a signal' \
        'sleep' 'waits for the given value in milliseconds' \
        'snapshot' 'lists and changes the snapshots inside the current file' \
        'source' 'runs the commands of a file' \
        'tee' 'puts all that is printed into a file as well' \
        'time' 'runs a command, and says how long it took' \
        'timing' 'says after each command how long it took' \
        'tree' 'draws the nodes of the open image' \
        'truncate' 'truncates the current file at the given offset' \
        'unalias' 'takes the name of an alias away' \
        'undo' 'puts back what the last command has overwritten' \
        'verify' 'compares both sides of a verified pair' \
        'wait_break' 'waits for the suspension of a request' \
        'watch' 'runs a command again and again' \
        'where' 'shows where a byte is kept, through every node' \
        'write' 'writes a number of bytes at a specified offset' \
        'writev' 'writes a number of bytes at a specified offset'
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
complete -c pyqio -a 'blkverify:'
complete -c pyqio -s h -l help -d 'show this help'
complete -c pyqio -s V -l version -d 'show the version'
complete -c pyqio -s c -l cmd -x -a '(__pyqio_commands)' -d 'run a command; may be given several times'
complete -c pyqio -s f -l format -x -a 'blkverify file host_cdrom host_device luks memory null-aio null-co qcow2 raw' -d 'the image\'s format'
complete -c pyqio -s r -l read-only -d 'open the image read-only'
complete -c pyqio -s s -l snapshot -d 'write to a temporary overlay, gone at the end'
complete -c pyqio -s n -l nocache -d 'bypass the host\'s page cache, as -t none'
complete -c pyqio -s C -l copy-on-read -d 'keep in the image what is read from its backing file'
complete -c pyqio -s m -l misalign -d 'taken and ignored: buffers are always aligned'
complete -c pyqio -s k -l native-aio -d 'as -i native'
complete -c pyqio -s i -l aio -x -a 'threads native io_uring' -d 'asynchronous input and output of the host'
complete -c pyqio -s d -l discard -x -a 'ignore off unmap on' -d 'what becomes of discarded ranges'
complete -c pyqio -s t -l cache -x -a 'none off directsync writeback unsafe writethrough' -d 'cache mode of the image'
complete -c pyqio -s T -l trace -x -d 'trace events; parsed, but nothing is traced yet'
complete -c pyqio -l object -x -d 'an object: secret,id=ID,data=TEXT or file=FILE'
complete -c pyqio -l image-opts -d 'the image is given as key=value,...'
complete -c pyqio -s U -l force-share -d 'open an image that is in use elsewhere (with -r)'
complete -c pyqio -l follow -x -a 'all same-dir none' -d 'which files that an image names are opened: backing files and files of guest data'
complete -c pyqio -l source -r -F -d 'run the commands of a file; may be given several times, and between those of -c'
complete -c pyqio -l set -x -d 'change a setting, as the command \'set\' does'
complete -c pyqio -s q -l quiet -d 'begin the shell without its first line'
complete -c pyqio -s X -l no-rc -d 'begin the shell without the commands of rc'
complete -c pyqio -l write-config -d 'write a configuration with all settings, to PATH or (-) to standard output'
complete -c pyqio -l json -d 'show results as JSON, one object a line'
complete -c pyqio -l color -x -a 'auto always never' -d 'colour in what is shown'
complete -c pyqio -l theme -x -a 'ansi dark light colorblind' -d 'the colours; \'colors\' shows them'
complete -c pyqio -l report -r -F -d 'write the report of a mismatch to this file'
complete -c pyqio -l completions -x -a 'bash zsh fish' -d 'print the completion script for a shell'
