"""Plain values that travel between the floors: request flags, permissions, extents, limits, capabilities."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from pyqio.base.record import Record

# Request flags.  Plain integers: they are tested several times a request, and IntFlag costs 0.3 us a test.
FUA: Final = 1  # the data is on stable storage before the request completes
MAY_UNMAP: Final = 2  # pwrite_zeroes: the range may become a hole
NO_FALLBACK: Final = 4  # pwrite_zeroes: fail with ENOTSUP rather than write a buffer of zeroes
COMPRESSED: Final = 8  # pwrite: store the data compressed

# Permissions that a user of a node takes or shares.  The numbers are part of QEMU's image locking: bit b is
# the byte 100 + b (taken) and 200 + b (not shared) of a locked file, as seen with F_OFD_GETLK on its images.
PERM_CONSISTENT_READ: Final = 1
PERM_WRITE: Final = 2
PERM_WRITE_UNCHANGED: Final = 4
PERM_RESIZE: Final = 8
PERM_ALL: Final = 15

SECTOR_SIZE: Final = 512


class Role(Enum):
    """What a driver is to the graph."""

    PROTOCOL = "protocol"
    FORMAT = "format"
    FILTER = "filter"


class Scheduling(Enum):
    """SERIAL: the node holds its lock for each request.  PARALLEL: the driver guards its own state."""

    SERIAL = "serial"
    PARALLEL = "parallel"


class ChildRole(Enum):
    """What a child is to its parent; decides which permissions the parent takes on it.

    IMAGE: holds the parent's metadata and data.  DATA: holds data and nothing else.  FILTERED: seen through,
    permissions pass on.  BACKING: read where the parent has nothing; never written.
    """

    IMAGE = "image"
    DATA = "data"
    FILTERED = "filtered"
    BACKING = "backing"


class Run(NamedTuple):
    """Bytes from ``start`` to ``end``, the end exclusive."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.start


class Extent(NamedTuple):
    """The state of ``length`` guest bytes from ``offset``.

    ``data``: there are stored bytes.  ``zero``: reads as zeroes.  ``allocated``: this layer decides what is read
    (False: the backing file is seen).  ``host_offset``: byte offset in the child where the first byte is stored
    as it is, None where there is no such place (hole, compressed).
    """

    offset: int
    length: int
    data: bool
    zero: bool
    allocated: bool
    host_offset: int | None = None


class Location(Record):
    """Where a driver keeps one guest byte.

    ``kind``: data, zero, compressed, unallocated, or a driver's own word.  ``child``: key of the child that holds
    the byte, None where no child does.  ``host_offset``: its byte offset in that child, None where it is not stored as
    it is.  ``detail``: the way there in the format's own terms (``L1[0] L2[3] = 0x8000000000050000``), or "".
    """

    kind: str
    child: str | None = None
    host_offset: int | None = None
    detail: str = ""


class SnapshotInfo(Record):
    """What a format keeps of one internal snapshot: the disk, and perhaps a machine's state, as they were.

    ``date_seconds``, ``date_ns``: when it was taken, since 1970 UTC.  ``vm_clock_ns``: for how long the machine had
    run.  ``vm_state_size`` and ``disk_size`` are bytes.  ``icount``: instructions that it had run, None where unknown.
    """

    id: str
    name: str
    date_seconds: int
    date_ns: int
    vm_clock_ns: int
    vm_state_size: int
    disk_size: int
    icount: int | None


class Limits(Record):
    """What a driver can take in one request; bytes everywhere, 0 means no limit.

    ``request_alignment``: power of two that offset and length of every request are multiples of.
    ``pwrite_zeroes_alignment``, ``pdiscard_alignment``: grain in which the driver works best.
    """

    request_alignment: int = 1
    max_transfer: int = 0
    pwrite_zeroes_alignment: int = 0
    max_pwrite_zeroes: int = 0
    pdiscard_alignment: int = 0
    max_pdiscard: int = 0
    memory_alignment: int = 1


class Caps(Record):
    """What a driver does by itself; the node emulates the rest.

    ``fua``: pwrite and pwrite_zeroes honour FUA.  ``growable``: a write past the end makes the node longer.
    ``may_unmap``: pwrite_zeroes honours MAY_UNMAP.  ``zero_init``: what was never written reads as zeroes.
    ``compressed``: pwrite honours COMPRESSED.  ``remote``: a request costs a round trip over a network.
    """

    fua: bool = False
    growable: bool = False
    may_unmap: bool = False
    zero_init: bool = False
    compressed: bool = False
    remote: bool = False


class CheckResult(Record):
    """What the check of an image found, and what it repaired.

    ``corruptions``: references that cannot be served, and counts that are too low.  ``leaks``: host clusters whose
    count is too high.  ``check_errors``: what could not be looked at.  ``image_end_offset``: bytes up to the last host
    cluster in use.  The other fields are guest clusters; ``total_clusters``: of the whole image.
    """

    corruptions: int = 0
    leaks: int = 0
    check_errors: int = 0
    corruptions_fixed: int = 0
    leaks_fixed: int = 0
    image_end_offset: int = 0
    total_clusters: int = 0
    allocated_clusters: int = 0
    fragmented_clusters: int = 0
    compressed_clusters: int = 0


class Cache(Record):
    """A cache mode, taken apart as QEMU's -t does.

    ``writeback``: False makes every write wait until it is on stable storage.  ``direct``: O_DIRECT.
    ``no_flush``: flushes are ignored.
    """

    writeback: bool = False
    direct: bool = False
    no_flush: bool = False


CACHE_MODES: Final = {
    "none": Cache(writeback=True, direct=True),
    "off": Cache(writeback=True, direct=True),
    "directsync": Cache(direct=True),
    "writeback": Cache(writeback=True),
    "unsafe": Cache(writeback=True, no_flush=True),
    "writethrough": Cache(),
}
"""Names of -t and ``open -t`` (qemu-io(1)); "off" is QEMU's old name of "none"."""


class OpenFlags(Record):
    """How a node is opened; a parent hands its own down to its children.

    ``auto_read_only``: fall back to read-only where the host refuses writing.  ``discard``: "unmap" passes
    discards on, "ignore" drops them.  ``aio`` and ``force_share`` as in qemu-io(1).
    ``probed``: the format was guessed, not named.  ``checking``: to be checked, and for nothing else: a damaged image
    is neither repaired nor refused, and of what it names nothing is opened.
    """

    read_only: bool = False
    auto_read_only: bool = False
    cache: Cache = Cache()
    force_share: bool = False
    discard: str = "ignore"
    detect_zeroes: str = "off"
    aio: str = "threads"
    probed: bool = False
    checking: bool = False
