"""What a block driver is.

A driver serves requests that its node has already checked: the range lies within the node (or the driver is
growable), offset and length are multiples of ``limits().request_alignment``, and the node may be written to.
It does all of a request or raises; it is never short.  An operation that it leaves out raises Unsupported, which
only block/emulate catches.  Buffers are flat memoryviews of bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pyqio.base.errors import OpenError, Unsupported
from pyqio.base.types import (
    Caps,
    CheckResult,
    ChildRole,
    Extent,
    Limits,
    Location,
    OpenFlags,
    Role,
    Scheduling,
    SnapshotInfo,
)
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyqio.base.structure import Explanation
    from pyqio.block.creation import CreateOption
    from pyqio.block.follow import Found
    from pyqio.block.node import Node


class Opening(Protocol):
    """What the graph offers a driver that is being opened."""

    filename: str
    """What the user typed for this node, "" where it was given by options alone."""
    flags: OpenFlags

    def child(
        self,
        key: str,
        role: ChildRole,
        *,
        default: Mapping[str, Any] | None = None,
        flags: OpenFlags | None = None,
        probe: bool = False,
        found: Found | None = None,
    ) -> Node:
        """Open the child that the options under ``key`` describe and attach it.

        ``default``: options to use where the user gave none for ``key``, or none that say which file it is; without
        a default the child is required.
        ``flags``: instead of the parent's own.  ``probe``: guess the child's format where no driver is named
        (otherwise a name without a driver is a protocol's).  ``found``: the name in ``default`` is one that the image
        says; whether such files are opened is the user's choice (see block/follow).
        Raises OpenError, PermissionConflict.
        """
        ...

    def secret(self, name: str) -> bytes:
        """The password that goes by this name, as UTF-8.  Raises OpenError where there is none."""
        ...

    def has_child(self, key: str) -> bool:
        """Whether the user gave options for the child ``key``; also True where he declines it."""
        ...

    def declines_child(self, key: str) -> bool:
        """Whether the user gave None: there is to be no child ``key``."""
        ...

    def report(self, finding: str) -> None:
        """Something that is found, and repaired, while the image is opened: a line for a person to read."""
        ...

    def set_auto_read_only(self) -> None:
        """Fall back to a read-only node; raises OpenError where the user did not allow it."""
        ...


class Driver(ABC):
    """A protocol, a format or a filter."""

    name: ClassVar[str]
    role: ClassVar[Role]
    scheduling: ClassVar[Scheduling] = Scheduling.SERIAL
    Options: ClassVar[type[Any]]
    """The record of the driver's own options (see base/options)."""
    prefix: ClassVar[str | None] = None
    """The word before the colon in a filename (``nbd:...``) that this protocol answers to."""
    children: ClassVar[Sequence[str]] = ()
    """The keys of the children that its options may describe."""

    @classmethod
    @abstractmethod
    def open(cls, options: Any, opening: Opening) -> Driver:
        """Open an image.  Raises OpenError (FormatError for bytes that are wrong); leaves nothing open then."""

    @classmethod
    def probe(cls, head: bytes, filename: str) -> int:
        """How likely an image that starts with ``head`` (its first 512 bytes) is of this format: 0 to 100."""
        return 0

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """The options that ``prefix:...`` stands for.

        A child that is named by a part of the text gets ``{"filename": filename.Typed(part)}``, so that the part's
        own prefix counts.  Raises OpenError where the text has the wrong shape.
        """
        raise OpenError(f"Driver '{cls.name}' cannot be named by a file name")

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """The options of ``create``, in the order in which they are shown; none where no image can be made."""
        return {}

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Make a new image of ``size`` guest bytes at ``filename``; nothing is left behind when it fails.

        Returns every option with the value in force, in the order in which they are shown.
        Raises OpenError, OptionError.
        """
        raise OpenError(f"Format driver '{cls.name}' does not support image creation", errno=Unsupported.default_errno)

    @abstractmethod
    def length(self) -> int:
        """The node's size in bytes."""

    @abstractmethod
    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """Fill ``buf`` with the bytes from ``offset``."""

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Store ``buf`` at ``offset``.  ``flags``: FUA and COMPRESSED where the caps claim them."""
        raise Unsupported

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """Make ``length`` bytes read as zeroes, without storing a buffer of them."""
        raise Unsupported

    def pdiscard(self, offset: int, length: int) -> None:
        """The guest needs these bytes no more.  What they read afterwards is the driver's choice.

        The ends of a range come unaligned; Unsupported leaves such a part as it is.
        """
        raise Unsupported

    def flush(self) -> None:
        """Put on stable storage what completed before; a driver with children flushes them too."""

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Change the size.  New bytes read as zeroes.  ``prealloc``: off, metadata, falloc or full."""
        raise Unsupported("Image format driver does not support resize")

    def block_status(self, offset: int, length: int) -> Iterable[Extent]:
        """Extents that cover the range without gaps, ascending; may stop early, but not before one extent."""
        yield Extent(offset, length, data=True, zero=False, allocated=True, host_offset=None)

    def vm_state_pread(self, offset: int, buf: memoryview) -> None:
        """Fill ``buf`` from byte ``offset`` of the machine state; what was never written is zero."""
        raise Unsupported

    def vm_state_pwrite(self, offset: int, buf: memoryview) -> None:
        """Store ``buf`` at byte ``offset`` of the machine state."""
        raise Unsupported

    def snapshots(self) -> Sequence[SnapshotInfo]:
        """The snapshots that the image keeps inside, in the order of its table."""
        raise Unsupported("Block driver does not support snapshots")

    def snapshot_create(self, name: str, *, date_ns: int) -> None:
        """Keep the disk as it is now; ``date_ns``: the time, since 1970 UTC.  A name may be there already."""
        raise Unsupported("Block driver does not support snapshots")

    def snapshot_apply(self, wanted: str) -> None:
        """Make the disk what the snapshot with this id, or else of this name, holds; its size too.

        Raises BlockError, ENOENT where there is none.
        """
        raise Unsupported("Block driver does not support snapshots")

    def snapshot_delete(self, name: str) -> None:
        """Forget the first snapshot of this name.  Raises BlockError, ENOENT where there is none."""
        raise Unsupported("Block driver does not support snapshots")

    def locate(self, offset: int) -> Location:
        """Where the guest byte at ``offset`` lives, for a person to read; one step down, to a child or to the host."""
        return Location(kind="data", host_offset=offset)

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """As ``locate``, with everything that there is to know and what is wrong with it.

        Neither changes the image, nor raises for what its metadata say.  ``thorough``: also look for what takes long
        to find, such as other users of the same place.
        """
        from pyqio.base.structure import Explanation, Onward

        location = self.locate(offset)
        at = location.host_offset
        way = () if location.child is None or at is None else (Onward(location.child, at),)
        facts = {"detail": location.detail} if location.detail else {}
        return Explanation(kind=location.kind, next=way, facts=facts)

    def limits(self) -> Limits:
        """May change on reopen only."""
        return Limits()

    def caps(self) -> Caps:
        """May change on reopen only."""
        return Caps()

    def info(self) -> Mapping[str, Any]:
        """What the format knows of itself, by qemu-img info's names (``cluster-size``, ``compat``, ...)."""
        return {}

    def check(self, fix: str, report: Callable[[str], None], advance: Callable[[int], None]) -> CheckResult:
        """Look at all metadata.  ``fix``: repair nothing (""), "leaks", or "all" that can be repaired.

        ``report`` is told of every finding as it comes, a line each; ``advance`` of guest bytes whose metadata were
        looked at.
        """
        raise Unsupported("This image format does not support checks")

    def remarks(self) -> Iterable[str]:
        """What a person who opens the image had better know: a sentence each, without a capital or a full stop."""
        return ()

    def set_permissions(self, perm: int, shared: int) -> None:
        """A protocol locks its file here.  Raises PermissionConflict, and keeps the former locks then."""

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Change flags and options in place, all or nothing.  Raises OpenError, OptionError."""
        raise Unsupported(f"Block format '{self.name}' does not support reopening files")

    @abstractmethod
    def close(self) -> None:
        """Write back what is cached and release everything of its own; the graph closes the children."""
