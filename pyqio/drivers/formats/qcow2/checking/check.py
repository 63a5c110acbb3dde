"""Checking an image and repairing it, with the counts, the words and the order of ``qemu-img check``.

A repair leaves the image no worse than it was wherever it is cut off::

    counts in place        one write a piece; a count that is wrong is replaced by the right one
    all counts anew        new blocks and a new table in free clusters -> header leads to them -> old ones are free
    COPIED flags           when the counts are in the file
    snapshot table         a copy in free clusters -> header leads to it -> the old one is free
    dirty, corrupt bits    last, when nothing is wrong any more

Each arrow, and each line after the first, is a flush of the file.
"""

from __future__ import annotations

import errno
from itertools import chain, compress
from typing import TYPE_CHECKING, Final, NoReturn

from pyqio.base.errors import BlockError, CorruptError, FormatError
from pyqio.base.types import CheckResult
from pyqio.drivers.formats.qcow2 import layout, overlap
from pyqio.drivers.formats.qcow2.checking.blocks import Blocks
from pyqio.drivers.formats.qcow2.checking.metadata import Findings, Metadata
from pyqio.drivers.formats.qcow2.checking.references import References, reftable_of
from pyqio.drivers.formats.qcow2.checking.snapshot_table import SnapshotTable, read_table
from pyqio.drivers.formats.qcow2.checking.tally import MANY
from pyqio.drivers.formats.qcow2.header import parse_file
from pyqio.drivers.formats.qcow2.overlap import Overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyqio.block.node import Node
    from pyqio.drivers.formats.qcow2.header import Header

LEAKS: Final = "leaks"
ALL: Final = "all"


def check(
    file: Node,
    header: Header,
    *,
    fix: str,
    report: Callable[[str], None],
    advance: Callable[[int], None] = lambda length: None,
) -> CheckResult:
    """Check the image in ``file``, which nobody else may hold tables of.

    ``fix``: "", "leaks" or "all".  ``report`` is told of every finding, a line each, ``advance`` of the guest bytes
    that each L2 table is about.
    Raises BlockError where the check cannot be carried through.
    """
    return _Check(Metadata(file, header), Findings(report, advance), fix).run()


def repair_dirty(file: Node, header: Header, report: Callable[[str], None]) -> Header:
    """Repair an image that was not closed; returns its header as it is then.  Raises FormatError."""
    try:
        result = check(file, header, fix=ALL, report=report)
    except BlockError as error:
        raise FormatError(f"Could not repair dirty image: {error.strerror}", errno=error.errno) from error
    if result.check_errors:
        raise FormatError("Could not repair dirty image: Input/output error", errno=errno.EIO)
    return parse_file(file, writable=True)


