"""New refcount blocks and a new refcount table, where the old ones are of no use.

They stand in clusters that nothing refers to, not even the old structures; the header leads to them when they are on
stable storage.  What the old ones took is leaked then, which the check that follows puts right.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError
from pyqio.drivers.formats.qcow2.checking.blocks import pack
from pyqio.drivers.formats.qcow2.layout import MAX_REFTABLE_BYTES

if TYPE_CHECKING:
    from pyqio.drivers.formats.qcow2.checking.metadata import Metadata
    from pyqio.drivers.formats.qcow2.checking.references import References


def rebuild(metadata: Metadata, references: References) -> None:
    """Write counts of all ``references``, and lead the header to them.  Raises BlockError; the image is as before."""
    geometry = metadata.geometry
    blocks, table, table_clusters = _plan(metadata, references)
    for index, cluster in blocks.items():
        _write_block(metadata, references, index, cluster)
    data = bytearray(table_clusters << geometry.cluster_bits)
    for index, cluster in blocks.items():
        data[index * 8 : index * 8 + 8] = (cluster << geometry.cluster_bits).to_bytes(8, "big")
    metadata.write(table << geometry.cluster_bits, data)
    metadata.update(refcount_table_offset=table << geometry.cluster_bits, refcount_table_clusters=table_clusters)


def _plan(metadata: Metadata, references: References) -> tuple[dict[int, int], int, int]:
    """Clusters for the blocks, by index, and for the table (first, number); all are counted in ``references``."""
    geometry, tally = metadata.geometry, references.tally
    blocks: dict[int, int] = {}
    beyond = references.beyond
    cursor, table, number = 1, 0, 0
    while True:
        missing = _missing_blocks(references, geometry.block_entries, blocks)
        for index in missing:
            blocks[index] = cursor = tally.find_free(cursor, 1, shunned=references.shunned)
            tally.put(cursor, 1)
        needed = geometry.clusters((max(blocks) + 1) * 8)
        if needed << geometry.cluster_bits > MAX_REFTABLE_BYTES:
            raise BlockError("ERROR allocating reftable: File too large", errno=errno.EFBIG)
        if needed > number:
            for cluster in range(table, table + number):
                tally.put(cluster, 0)
            table, number = tally.find_free(cursor, needed, shunned=references.shunned), needed
            tally.add(table, number)
        elif not missing:
            return blocks, table, number
        # The file will be longer, and hold what was past its end.
        end = max(table + number, max(blocks.values()) + 1)
        for first, length in beyond:
            if first + length <= end:
                tally.add(first, length)
        beyond = [(first, length) for first, length in beyond if first + length > end]


def _missing_blocks(references: References, per_block: int, blocks: dict[int, int]) -> list[int]:
    tally = references.tally
    referred = {
        index
        for found in tally.ranges()
        for index in range(found.start // per_block, (found.stop - 1) // per_block + 1)
    }
    return sorted(index for index in referred - blocks.keys() if any(tally.bytes(index * per_block, per_block)))


def _write_block(metadata: Metadata, references: References, index: int, cluster: int) -> None:
    geometry = metadata.geometry
    per_block = geometry.block_entries
    low, wide = (
        references.tally.bytes(index * per_block, per_block),
        references.tally.wide(index * per_block, per_block),
    )
    metadata.write(cluster << geometry.cluster_bits, pack(low, wide, geometry.refcount_bits))
