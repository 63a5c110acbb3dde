"""What commands return: a closed set of plain values.  Renderers match over ``Result``."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pyqio.base.errors import Unsupported
from pyqio.base.record import Record
from pyqio.base.structure import Structure
from pyqio.commands.compared import Copied as Copied
from pyqio.commands.compared import Diagnosed as Diagnosed
from pyqio.commands.compared import Diff as Diff
from pyqio.commands.compared import Diverged as Diverged
from pyqio.commands.compared import Verified as Verified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyqio.base.errors import BlockError, OpenError
    from pyqio.base.structure import Onward
    from pyqio.base.types import CheckResult, Run, SnapshotInfo
    from pyqio.block.creation import CreateOption
    from pyqio.commands.command import Spec
    from pyqio.commands.rejected import Rejected


class Transfer(Record):
    """``length`` bytes at ``offset`` were ``verb`` (read, wrote, discard) in ``elapsed`` seconds.

    ``machine``: to be shown in the form for machines (-C).
    """

    verb: str
    offset: int
    length: int
    elapsed: float
    machine: bool = False


class Dump(Record):
    """``length`` bytes to be shown, from ``offset``.  ``windows`` may be read once, and that may raise BlockError."""

    offset: int
    length: int
    windows: Iterable[bytes | bytearray | memoryview]


class Content(Record):
    """Bytes to be handed on as they are; otherwise as Dump."""

    offset: int
    windows: Iterable[bytes | bytearray | memoryview]


class PatternMismatch(Record):
    """The ``length`` bytes at ``offset`` are not all ``pattern``; the first that differs is ``found`` at ``first``.

    ``delayed``: an asynchronous request found it, which does not fail the session.
    """

    offset: int
    length: int
    pattern: int
    first: int
    found: int
    delayed: bool = False


class Failed(Record):
    """The request that ``verb`` names failed; ``delayed``: an asynchronous one, which does not fail the session."""

    verb: str
    error: BlockError
    delayed: bool = False


class OpenFailed(Record):
    """An image was not opened; ``filename`` is None where it was described by options alone."""

    filename: str | None
    error: OpenError


class GuessedRaw(Record):
    """The format of these images was guessed to be raw."""

    filenames: Sequence[str]


class Refused(Record):
    """A command that was not carried out; ``words``: it was typed so, () where it did not become words."""

    reason: Rejected
    spec: Spec | None = None
    words: Sequence[str] = ()


class Unknown(Record):
    """There is no such command; ``known``: the names that there are."""

    name: str
    known: Sequence[str]


class Warned(Record):
    """Something that was taken, but should be written in another way."""

    message: str


class Said(Record):
    """A line that is the whole answer."""

    text: str


class Length(Record):
    """The image's size in bytes."""

    length: int


class Allocated(Record):
    """``allocated`` of the ``length`` bytes at ``offset`` are allocated."""

    offset: int
    length: int
    allocated: int


class Map(Record):
    """Ranges of the image, ascending and without gaps: (offset, length, allocated)."""

    runs: Iterable[tuple[int, int, bool]]


class Strip(Record):
    """What each part of a disk of ``length`` bytes is, to be drawn.

    ``runs``: ranges, ascending and without gaps: (offset, length, state); a state is data, zero, compressed or
    unallocated.  ``differing``: bytes in which the sides of a pair are known to differ.
    """

    length: int
    runs: Sequence[tuple[int, int, str]]
    differing: Sequence[Run] = ()


class Info(Record):
    """What a format says of itself.

    ``protocol``: the driver is a protocol.  ``cluster_size`` and ``vm_state_offset`` are bytes; None where the driver
    knows nothing of either.  ``specific``: everything else, by qemu-img's names.  ``sides``: those of a verified pair
    by their key, each with its format, size (bytes) and filename; plain text, which is qemu-io's, has none of them.
    """

    format: str
    protocol: bool
    cluster_size: int | None
    vm_state_offset: int = 0
    specific: Mapping[str, Any] = MappingProxyType({})
    sides: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


class Snapshots(Record):
    """The snapshots inside an image."""

    snapshots: Sequence[SnapshotInfo]


class Found(Record):
    """A line about what a check, or the opening of an image, found and repaired."""

    text: str


class Repaired(Record):
    """What the repair of an image has put right; a second check follows."""

    leaks: int
    corruptions: int


