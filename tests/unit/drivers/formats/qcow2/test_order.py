"""What a power cut leaves: any image made of what was flushed and some of what was written since."""

from __future__ import annotations

import random

import pytest

from pyqio.base.errors import BlockError
from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, apply, findings

SECTOR = 512


def cut(file, rng):
    """The disk after a power cut: a prefix of the pending changes, or a random choice of them."""
    disk = bytearray(file.stable)
    pending = file.pending
    share = rng.choice([0.1, 0.5, 0.9])
    chosen = [change for change in pending if change[1] is None or rng.random() < share]
    for offset, data in rng.choice([pending[: rng.randint(0, len(pending))], chosen]):
        apply(disk, offset, data)
    return Recorder(bytes(disk))


def undercounted(opened):
    """What the check finds of counts that are too low."""
    return [finding for finding in findings(opened) if finding.startswith("ERROR cluster")]


def damaged(opened):
    """What the check finds that is worse than a leak."""
    return [finding for finding in findings(opened) if not finding.startswith("Leaked")]


class Workload:
    """Random requests, and for each sector the bytes that it may hold after a power cut."""

    def __init__(self, opened, rng, sectors, cluster):
        self.image = opened.image
        self.file = opened.file
        self.rng = rng
        self.sectors = sectors
        self.cluster = cluster
        self.allowed = [{0} for _ in range(sectors)]
        self.fill = 0

    def step(self):
        operation = self.rng.choice([self.write, self.write, self.pack, self.zero, self.discard, self.flush])
        start = self.rng.randrange(self.sectors)
        length = min(self.sectors - start, self.rng.choice([1, self.cluster, 3 * self.cluster]))
        if self.rng.random() < 0.6:
            start = start // self.cluster * self.cluster
            length = min(self.sectors - start, self.cluster)
        operation(start, length)

    def may_hold(self, start, length, byte):
        for sector in range(start, start + length):
            self.allowed[sector].add(byte)

    def write(self, start, length, *, compressed=False):
        self.fill = self.fill % 250 + 1
        self.may_hold(start, length, self.fill)
        self.image.pwrite(start * SECTOR, bytes([self.fill]) * length * SECTOR, compressed=compressed)

    def pack(self, start, length):
        start = start // self.cluster * self.cluster
        try:
            self.write(start, min(self.cluster, self.sectors - start), compressed=True)
        except BlockError:
            return

    def zero(self, start, length):
        self.may_hold(start, length, 0)
        self.image.zero(start * SECTOR, length * SECTOR, unmap=self.rng.random() < 0.5)

    def discard(self, start, length):
        self.may_hold(start, length, 0)
        self.image.discard(start * SECTOR, length * SECTOR)

    def flush(self, start, length):
        self.image.flush()
        data = self.image.pread(0, self.sectors * SECTOR)
        self.allowed = [{data[at]} for at in range(0, len(data), SECTOR)]

    def foreign(self, image):
        """Sectors of ``image`` that hold what they never could."""
        data = image.pread(0, self.sectors * SECTOR)
        found = (data[at : at + SECTOR] for at in range(0, len(data), SECTOR))
        return [n for n, bytes_ in enumerate(found) if len(set(bytes_)) > 1 or bytes_[0] not in self.allowed[n]]


@pytest.mark.parametrize("lazy", ["off", "on"])
@pytest.mark.parametrize("cluster_size", [512, 4096, 65536])
@pytest.mark.parametrize("seed", range(4))
def test_power_cut_at_any_write_leaves_a_sound_image(opened, seed, cluster_size, lazy):
    rng = random.Random(f"{seed} {cluster_size} {lazy}")
    sectors = 40 * cluster_size // SECTOR
    qcow2 = opened(sectors * SECTOR, cluster_size=cluster_size, lazy_refcounts=lazy)
    workload = Workload(qcow2, rng, sectors, cluster_size // SECTOR)
    damage = []

    def look():
        if rng.random() < 0.03:
            survivor = Opened(cut(qcow2.file, rng), discard="ignore")
            damage.extend(damaged(survivor) or workload.foreign(survivor.image))

    qcow2.file.on_change = look
    for _ in range(60):
        workload.step()
    qcow2.image.close()

    assert damage == []
    assert damaged(Opened(qcow2.file)) == []


def test_flush_when_clusters_are_new_flushes_counts_and_data_before_the_l2_table(opened):
    qcow2 = opened(1 << 20)
    order = []
    flush = qcow2.file.flush
    qcow2.file.on_change = lambda: order.append(qcow2.file.pending[-1][0] // 65536)
    qcow2.file.flush = lambda: (order.append("flush"), flush())

    qcow2.image.pwrite(0, b"x" * 65536)
    qcow2.image.flush()

    steps = [step for n, step in enumerate(order) if n == 0 or step != order[n - 1]]
    assert steps == [2, 5, 2, "flush", 4, "flush", 3, "flush"], "block, data, block; L2; L1"
