"""Sizes, bits and names of the qcow2 format that do not change from image to image, and those that one image has."""

from __future__ import annotations

from typing import Final

MAGIC: Final = 0x514649FB  # "QFI\xfb"
MIN_CLUSTER_BITS: Final = 9
MAX_CLUSTER_BITS: Final = 21
MIN_EXTENDED_BITS: Final = 14
MAX_REFCOUNT_ORDER: Final = 6
MAX_L1_BYTES: Final = 32 << 20
MAX_REFTABLE_BYTES: Final = 8 << 20
MAX_SNAPSHOTS: Final = 65536
MAX_BACKING_NAME: Final = 1023
INT64_MAX: Final = 2**63 - 1
MAX_HOST_OFFSET: Final = 1 << 56

# Entries of L1 and L2 tables.
COPIED: Final = 1 << 63
COMPRESSED: Final = 1 << 62
ZERO: Final = 1
OFFSET_MASK: Final = 0x00FF_FFFF_FFFF_FE00
SUBCLUSTERS: Final = 32
"""Parts of a cluster that an extended L2 entry describes one by one."""
SUB_ALLOCATED: Final = 0xFFFF_FFFF
SUB_ZERO: Final = SUB_ALLOCATED << 32
"""The two halves of an extended entry's second word: bit x, and bit 32 + x, speak of subcluster x."""

# Incompatible features.
DIRTY: Final = 1
CORRUPT: Final = 2
DATA_FILE: Final = 4
COMPRESSION_TYPE: Final = 8
EXTENDED_L2: Final = 16
KNOWN_INCOMPATIBLE: Final = DIRTY | CORRUPT | DATA_FILE | COMPRESSION_TYPE | EXTENDED_L2
# Compatible features.
LAZY_REFCOUNTS: Final = 1
# Encryption methods, and their names.
CRYPT_AES: Final = 1
CRYPT_LUKS: Final = 2
CRYPT_METHODS: Final = {CRYPT_AES: "aes", CRYPT_LUKS: "luks"}
# Autoclear features.
BITMAPS: Final = 1
RAW_DATA_FILE: Final = 2

FEATURE_NAMES: Final = (
    (0, 0, "dirty bit"),
    (0, 1, "corrupt bit"),
    (0, 2, "external data file"),
    (0, 3, "compression type"),
    (0, 4, "extended L2 entries"),
    (1, 0, "lazy refcounts"),
    (2, 0, "bitmaps"),
    (2, 1, "raw external data"),
)
"""(0 incompatible, 1 compatible, 2 autoclear; bit; name) of every feature that the specification names."""

SLICE_BYTES: Final = 65536
"""Tables are loaded and written in pieces of a cluster, or of this many bytes where clusters are larger."""


class Geometry:
    """What follows from an image's cluster size, refcount width and features.

    ``slice_entries``: L2 entries loaded at a time.  ``block_entries``: clusters that one refcount block counts.
    ``subcluster_size``: the finest grain of the mapping, a cluster unless L2 entries are ``extended``.
    ``host_mask``: the bits of an L2 entry any of which says that there is a host cluster.  In an external data file
    offset 0 is one like all others, and COPIED tells it from none.
    """

    __slots__ = (
        "block_entries",
        "cluster_bits",
        "cluster_mask",
        "cluster_size",
        "compressed_offset_mask",
        "compressed_sectors_mask",
        "compressed_shift",
        "extended",
        "external",
        "host_mask",
        "l2_bits",
        "l2_coverage",
        "refcount_bits",
        "refcount_max",
        "slice_bytes",
        "slice_entries",
        "subcluster_bits",
        "subcluster_mask",
        "subcluster_size",
        "version",
    )

    def __init__(
        self,
        *,
        cluster_bits: int,
        refcount_order: int,
        version: int,
        slice_bytes: int,
        extended: bool = False,
        external: bool = False,
    ) -> None:
        self.version = version
        self.extended = extended
        self.external = external
        self.host_mask = OFFSET_MASK | COPIED if external else OFFSET_MASK
        self.cluster_bits = cluster_bits
        self.cluster_size = 1 << cluster_bits
        self.cluster_mask = self.cluster_size - 1
        self.subcluster_bits = cluster_bits - (SUBCLUSTERS.bit_length() - 1 if extended else 0)
        self.subcluster_size = 1 << self.subcluster_bits
        self.subcluster_mask = self.subcluster_size - 1
        self.l2_bits = cluster_bits - (4 if extended else 3)
        self.l2_coverage = 1 << (self.l2_bits + cluster_bits)
        self.slice_bytes = slice_bytes
        self.slice_entries = self.slice_bytes // (16 if extended else 8)
        self.refcount_bits = 1 << refcount_order
        self.refcount_max = (1 << self.refcount_bits) - 1
        self.block_entries = self.cluster_size * 8 // self.refcount_bits
        self.compressed_shift = 62 - (cluster_bits - 8)
        self.compressed_offset_mask = (1 << self.compressed_shift) - 1
        self.compressed_sectors_mask = (1 << (cluster_bits - 8)) - 1

    def clusters(self, length: int) -> int:
        """Clusters that ``length`` bytes take, rounded up."""
        return -(-length >> self.cluster_bits)

    def l1_entries(self, size: int) -> int:
        """L1 entries that ``size`` guest bytes take."""
        return -(-size // self.l2_coverage)

    def compressed_range(self, entry: int) -> tuple[int, int]:
        """Host offset and byte length of the sectors that hold a compressed cluster."""
        offset = entry & self.compressed_offset_mask
        sectors = (entry >> self.compressed_shift & self.compressed_sectors_mask) + 1
        return offset, sectors * 512 - offset % 512


def hexadecimal(number: int) -> str:
    """As C's %#x prints it: 0 has no prefix."""
    return f"{number:#x}" if number else "0"
