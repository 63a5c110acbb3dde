"""What the writers share: how an option is spelled, and the words that may follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.types import Role
from pyqio.block import registry
from pyqio.commands import index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.cli.options import Option


def spellings(option: Option) -> list[str]:
    """The short spelling, where there is one, and the long one."""
    return [*([f"-{option.letter}"] if option.letter else []), f"--{option.name}"]


def takes_command(option: Option) -> bool:
    """Whether the argument is a command line of the session."""
    return option.name == "cmd"


def takes_file(option: Option) -> bool:
    """Whether the argument is the name of a file of the host."""
    return option.metavar == "FILE"


def words(option: Option) -> Sequence[str]:
    """The words that an option takes, where they can be listed."""
    if takes_command(option):
        return [spec.name for spec in index.every()]
    if option.name == "format":
        return [driver.name for driver in registry.every()]
    return option.words


def prefixes() -> list[str]:
    """How names of images may start that are no files' names: drivers that parse more than a path."""
    return [f"{driver.prefix}:" for driver in registry.every() if driver.prefix and driver.role is not Role.PROTOCOL]