class Checked(Record):
    """An image was checked.  ``json``: to be shown as JSON; ``quiet``: as no text."""

    filename: str
    format: str
    result: CheckResult
    json: bool = False
    quiet: bool = False

    @property
    def status(self) -> int:
        """The exit status of qemu-img check: 1 not all could be checked, 2 corruptions, 3 leaks."""
        result = self.result
        return 1 if result.check_errors else 2 if result.corruptions else 3 if result.leaks else 0


class CheckFailed(Record):
    """A check that could not be carried through, or that the format does not have."""

    error: BlockError

    @property
    def status(self) -> int:
        """The exit status of qemu-img check: 63 where the format has no check."""
        return 63 if isinstance(self.error, Unsupported) else 1


class Created(Record):
    """A new image, with the value of every option that is in force, in the order in which they are shown."""

    filename: str
    format: str
    options: Mapping[str, Any]


class CreateOptions(Record):
    """What ``create -o`` takes for a format; ``whole``: with the options of the protocol."""

    format: str
    whole: bool
    options: Mapping[str, CreateOption]


class Column(NamedTuple):
    """A column of a table; ``name`` in snake case.

    ``kind``: text, number, offset (bytes, shown in hexadecimal), size (bytes), seconds, flag (true or false), or style
    (a word that is drawn in the colour of its name: data, zero, ok...).  A cell may be None: there is no such thing.
    """

    name: str
    kind: str = "text"


class Table(Record):
    """Rows of values, one for each column.

    ``name``: the word for machines (history, children).  ``note``: a line that follows; ``empty``: the line in the
    place of a table without a row.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    note: str = ""
    empty: str = ""


class Facts(Record):
    """Values by name; nested mappings and lists are allowed.  ``name``: the word for machines (where, checkup)."""

    name: str
    values: Mapping[str, Any]


class Step(Record):
    """A node on the way of a guest byte, which is at ``offset`` of it; the rest as in base.structure.Explanation.

    ``path``: how the node is reached (see block/paths); ``node``: its name.
    """

    path: str
    node: str
    driver: str
    filename: str
    offset: int
    kind: str
    next: Sequence[Onward]
    facts: Mapping[str, Any]
    wrong: Sequence[str]


class Way(Record):
    """Where the byte at ``offset`` is kept, through every node down to the host."""

    offset: int
    steps: Sequence[Step]


class Leaf(Record):
    """A node of a tree, ``depth`` parents below the top.

    ``role``: what it is to its parent, "" for the top; ``size`` in bytes.
    """

    depth: int
    path: str
    node: str
    driver: str
    role: str
    size: int
    read_only: bool
    filename: str


class Tree(Record):
    """The open nodes, each before those below it."""

    nodes: Sequence[Leaf]


def timing(elapsed: float) -> Facts:
    """How long something took, in seconds."""
    return Facts(name="timing", values={"seconds": round(elapsed, 6)})


class Helped(Record):
    """Help on one command, by the ``name`` that was asked for.

    ``group``: the title of its group, ``see_also``: what else there is help on; both empty for qemu-io's help.
    """

    name: str
    spec: Spec
    group: str = ""
    see_also: Sequence[str] = ()


class HelpedAll(Record):
    """One line for each command: (title, commands) by group, or under one title "" all of them as in qemu-io.

    ``topics``: (name, summary) of what there is help on besides.
    """

    groups: Sequence[tuple[str, Sequence[Spec]]]
    topics: Sequence[tuple[str, str]] = ()


class HelpedTopic(Record):
    """Help on what is no command; ``text`` in lines of at most 79 columns."""

    name: str
    summary: str
    text: str


Result = (
    Transfer
    | Dump
    | Content
    | PatternMismatch
    | Failed
    | Diverged
    | Verified
    | Copied
    | Diff
    | Diagnosed
    | OpenFailed
    | GuessedRaw
    | Refused
    | Unknown
    | Warned
    | Said
    | Length
    | Allocated
    | Map
    | Strip
    | Info
    | Snapshots
    | Found
    | Repaired
    | Checked
    | CheckFailed
    | Created
    | CreateOptions
    | Table
    | Facts
    | Way
    | Structure
    | Tree
    | Helped
    | HelpedAll
    | HelpedTopic
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
        case Verified(repairing=repairing):
            return not (result.agrees or repairing)
        case CheckFailed():
            return True
        case Checked():
            return bool(result.status)
        case _:
            return False