class _Check:
    def __init__(self, metadata: Metadata, findings: Findings, fix: str) -> None:
        self._metadata = metadata
        self._findings = findings
        self._fix = fix
        self._snapshots = SnapshotTable(0)
        self._highest = 0
        self._differ = False
        self._owners: Overlap | None = None

    def run(self) -> CheckResult:
        findings, metadata = self._findings, self._metadata
        self._snapshots = read_table(metadata, findings, repair=self._fix == ALL)
        self._count()
        before = findings.corruptions, findings.leaks
        broken = self._references.broken | self._compare("")
        if broken and self._fix == ALL:
            self._rebuild()
        elif self._fix:
            if broken:
                findings.report("ERROR need to rebuild refcount structures")
                raise BlockError(errno=errno.EIO)
            if findings.corruptions or findings.leaks:
                findings.corruptions, findings.leaks = before
                self._compare(self._fix)
        self._check_flags()
        self._settle_snapshots()
        if self._fix:
            self._settle_bits()
        return self._result()

    def _result(self) -> CheckResult:
        findings, geometry = self._findings, self._metadata.geometry
        return CheckResult(
            corruptions=findings.corruptions,
            leaks=findings.leaks,
            check_errors=findings.errors,
            corruptions_fixed=findings.corruptions_fixed,
            leaks_fixed=findings.leaks_fixed,
            image_end_offset=self._highest + 1 << geometry.cluster_bits,
            total_clusters=geometry.clusters(self._metadata.fields.size),
            allocated_clusters=findings.allocated,
            fragmented_clusters=findings.fragmented,
            compressed_clusters=findings.compressed,
        )

    def _count(self) -> None:
        """Count all references, as the file has them now."""
        metadata, self._owners = self._metadata, None
        reftable = reftable_of(metadata)
        repair = self._fix == ALL
        self._references = References(metadata, self._findings, clear_entry=self._clear_entry if repair else None)
        self._references.count_all(self._snapshots, reftable, repair=repair)
        self._blocks = Blocks(metadata.file, metadata.geometry, reftable)

    def _compare(self, fix: str) -> bool:
        """Hold the counts in the file against the references; returns whether a count is missing where one is due.

        ``fix``: which of them are to be corrected.
        """
        tally, blocks, limit = self._references.tally, self._blocks, self._references.clusters
        self._highest = 0
        self._differ = missing = False
        for first in self._piece_starts(limit):
            number = min(blocks.piece_clusters, limit - first)
            try:
                piece = blocks.piece(first)
            except BlockError as error:
                self._report_unreadable(range(first, first + number), error)
                continue
            wanted, found = tally.bytes(first, number), piece.low[:number]
            used = max(len(wanted.rstrip(b"\0")), len(found.rstrip(b"\0")))
            self._highest = max(self._highest, first + used - 1)
            if wanted == found and MANY not in found:
                continue
            for index in range(number):
                if wanted[index] != found[index] or found[index] == MANY:
                    count, references = piece.get(index), tally.get(first + index)
                    if count != references:
                        missing |= not count
                        self._correct(first + index, count, references, fix)
        if fix:
            blocks.write_back()
            self._metadata.file.flush()
        return missing

    def _piece_starts(self, limit: int) -> Iterator[int]:
        """The first clusters of the pieces in which a count may not be 0."""
        per_block, step = self._metadata.geometry.block_entries, self._blocks.piece_clusters
        table = self._blocks.table
        counted = (
            range(index * per_block, min((index + 1) * per_block, limit), step)
            for index in compress(range(min(len(table), -(-limit // per_block))), table)
        )
        referred = (range(found.start // step * step, found.stop, step) for found in self._references.tally.ranges())
        return iter(sorted(set(chain(*counted, *referred))))

    def _correct(self, cluster: int, count: int, references: int, fix: str) -> None:
        findings = self._findings
        leaked = count > references
        fixed = bool(fix) and bool(count) and (leaked or fix == ALL)
        verb = "Repairing" if fixed else "Leaked" if leaked else "ERROR"
        findings.report(f"{verb} cluster {cluster} refcount={count} reference={references}")
        if fixed:
            self._blocks.put(cluster, references)
            findings.leaks_fixed += leaked
            findings.corruptions_fixed += not leaked
        else:
            self._differ = True
            findings.leaks += leaked
            findings.corruptions += not leaked

    def _report_unreadable(self, clusters: range, error: BlockError) -> None:
        if not self._findings.errors:
            self._mark_corrupt(error.message)
        self._differ = True
        for cluster in clusters:
            self._findings.errors += 1
            self._findings.report(f"Can't get refcount for cluster {cluster}: {error.strerror}")

    def _rebuild(self) -> None:
        from pyqio.drivers.formats.qcow2.checking.rebuild import rebuild

        findings = self._findings
        found = findings.corruptions, findings.leaks
        findings.report("Rebuilding refcount structure")
        rebuild(self._metadata, self._references)
        findings.corruptions = findings.leaks = findings.errors = 0
        findings.forget_clusters()
        self._count()
        fixed = findings.leaks_fixed
        if self._references.broken | self._compare(LEAKS):
            findings.report("ERROR rebuilt refcount structure is still broken")
            raise BlockError(errno=errno.EIO)
        findings.corruptions_fixed += max(0, found[0] - findings.corruptions)
        findings.leaks_fixed = fixed + max(0, found[1] - findings.leaks)

    def _check_flags(self) -> None:
        references, findings = self._references, self._findings
        if references.copied and references.tally.single and not self._differ:
            return
        from pyqio.drivers.formats.qcow2.checking.copied import check_copied

        sound = not (findings.errors or findings.corruptions or findings.leaks)
        repair = self._fix == ALL or (self._fix == LEAKS and sound)
        check_copied(self._metadata, findings, self._blocks, self._guard() if repair else None)

    def _settle_snapshots(self) -> None:
        """Write the snapshot table as it should be."""
        table, findings, metadata = self._snapshots, self._findings, self._metadata
        if not table.repairs:
            return
        if self._fix != ALL:
            findings.corruptions += table.repairs
            return
        data, bits = table.encode(), metadata.geometry.cluster_bits
        first = self._take(metadata.geometry.clusters(len(data)))
        metadata.write(first << bits, data)
        metadata.update(snapshots_offset=first << bits, nb_snapshots=len(table.snapshots))
        if table.counted:
            for cluster in range(table.offset >> bits, metadata.geometry.clusters(table.offset + table.length)):
                self._blocks.put(cluster, max(0, self._blocks.get(cluster) - 1))
        self._blocks.write_back()
        findings.corruptions_fixed += table.repairs

    def _take(self, number: int) -> int:
        """The first of ``number`` clusters in a row that are free, and counted from now on."""
        first = self._references.tally.find_free(1, number, shunned=self._references.shunned)
        per_block = self._metadata.geometry.block_entries
        for cluster in range(first, first + number):
            if not self._blocks.offset(cluster // per_block):
                raise BlockError("ERROR failed to update snapshot table: No space left on device", errno=errno.ENOSPC)
            self._blocks.put(cluster, 1)
        self._highest = max(self._highest, first + number - 1)
        self._blocks.write_back()
        return first

    def _settle_bits(self) -> None:
        """Nothing is wrong any more: say so in the header."""
        findings, features = self._findings, self._metadata.fields.incompatible_features
        marks = layout.DIRTY | layout.CORRUPT
        if features & marks and not (findings.corruptions or findings.errors):
            self._metadata.update(incompatible_features=features & ~marks)
        self._metadata.file.flush()

    def _clear_entry(self, host_offset: int) -> bool:
        """Make an L2 entry one that reads as zeroes and has no cluster."""
        width = self._metadata.entry_bytes
        try:
            self._guard().check(host_offset, width, overlap.ACTIVE_L2)
        except CorruptError:
            self._findings.report("ERROR: Overlap check failed")
            self._findings.errors += 1
            return False
        if width == 8:
            self._metadata.write(host_offset, layout.ZERO.to_bytes(8, "big"))
        else:
            self._metadata.write(host_offset, bytes(8) + b"\xff" * 4 + bytes(4))
        return True

    def _guard(self) -> Overlap:
        """Who owns the metadata, so that the repair of one table does not destroy another one."""
        if self._owners is None:
            self._owners = self._find_owners()
        return self._owners

    def _find_owners(self) -> Overlap:
        metadata, snapshots = self._metadata, self._snapshots
        fields, geometry, end = metadata.fields, metadata.geometry, metadata.file.length()
        guard = Overlap(geometry.cluster_bits, overlap.TEMPLATES["cached"], self._refuse)

        def claim(offset: int, length: int, section: int) -> None:
            guard.claim(offset, max(0, min(length, end - offset)), section)

        claim(0, geometry.cluster_size, overlap.MAIN_HEADER)
        claim(fields.l1_table_offset, fields.l1_size * 8, overlap.ACTIVE_L1)
        tables = (entry & layout.OFFSET_MASK for _, entry in metadata.entries(fields.l1_table_offset, fields.l1_size))
        guard.claim_clusters(filter(None, tables), overlap.ACTIVE_L2)
        reftable = reftable_of(metadata)
        claim(fields.refcount_table_offset, len(reftable) * 8, overlap.REFCOUNT_TABLE)
        guard.claim_clusters((entry & ~0x1FF for entry in filter(None, reftable)), overlap.REFCOUNT_BLOCK)
        claim(snapshots.offset, snapshots.length, overlap.SNAPSHOT_TABLE)
        for snapshot in snapshots.snapshots:
            if snapshot.fields.l1_size * 8 <= layout.MAX_L1_BYTES:
                claim(snapshot.fields.l1_table_offset, snapshot.fields.l1_size * 8, overlap.INACTIVE_L1)
        return guard

    def _refuse(self, message: str) -> NoReturn:
        self._mark_corrupt(message)
        raise CorruptError

    def _mark_corrupt(self, message: str) -> None:
        metadata, report = self._metadata, self._findings.report
        if not self._fix:
            report(f"qcow2: Image is corrupt: {message}; further non-fatal corruption events will be suppressed")
            return
        report(f"qcow2: Marking image as corrupt: {message}; further corruption events will be suppressed")
        if metadata.fields.version > 2:
            metadata.update(incompatible_features=metadata.fields.incompatible_features | layout.CORRUPT)
