"""length and truncate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, VerifyError
from pyqio.base.kinds import Choice
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, Flag, command
from pyqio.commands.kinds import Argument, Number
from pyqio.commands.pool import QUICK
from pyqio.commands.rejected import Rejected
from pyqio.commands.request import diverged
from pyqio.commands.results import Length
from pyqio.verify.journal import ENDLESS, Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.results import Result

MAX_LENGTH: Final = 2**63 - 2**30
"""Bytes of the largest image that qemu-io resizes to."""


class _Preallocation(Choice, Argument):
    def __init__(self) -> None:
        super().__init__("off", "metadata", "falloc", "full", name="prealloc_mode")

    def parse(self, value: Any) -> str:
        if value not in self.words:
            raise Rejected(f"Invalid preallocation mode '{value}'", prefixed=True)
        return str(value)


@command("length", "l", summary="gets the length of the current file")
class GetLength(Command):
    """Say how long the image is."""

    child: Child = ""

    def run(self, context: Context) -> Sequence[Result]:
        """The length in bytes."""
        return [Length(length=image_at(context, self.child).length())]


@command(
    "truncate",
    "t",
    synopsis="[-m prealloc_mode] off",
    summary="truncates the current file at the given offset",
    arguments=(1, 3),
    writes=True,
    polls=QUICK,
)
class Truncate(Command):
    """Change the image's length."""

    prealloc: Annotated[str, Flag("m", "how the space of a longer image is reserved"), _Preallocation()] = "off"
    length: Annotated[int, Number("off")]

    def run(self, context: Context) -> Sequence[Result]:
        """Truncate; says nothing."""
        if self.length > MAX_LENGTH:
            raise Rejected(f"offset({self.length}) exceeds maximum({MAX_LENGTH})", prefixed=True)
        try:
            with context.progress("truncate", 0):
                context.image.truncate(self.length, prealloc=self.prealloc, exact=False)
        except VerifyError as error:
            return [diverged(context.image, error)]
        except BlockError as error:
            raise Rejected(error.message, prefixed=True) from error
        return ()

    def effect(self) -> Effect:
        """What lies past the new end goes, or comes to be as zeroes."""
        return Effect("truncate", self.length, ENDLESS)
