"""What a session heeds of the user's environment, and the files that it reads and leaves: for help and the manual."""

from typing import Final

ENVIRONMENT: Final = {
    "EDITOR": "what Ctrl-X Ctrl-E edits a line with, after VISUAL",
    "FORCE_COLOR": "set to anything but 0: colours even where no terminal is",
    "NO_COLOR": "set to anything: no colours; differing bytes are still shown in reverse",
    "PAGER": "what shows output that is taller than the screen; less by default",
    "PYQIO_CONFIG": "a configuration file in the place of config.toml",
    "PYQIO_HISTFILE": "the file that keeps the lines typed into the shell; empty: none does",
    "TERM": "the kind of terminal; on one called dumb lines are read without editing",
    "TMPDIR": "the folder for the overlay of --snapshot, /var/tmp by default",
    "XDG_CONFIG_HOME": "the folder for configurations, ~/.config by default",
    "XDG_STATE_HOME": "the folder for what programs remember, ~/.local/state by default",
}
"""Variables, and what they do."""

CONFIG: Final = {
    "config.toml": "settings; pyqio --write-config writes one to start from",
    "rc": "commands that the shell begins with; -X leaves them out",
}
"""Files in $XDG_CONFIG_HOME/pyqio."""

STATE: Final = {
    "history": "the lines that were typed into the shell",
    "journal": "a folder: operations on verified pairs",
    "reports": "a folder: a report of each mismatch, for pyqio explore",
}
"""Files and folders in $XDG_STATE_HOME/pyqio, for their user alone."""
