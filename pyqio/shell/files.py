"""Files that the end of a path may become."""

from __future__ import annotations

import os
from heapq import nsmallest
from typing import TYPE_CHECKING, Final

from pyqio.shell.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTED: Final = 1000
"""Names of one folder that are offered at most: the first ones, and the last, so that what all have in common shows."""


def files(typed: str) -> Iterator[Proposal]:
    """Paths that begin with ``typed``, in the order of their names; hidden files where a dot is typed."""
    folder, start = os.path.split(typed)
    head = typed[: len(typed) - len(start)]
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = [e for e in entries if e.name.startswith(start) and (e.name[:1] != "." or start)]
            listed = nsmallest(LISTED, found, key=_name)
            if len(found) > LISTED:
                listed[-1] = max(found, key=_name)
            named = [(entry.name, entry.is_dir()) for entry in listed]
    except (OSError, ValueError):
        return
    for name, is_folder in named:
        path = f"./{name}" if not typed and name.startswith("-") else head + name
        if is_folder:
            yield Proposal(f"{path}/", f"{name}/", "folder", final=False)
        else:
            yield Proposal(path, name)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
