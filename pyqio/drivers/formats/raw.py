"""``raw``: no format at all; the guest's bytes are its file's, or a range of them."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import OpenError, ProbedRawWrite, Unsupported
from pyqio.base.kinds import UINT64_MAX, Size
from pyqio.base.options import rebind
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE, Caps, ChildRole, Limits, Location, OpenFlags, Role, Scheduling
from pyqio.block import probe
from pyqio.block.driver import Driver
from pyqio.block.filename import Typed, parse_protocol
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.base.types import Extent
    from pyqio.block.creation import CreateOption
    from pyqio.block.driver import Opening
    from pyqio.block.node import Node

_EXTENTS_AT_ONCE: Final = 1024


class RawOptions(Record):
    """``offset``: where in the file the image starts; ``size``: its length, None to the end of the file; bytes."""

    offset: Annotated[int, Size(maximum=UINT64_MAX)] = 0
    size: Annotated[int | None, Size(maximum=UINT64_MAX)] = None


class Raw(Driver):
    """Passes every request on to its file, ``offset`` bytes further on.

    ``guarded``: the format was guessed, so a write must not make the image look like another one.
    """

    name = "raw"
    role = Role.FORMAT
    children = ("file",)
    scheduling = Scheduling.PARALLEL
    Options = RawOptions

    def __init__(self, file: Node, options: RawOptions, *, guarded: bool) -> None:
        self._file = file
        self._guarded = guarded
        self._take(options)

    def _take(self, options: RawOptions) -> None:
        _check_range(options, self._file.length())
        self._options = options
        self._offset = options.offset
        self._size = options.size

    @classmethod
    def open(cls, options: RawOptions, opening: Opening) -> Raw:
        """Open the file; offset and size must lie within it."""
        # FILTERED with an offset too: several images may share a file, each with a part of its own.
        return cls(opening.child("file", ChildRole.FILTERED), options, guarded=opening.flags.probed)

    @classmethod
    def probe(cls, head: bytes, filename: str) -> int:
        """Anything can be raw, and any other format is more likely."""
        return 1

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """The size; all else is the protocol's."""
        from pyqio.block.creation import CreateOption

        return {"size": CreateOption(Size(), "Virtual disk size")}

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Leave it to the protocol that ``filename`` names."""
        protocol, _ = parse_protocol(Typed(filename))
        return protocol.create(filename, size, options, secrets=secrets)

    def length(self) -> int:
        """The size given, or what the file has from the offset on; in whole sectors."""
        length = self._file.length() - self._offset if self._size is None else self._size
        return -(-length // SECTOR_SIZE) * SECTOR_SIZE

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """The file's bytes."""
        self._file.pread(offset + self._offset, buf, flags)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Into the file.  Raises ProbedRawWrite for a first sector that a guessed raw image must not have."""
        if self._guarded and offset < SECTOR_SIZE and len(buf):
            _check_head(bytes(buf[:SECTOR_SIZE]))
        self._file.pwrite(offset + self._offset, buf, flags)

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """In the file."""
        self._file.pwrite_zeroes(offset + self._offset, length, flags)

    def pdiscard(self, offset: int, length: int) -> None:
        """In the file."""
        self._file.pdiscard(offset + self._offset, length)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Resize the file, unless a size was given."""
        if self._size is not None:
            raise Unsupported("Cannot resize fixed-size raw disks")
        self._file.truncate(length + self._offset, prealloc=prealloc, exact=exact)

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """The file's extents."""
        for extent in islice(self._file.block_status(offset + self._offset, length), _EXTENTS_AT_ONCE):
            yield extent._replace(offset=extent.offset - self._offset)

    def locate(self, offset: int) -> Location:
        """In the file."""
        return Location(kind="data", child="file", host_offset=offset + self._offset)

    def limits(self) -> Limits:
        """The file's, as far as the offset lets them hold; a guarded image is written in whole sectors."""
        alignment = self._file.limits.request_alignment
        if self._offset % alignment:
            alignment = 1
        return Limits(request_alignment=max(alignment, SECTOR_SIZE) if self._guarded else alignment)

    def caps(self) -> Caps:
        """The file's, but the image itself does not grow by being written to."""
        caps = self._file.caps
        return Caps(fua=caps.fua, may_unmap=caps.may_unmap, zero_init=caps.zero_init, remote=caps.remote)

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Offset and size may change.  Raises OpenError where they do not fit the file."""
        self._take(rebind(self._options, options, changeable=("offset", "size")))

    def close(self) -> None:
        """The file is the graph's to close."""


def _check_range(options: RawOptions, available: int) -> None:
    offset, size = options.offset, options.size
    if offset > available:
        raise OpenError(f"Offset ({offset}) cannot be greater than size of the containing file ({available})")
    if size is None:
        return
    if size > available - offset:
        raise OpenError(
            f"The sum of offset ({offset}) and size ({size}) has to be smaller or equal to the "
            f" actual size of the containing file ({available})"
        )
    if size % SECTOR_SIZE:
        raise OpenError(f"Specified size is not multiple of {SECTOR_SIZE}")


def _check_head(head: bytes) -> None:
    """Judge a first sector by itself."""
    guessed = probe.guess(head, "")
    if guessed is not Raw:
        raise ProbedRawWrite(
            f"this image was only guessed to be raw, and the write would make it look like {guessed.name}; "
            "-f raw lifts the restriction"
        )
