"""snapshot: what qemu-img snapshot does, on the open image."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from pyqio.base.errors import BlockError, Unsupported
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Word
from pyqio.commands.rejected import Rejected
from pyqio.commands.results import Snapshots
from pyqio.verify.journal import ENDLESS, Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pyqio.block.image import Image
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

_ABOUT = """
 lists, takes, applies and deletes the snapshots inside the current file

 Example:
 'snapshot -c before' - keeps the disk as it is now under the name 'before'

 Without an option the snapshots are listed.  -a takes an id or else a name, -d a
 name; where a name is there several times, the first counts.
{flags}
"""


class _Tag(Word):
    """The name of a snapshot in the open image."""

    def __init__(self) -> None:
        super().__init__("snapshot")

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        with suppress(BlockError):
            if context.has_image:
                names = dict.fromkeys(snapshot.name for snapshot in context.image.snapshots())
                return [name for name in names if name.startswith(prefix)]
        return ()


@command(
    "snapshot",
    synopsis="[-l | -a snapshot | -c snapshot | -d snapshot]",
    summary="lists and changes the snapshots inside the current file",
    about=_ABOUT,
    arguments=(0, None),
    own=True,
)
class ChangeSnapshots(Command):
    """List, take, apply or delete snapshots."""

    listing: Annotated[bool, Flag("l", "list all snapshots")] = False
    applied: Annotated[str | None, Flag("a", "make the disk what this snapshot holds"), _Tag()] = None
    created: Annotated[str | None, Flag("c", "take a snapshot of this name"), Word("snapshot")] = None
    deleted: Annotated[str | None, Flag("d", "forget this snapshot"), _Tag()] = None

    @classmethod
    def check_options(cls, options: Mapping[str, Any], operands: int) -> None:
        """One thing at a time."""
        if len(options) > 1:
            raise Rejected("Cannot mix '-l', '-a', '-c', '-d'", prefixed=True)

    def run(self, context: Context) -> Sequence[Result]:
        """Only listing says something."""
        context.drain()
        with context.progress("snapshot", 0):
            if self.created is not None:
                _create(context.image, self.created)
            elif self.applied is not None:
                _apply(context.image, self.applied)
            elif self.deleted is not None:
                _delete(context.image, self.deleted)
            else:
                with suppress(Unsupported):
                    return [Snapshots(snapshots=context.image.snapshots())]
        return ()

    def effect(self) -> Effect | None:
        """To apply a snapshot may change everything."""
        return None if self.applied is None else Effect("other", 0, ENDLESS)


def _create(image: Image, name: str) -> None:
    try:
        image.snapshot_create(name)
    except Unsupported as error:
        raise _failed("create", name, f"-{error.errno} ({error.strerror})") from error
    except BlockError as error:
        why = "" if error.message == error.strerror else f": {error.message}"
        raise _failed("create", name, f"-{error.errno} ({error.strerror}){why}") from error


def _apply(image: Image, wanted: str) -> None:
    try:
        image.snapshot_apply(wanted)
    except BlockError as error:
        stage = "Failed to load snapshot: " if error.message == error.strerror else ""
        raise _failed("apply", wanted, f"{stage}{error.message}") from error


def _delete(image: Image, name: str) -> None:
    try:
        image.snapshot_delete(name)
    except BlockError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTSUP)
        raise _failed("delete", name, "snapshot not found" if missing else error.message) from error


def _failed(what: str, name: str, why: str) -> Rejected:
    return Rejected(f"Could not {what} snapshot '{name}': {why}", prefixed=True)
