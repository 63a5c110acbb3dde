"""The commands by what they are for, in the order of ``help``: every command stands in one group, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pyqio.commands import index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.commands.command import Spec


class Group(NamedTuple):
    """``word``: what ``help`` knows it by."""

    word: str
    title: str
    commands: tuple[str, ...]


GROUPS: Final = (
    Group(
        "data",
        "Reading and writing",
        ("read", "readv", "write", "writev", "discard", "flush", "undo", "aio_read", "aio_write", "aio_flush"),
    ),
    Group(
        "verification",
        "Verification",
        ("verify", "mismatches", "next", "prev", "diff", "blame", "explore", "report", "demo"),
    ),
    Group(
        "exploring",
        "Exploring",
        ("where", "children", "tree", "map", "alloc", "info", "length", "peek", "poke", "search"),
    ),
    Group("images", "Images", ("open", "reopen", "close", "create", "check", "snapshot", "truncate")),
    Group("moving", "Moving about", ("goto", "back", "forward", "mark", "print")),
    Group("scripts", "Scripting", ("source", "alias", "unalias", "watch", "time", "timing", "tee", "sleep")),
    Group("holding", "Requests on hold", ("break", "resume", "wait_break", "remove_break", "sigraise", "abort")),
    Group("session", "Session", ("help", "set", "history", "quit", "checkup", "colors")),
)
"""A command that is not here yet goes into the group where its user would look for it."""


def group_of(spec: Spec) -> Group:
    """The group of a command."""
    return next(group for group in GROUPS if spec.name in group.commands)


def grouped(*, own: bool) -> Iterator[tuple[str, Sequence[Spec]]]:
    """(title, commands) of each group.  ``own``: also commands that qemu-io has not."""
    known = {spec.name: spec for spec in index.every(own=own)}
    for group in GROUPS:
        yield group.title, [known[name] for name in group.commands if name in known]
