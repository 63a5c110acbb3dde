"""Hints from how the test side's format stores the bytes: wrong entries and bits, backing files, zeroes."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from pyqio.base.types import SECTOR_SIZE
from pyqio.verify.hints.scene import Enough, Hint, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.base.types import Extent
    from pyqio.verify.hints.scene import Scene


_FURTHEST: Final = 2**64
_BY_CHANCE: Final = 16
"""Zeroes in a row that mean nothing yet."""


def hidden(scene: Scene) -> Hint | None:
    """The bytes are where they belong, but the entry's bits say that they are not."""
    ground = scene.ground
    if ground.base is None or ground.kind == "data" or uniform(scene.cut(scene.raw)) == 0:
        return None
    inside = scene.run.start % ground.cluster
    if scene.run.start // ground.cluster != (scene.run.end - 1) // ground.cluster:
        return None
    if scene.read("host", ground.base + inside, scene.run.length) != scene.cut(scene.raw):
        return None
    where = f"raw's bytes are at host offset {ground.base + inside:#x}"
    if ground.subcluster:
        first, last = inside // ground.subcluster, (inside + scene.run.length - 1) // ground.subcluster
        which = _subclusters(first, last)
        return Hint("wrong subcluster bit", f"{where}, but the L2 entry's bits of {which} say {_said(ground.kind)}")
    return Hint("wrong zero flag", f"{where}, but the L2 entry says {_said(ground.kind)}")


def shared(scene: Scene) -> Hint | None:
    """Two guest offsets lead to one host offset."""
    ground = scene.ground
    if ground.kind != "data" or ground.host_offset is None or not ground.cluster:
        return None
    others = _others(ground.extents(), ground.host_offset, scene.run.start)
    if not others:
        return None
    start = scene.run.start - scene.run.start % ground.cluster
    other = others[0] - others[0] % ground.cluster
    host = ground.host_offset - scene.run.start % ground.cluster
    both = f"guest clusters {start:#x} and {other:#x} both lead to host offset {host:#x}"
    if scene.read("raw", others[0], scene.run.length) == scene.cut(scene.test):
        try:
            found = _own_bytes(scene)
        except Enough:
            found = None
        own = "" if found is None else f"; its own bytes are at {found:#x}"
        return Hint("wrong L2 entry", f"{both}, where {other:#x} belongs: the L2 entry of {start:#x} is wrong{own}")
    return Hint("shared cluster", f"{both}: a write to one of them has changed the other")


def astray(scene: Scene) -> Hint | None:
    """The cluster's own bytes are at a host offset that no entry leads to."""
    ground = scene.ground
    found = _own_bytes(scene)
    if found is None:
        return None
    leads = "to none" if ground.base is None else f"to {ground.base:#x}"
    return Hint(
        "wrong L2 entry", f"raw's bytes are at host offset {found:#x}, where no L2 entry leads: this one leads {leads}"
    )


def backing(scene: Scene) -> Hint | None:
    """The backing file shows through."""
    ground = scene.ground
    if ground.kind == "backing":
        return Hint("backing file", f"nothing is allocated here: the backing file {ground.backing_name} shows through")
    if not ground.backing_name or uniform(scene.test) is not None:
        return None
    if scene.read("backing", scene.area.start, len(scene.test)) != scene.test:
        return None
    return Hint("backing file", f"the test side holds the bytes of its backing file {ground.backing_name}")


def overwritten(scene: Scene) -> Hint | None:
    """A few bytes within a sector that agrees otherwise."""
    ground, run = scene.ground, scene.run
    if ground.kind != "data" or ground.host_offset is None or run.length >= SECTOR_SIZE:
        return None
    start, end = run.start - scene.area.start, run.end - scene.area.start
    around = scene.raw[:start] + scene.raw[end:]
    if around != scene.test[:start] + scene.test[end:] or len(around) < _BY_CHANCE:
        return None
    count = f"{run.length} {'byte' if run.length == 1 else 'bytes'}"
    where = f"at offset {ground.host_offset:#x} of {ground.host_name}"
    return Hint("overwritten", f"{count} of a sector that agrees otherwise: overwritten in place, {where}")


def zeroed(scene: Scene) -> Hint | None:
    """One side is zero where the other is not, for longer than by chance."""
    ground = scene.ground
    if scene.run.length < _BY_CHANCE:
        return None
    if uniform(scene.cut(scene.test)) == 0:
        said = {
            "unallocated": "the test side has nothing allocated here",
            "zero": "the entry of the test side says that it is zero",
            "data": "the test side has zeroes stored here",
        }
        return Hint("zeroed", said[ground.kind]) if ground.kind in said else None
    if uniform(scene.cut(scene.raw)) == 0:
        which = _whole(scene)
        return Hint("missed zero", f"the raw side is zero here: a discard or zeroes missed the test side{which}")
    return None


def _whole(scene: Scene) -> str:
    size = scene.ground.subcluster
    if not size or scene.run.start % size or scene.run.end % size:
        return ""
    first, last = (at % scene.ground.cluster // size for at in (scene.run.start, scene.run.end - 1))
    return f" ({_subclusters(first, last)})"


def _subclusters(first: int, last: int) -> str:
    return f"subcluster {first}" if first == last else f"subclusters {first} to {last}"


def _said(kind: str) -> str:
    return "that it is zero" if kind == "zero" else "that nothing is there"


def _others(extents: Sequence[Extent], host_offset: int, here: int) -> list[int]:
    """Guest offsets other than ``here`` whose bytes are at ``host_offset``."""
    found = []
    for extent in extents:
        if extent.host_offset is not None and extent.data:
            inside = host_offset - extent.host_offset
            if 0 <= inside < extent.length and extent.offset + inside != here:
                found.append(extent.offset + inside)
    return found


def _own_bytes(scene: Scene) -> int | None:
    """The only host offset of a cluster that no entry leads to and that holds what the raw side has."""
    size = scene.ground.cluster
    if not size:
        return None
    start = scene.run.start - scene.run.start % size
    wanted = scene.read("raw", start, size)
    if _agrees_elsewhere(wanted, scene.read("test", start, size)):
        return None
    extents = scene.ground.extents()
    if len(wanted) < size or uniform(wanted) == 0:
        return None
    used = _used(extents)
    found = []
    host = size
    head = wanted[:512]
    while piece := scene.read("host", host, len(head)):
        if piece == head and not _is_used(used, host) and scene.read("host", host, size) == wanted:
            found.append(host)
        host += size
    return found[0] if len(found) == 1 else None


def _agrees_elsewhere(raw: bytes, test: bytes) -> bool:
    """Whether a sector of the cluster has the same data on both sides: then they hold the same cluster."""
    starts = range(0, len(raw), SECTOR_SIZE)
    sectors = ((raw[at : at + SECTOR_SIZE], test[at : at + SECTOR_SIZE]) for at in starts)
    return any(ours == theirs and uniform(ours) != 0 for ours, theirs in sectors)


def _used(extents: Sequence[Extent]) -> list[tuple[int, int]]:
    """Where the host's bytes are in use: starts in order, and the furthest end of all ranges up to there."""
    found: list[tuple[int, int]] = []
    furthest = 0
    for start, end in sorted((e.host_offset, e.host_offset + e.length) for e in extents if e.host_offset is not None):
        furthest = max(furthest, end)
        found.append((start, furthest))
    return found


def _is_used(used: Sequence[tuple[int, int]], host: int) -> bool:
    """Whether host byte ``host`` is in use."""
    at = bisect_right(used, (host, _FURTHEST))
    return at > 0 and host < used[at - 1][1]
