"""Random requests to an image, with a record of what the guest may find."""

from __future__ import annotations

import errno
import random
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, Unsupported
from tests.powercut.disk import SECTOR
from tests.powercut.geometry import Geometry, new_machine, random_geometry
from tests.powercut.guest import Guest, tagged

if TYPE_CHECKING:
    from pyqio.block.image import Image

_PREALLOCATIONS = ("off", "off", "off", "metadata", "falloc", "full")


class Wrong(Exception):
    """Something that must not be: the reason is the first argument, in a line."""


class Workload:
    """One image and ``operations`` requests to it, all chosen by ``seed``.  ``history`` has those that began."""

    def __init__(self, seed: object, operations: int = 60) -> None:
        self.rng = random.Random(f"power cut {seed}")
        self.geometry: Geometry = random_geometry(self.rng)
        self.machine = new_machine(self.geometry)
        self.below = self.geometry.backing or b""
        self.guest = Guest(self.below[: self.geometry.size].ljust(self.geometry.size, b"\0"))
        self.history: list[str] = []
        self.operations = operations
        self.snapshots = (
            self.rng.random() < 0.5 and not self.geometry.bitmap and "data_file" not in self.geometry.create
        )
        self.closed = False
        self.image: Image = self.machine.open()

    def run(self) -> None:
        """Do all of it, and close the image.  Raises Wrong where the open image shows what it should not."""
        for _ in range(self.operations):
            self.step()
        self._close()

    def step(self) -> None:
        """One request."""
        choices = [self._write] * 5 + [self._pack] * 2 + [self._zero] * 3 + [self._discard] * 2
        choices += [self._flush] * 2 + [self._truncate, self._reopen]
        if self.snapshots:
            choices += [self._snapshot, self._apply, self._delete]
        operation = self.rng.choice(choices)
        self.guest.begun.clear()
        operation(*self._range())
        if self.geometry.writethrough and operation in (self._write, self._zero):
            self.guest.completed_flush()

    def _range(self) -> tuple[int, int]:
        """Offset and length, in whole sectors; both often at the borders of clusters."""
        cluster = self.geometry.cluster_size
        size = max(self.guest.size, SECTOR)
        offset = self.rng.randrange(size // SECTOR) * SECTOR
        length = self.rng.choice([SECTOR, 8 * SECTOR, cluster, 3 * cluster, 9 * cluster])
        if self.rng.random() < 0.5:
            offset -= offset % cluster
        return offset, min(length, 3 << 20, self.guest.size - offset)

    def _begin(self, what: str, offset: int, length: int) -> None:
        self.history.append(f"{what} {offset:#x} {length:#x}")

    def _write(self, offset: int, length: int) -> None:
        self._begin("write", offset, length)
        data = self._data(offset, length)
        self.guest.may_become(offset, data)
        self.image.pwrite(offset, data)
        self.guest.became(offset, data)

    def _data(self, offset: int, length: int) -> bytes:
        number = len(self.history) + 1
        return b"".join(tagged(n, number) for n in range(offset // SECTOR, (offset + length) // SECTOR))

    def _pack(self, offset: int, length: int) -> None:
        cluster = self.geometry.cluster_size
        offset -= offset % cluster
        length = min(max(length // cluster * cluster, cluster), self.guest.size - offset)
        if "data_file" in self.geometry.create:
            return
        self._begin("write -c", offset, length)
        data = self._data(offset, length)
        self.guest.may_become(offset, data)
        try:
            self.image.pwrite(offset, data, compressed=True)
        except BlockError:  # where something is stored already, which is as it should be
            self._look(offset, data)
        else:
            self.guest.became(offset, data)

    def _zero(self, offset: int, length: int) -> None:
        unmap = self.rng.random() < 0.5
        self._begin("write -zu" if unmap else "write -z", offset, length)
        self.guest.may_become(offset, bytes(length))
        self.image.zero(offset, length, unmap=unmap)
        self.guest.became(offset, bytes(length))

    def _discard(self, offset: int, length: int) -> None:
        self._begin("discard", offset, length)
        self.guest.may_become(offset, bytes(length))
        self.image.discard(offset, length)
        self._look(offset, bytes(length))

    def _look(self, offset: int, data: bytes) -> None:
        """See which sectors became ``data``; the others must be what they were."""
        found = self.image.pread(offset, len(data))
        for at in range(0, len(data), SECTOR):
            if found[at : at + SECTOR] == data[at : at + SECTOR]:
                self.guest.became(offset + at, data[at : at + SECTOR])

    def _flush(self, offset: int, length: int) -> None:
        self._begin("flush", 0, 0)
        self.image.flush()
        self.guest.completed_flush()
        self.compare()

    def compare(self) -> None:
        """Raise Wrong where the open image holds what it should not."""
        if mistakes := self.guest.live_mistakes(self.image.pread(0, self.image.length())):
            raise Wrong(f"the open image: {'; '.join(mistakes[:3])}")

    def _truncate(self, offset: int, length: int) -> None:
        sectors = self.guest.size // SECTOR
        size = self.rng.choice([sectors // 2, sectors - 1, sectors + 1, sectors * 3 // 2, sectors * 2]) * SECTOR
        size = max(SECTOR if self.geometry.bitmap else 0, min(size, 2 * self.geometry.size))
        prealloc = self.rng.choice(_PREALLOCATIONS) if size > self.guest.size else "off"
        if "encrypt.format" in self.geometry.create:
            prealloc = "off"
        self._begin(f"truncate -m {prealloc}", size, 0)
        self.guest.may_resize(size, self.below)
        try:
            self.image.truncate(size, prealloc=prealloc)
        except Unsupported:  # version 2 over a backing file
            return
        self.guest.resized(size)

    def _snapshot(self, offset: int, length: int) -> None:
        name = f"at {len(self.history)}"
        self.history.append(f"snapshot -c '{name}'")
        try:
            self.image.snapshot_create(name)
        except BlockError as error:
            if error.errno != errno.EINVAL:  # the counts are too narrow for one more reference
                raise
            return
        self.guest.snapshots[name] = bytes(self.guest.live)

    def _apply(self, offset: int, length: int) -> None:
        if not self.guest.snapshots:
            return
        name, contents = self.rng.choice(list(self.guest.snapshots.items()))
        self.history.append(f"snapshot -a '{name}'")
        self.guest.may_resize(len(contents), self.below)
        self.guest.may_become(0, contents)
        try:
            self.image.snapshot_apply(name)
        except BlockError as error:
            if error.errno != errno.EINVAL:  # as above
                raise
            return
        self.guest.resized(len(contents))
        self.guest.became(0, contents)

    def _delete(self, offset: int, length: int) -> None:
        if not self.guest.snapshots:
            return
        name = self.rng.choice(list(self.guest.snapshots))
        self.history.append(f"snapshot -d '{name}'")
        self.guest.kept_snapshots.pop(name, None)
        self.image.snapshot_delete(name)
        del self.guest.snapshots[name]

    def _reopen(self, offset: int, length: int) -> None:
        self._close()
        self.history.append("open")
        self.image = self.machine.open()
        self.closed = False
        self.compare()

    def _close(self) -> None:
        self.history.append("close")
        self.closed = True
        self.image.close()
        self.guest.completed_flush()
