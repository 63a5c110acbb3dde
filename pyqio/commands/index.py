"""Where each command lives.  A family is imported when the first of its commands is typed."""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Final

from pyqio.commands.command import SPECS

if TYPE_CHECKING:
    from pyqio.commands.command import Spec

MODULES: Final = {
    "abort": "debug",
    "aio_flush": "aio",
    "aio_read": "aio",
    "aio_write": "aio",
    "alias": "macros",
    "alloc": "map",
    "a": "map",
    "back": "place",
    "blame": "blame",
    "break": "debug",
    "check": "check",
    "checkup": "checkup",
    "children": "nodes",
    "close": "open",
    "c": "open",
    "colors": "colors",
    "create": "create",
    "demo": "demo",
    "diff": "diff",
    "discard": "discard",
    "d": "discard",
    "explore": "explore",
    "flush": "discard",
    "f": "discard",
    "forward": "place",
    "goto": "place",
    "help": "control",
    "?": "control",
    "history": "history",
    "info": "info",
    "i": "info",
    "length": "resize",
    "l": "resize",
    "map": "map",
    "mark": "place",
    "mismatches": "diff",
    "next": "diff",
    "open": "open",
    "o": "open",
    "prev": "diff",
    "print": "place",
    "=": "place",
    "peek": "peek",
    "poke": "peek",
    "quit": "control",
    "q": "control",
    "read": "read",
    "r": "read",
    "readv": "read",
    "remove_break": "debug",
    "reopen": "open",
    "report": "report",
    "resume": "debug",
    "set": "set",
    "search": "search",
    "sigraise": "debug",
    "sleep": "control",
    "snapshot": "snapshot",
    "source": "source",
    "tee": "source",
    "time": "watch",
    "timing": "watch",
    "tree": "nodes",
    "truncate": "resize",
    "t": "resize",
    "unalias": "macros",
    "undo": "undo",
    "verify": "verify",
    "wait_break": "debug",
    "watch": "watch",
    "where": "where",
    "write": "write",
    "w": "write",
    "writev": "write",
}
"""Name or alias -> module of this package."""


@cache
def find(name: str) -> Spec | None:
    """The command of this name or alias, None where there is none."""
    if name not in MODULES:
        return None
    importlib.import_module(f"pyqio.commands.{MODULES[name]}")
    return SPECS[name]


def every(*, own: bool = True) -> list[Spec]:
    """All commands by name, without aliases; loads all families.  ``own``: also those that qemu-io has not."""
    found = {spec.name: spec for name in MODULES if (spec := find(name)) and (own or not spec.own)}
    return [found[name] for name in sorted(found)]
