"""What a guest may find on its disk: the contents that each sector may have now, and after a power cut."""

from __future__ import annotations

SECTOR = 512
_ZERO = bytes(SECTOR)


def tagged(sector: int, operation: int) -> bytes:
    """Contents that say which sector they were written for, and by which operation."""
    return b"%08x %06x " % (sector, operation) * (SECTOR // 16)


def describe(contents: bytes) -> str:
    """What a sector holds, for a person to read."""
    if contents == _ZERO:
        return "zeroes"
    for sector, operation in [contents[:16].split()] if contents == contents[:16] * 32 else ():
        return f"sector {int(sector, 16)} of operation {int(operation, 16)}"
    return f"a mixture, {contents[:16]!r}..."


class Guest:
    """``live``: what the image holds.  ``flushed``: what it held when the last flush completed.

    ``later``: what else a sector may hold after a power cut.  ``sizes``: the sizes that it may have then.
    ``snapshots``: what each holds; ``kept_snapshots``: those that are there after a power cut.
    ``begun``: what the operation that is going on, or failed, is to put there.
    """

    def __init__(self, contents: bytes) -> None:
        self.live = bytearray(contents)
        self.flushed = bytes(contents)
        self.later: dict[int, set[bytes]] = {}
        self.begun: dict[int, set[bytes]] = {}
        self.sizes = {len(contents)}
        self.snapshots: dict[str, bytes] = {}
        self.kept_snapshots: dict[str, bytes] = {}

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.live)

    def may_become(self, offset: int, data: bytes) -> None:
        """An operation has begun that puts ``data``, whole sectors, at ``offset``."""
        for at in range(0, len(data), SECTOR):
            for future in (self.later, self.begun):
                future.setdefault((offset + at) // SECTOR, set()).add(data[at : at + SECTOR])

    def became(self, offset: int, data: bytes) -> None:
        """The operation is done."""
        self.live[offset : offset + len(data)] = data

    def may_resize(self, size: int, below: bytes) -> None:
        """A change of size has begun; what falls away may be zero, or what the backing file holds, in between."""
        self.sizes.add(size)
        if size < self.size:
            self.may_become(size, bytes(self.size - size))
            self.may_become(size, below[size : self.size])

    def resized(self, size: int) -> None:
        """The change of size is done."""
        del self.live[size:]
        self.live.extend(bytes(size - len(self.live)))

    def completed_flush(self) -> None:
        """All that is there now is there after a power cut."""
        self.flushed, self.later, self.sizes = bytes(self.live), {}, {self.size}
        self.kept_snapshots = dict(self.snapshots)

    def mistakes(self, found: bytes) -> list[str]:
        """What is wrong with the contents of an image after a power cut."""
        wrong = [] if len(found) in self.sizes else [f"size {len(found)}, may be {sorted(self.sizes)}"]
        flushed = self.flushed.ljust(len(found), b"\0")
        return wrong + [
            f"sector {sector} holds {describe(held)}, may hold {', '.join(map(describe, allowed))}"
            for sector, held, kept in _differing(found, flushed)
            if held not in (allowed := self.later.get(sector, set()) | {kept})
        ]

    def live_mistakes(self, found: bytes) -> list[str]:
        """What is wrong with the contents of the image that is open."""
        wrong = [] if len(found) in self.sizes else [f"size {len(found)}, may be {sorted(self.sizes)}"]
        return wrong + [
            f"sector {sector} holds {describe(held)}, not {describe(kept)}"
            for sector, held, kept in _differing(found, bytes(self.live).ljust(len(found), b"\0"))
            if held not in self.begun.get(sector, ())
        ]


def _differing(found: bytes, kept: bytes, step: int = 64 * SECTOR) -> list[tuple[int, bytes, bytes]]:
    """Sectors that differ: number, what is found, what was kept."""
    differing = []
    for start in range(0, len(found), step):
        if found[start : start + step] != kept[start : start + step]:
            for at in range(start, min(start + step, len(found)), SECTOR):
                held, was = found[at : at + SECTOR], kept[at : at + SECTOR]
                if held != was:
                    differing.append((at // SECTOR, held, was))
    return differing
