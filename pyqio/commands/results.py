"""What commands return: a closed set of plain values.  Renderers match over ``Result``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyqio.base.errors import BlockError, OpenError, VerifyError
    from pyqio.block.node import Node
    from pyqio.commands.command import Spec
    from pyqio.commands.rejected import Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """``length`` bytes at ``offset`` were ``verb`` (read, wrote, discard) in ``elapsed`` seconds.

    ``machine``: to be shown in the form for machines (-C).
    """

    verb: str
    offset: int
    length: int
    elapsed: float
    machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """Bytes to be shown, from ``offset`` on.  ``windows`` may be read once, and reading may raise BlockError."""

    offset: int
    windows: Iterable[bytes | bytearray | memoryview]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternMismatch:
    """The ``length`` bytes at ``offset`` are not all ``pattern``; the first that differs is ``found`` at ``first``.

    ``delayed``: an asynchronous request found it, which does not fail the session.
    """

    offset: int
    length: int
    pattern: int
    first: int
    found: int
    delayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The request that ``verb`` names failed; ``delayed``: an asynchronous one, which does not fail the session."""

    verb: str
    error: BlockError
    delayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverged:
    """The two sides of a verified pair do not agree.

    ``alignment``: of requests to the image, in bytes.  ``nodes``: the open nodes, by name.  ``staged``: a
    demonstration brought it about, so it counts for nothing.
    """

    error: VerifyError
    alignment: int
    nodes: Mapping[str, Node]
    staged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFailed:
    """An image was not opened; ``filename`` is None where it was described by options alone."""

    filename: str | None
    error: OpenError


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedRaw:
    """The format of these images was guessed to be raw."""

    filenames: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A command that was not carried out."""

    reason: Rejected
    spec: Spec | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """There is no such command; ``known``: the names that there are."""

    name: str
    known: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something that was taken, but should be written in another way."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line that is the whole answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """The image's size in bytes."""

    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """``allocated`` of the ``length`` bytes at ``offset`` are allocated."""

    offset: int
    length: int
    allocated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Ranges of the image, ascending and without gaps: (offset, length, allocated)."""

    runs: Iterable[tuple[int, int, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a format says of itself.

    ``protocol``: the driver is a protocol.  ``cluster_size`` and ``vm_state_offset`` are bytes; None where the driver
    knows nothing of either.  ``specific``: everything else, by qemu-img's names.
    """

    format: str
    protocol: bool
    cluster_size: int | None
    vm_state_offset: int = 0
    specific: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A new image, with the value of every option that is in force, in the order in which they are shown."""

    filename: str
    format: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Helped:
    """Help on one command, by the ``name`` that was asked for."""

    name: str
    spec: Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpedAll:
    """One line for each command."""

    specs: Sequence[Spec]


Result = (
    Transfer
    | Dump
    | PatternMismatch
    | Failed
    | Diverged
    | OpenFailed
    | GuessedRaw
    | Refused
    | Unknown
    | Warned
    | Said
    | Length
    | Allocated
    | Map
    | Info
    | Created
    | Helped
    | HelpedAll
)


def is_failure(result: Result) -> bool:
    """Whether a session with this result in it ends with a status that is not zero."""
    match result:
        case Transfer():  # by far the most frequent
            return False
        case OpenFailed() | Refused() | Unknown():
            return True
        case Diverged(staged=staged):
            return not staged
        case Failed(delayed=delayed) | PatternMismatch(delayed=delayed):
            return not delayed
        case Info(cluster_size=cluster_size):
            return cluster_size is None
        case _:
            return False
