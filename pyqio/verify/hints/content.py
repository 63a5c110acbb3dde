"""Hints from the bytes alone: flipped bits, swapped bytes, bytes that belong elsewhere."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from pyqio.base.types import SECTOR_SIZE
from pyqio.verify.hints.scene import Hint, uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.verify.hints.scene import Scene

_FEW_BITS: Final = 2
_SWAPPED: Final = 4
"""Differing bytes that make a swap more than a coincidence."""
_NEAR_SECTORS: Final = 64
_NEAR_CLUSTERS: Final = 32
_WORDS: Final = {2: "H", 4: "I", 8: "Q"}


def bit_flip(scene: Scene) -> Hint | None:
    """One bit differs, or two, and nothing else."""
    raw, test = scene.cut(scene.raw), scene.cut(scene.test)
    unlike = [(scene.run.start + at, a, b) for at, (a, b) in enumerate(zip(raw, test, strict=False)) if a != b]
    bits = sum((a ^ b).bit_count() for _, a, b in unlike[: _FEW_BITS + 1])
    if len(unlike) != scene.byte_count or not 0 < bits <= _FEW_BITS or len(unlike) > _FEW_BITS:
        return None
    offset, a, b = unlike[0]
    if bits == 1:
        return Hint("bit flip", f"bit {(a ^ b).bit_length() - 1} of byte {offset:#x} is flipped, and nothing else")
    places = ", ".join(f"{at:#x}" for at, _, _ in unlike)
    return Hint("bit flip", f"{bits} bits are flipped, at {places}, and nothing else")


def byte_swap(scene: Scene) -> Hint | None:
    """Words whose bytes are in the other order."""
    for width, code in _WORDS.items():
        start = (scene.run.start - scene.area.start) // width * width
        end = -(-(scene.run.end - scene.area.start) // width) * width
        raw, test = scene.raw[start:end], scene.test[start:end]
        if len(raw) % width or len(raw) != len(test):
            continue
        words = array(code, test)
        words.byteswap()
        if words.tobytes() == raw and sum(a != b for a, b in zip(raw, test, strict=True)) >= _SWAPPED:
            return Hint("byte swap", f"the test side has the bytes of each {8 * width}-bit word in the other order")
    return None


def misdirected_read(scene: Scene) -> Hint | None:
    """The test side holds what the raw side has at another offset."""
    found = _elsewhere(scene, "raw", scene.test)
    if found is None:
        return None
    return Hint(
        "misdirected read",
        f"the test side holds at {scene.area.start:#x} what guest offset {found:#x} should hold"
        f"{_distance(scene, found)}",
    )


def misdirected_write(scene: Scene) -> Hint | None:
    """The test side has at another offset what should be here, and should not be there."""
    found = _elsewhere(scene, "test", scene.raw)
    head = scene.raw[:SECTOR_SIZE]
    if found is None or scene.read("raw", found, len(head)) == head:
        return None
    return Hint(
        "misdirected write",
        f"what guest offset {scene.area.start:#x} should hold is at {found:#x} of the test side"
        f"{_distance(scene, found)}",
    )


def _distance(scene: Scene, found: int) -> str:
    distance, cluster = found - scene.area.start, scene.ground.cluster
    if cluster and distance % cluster == 0:
        here, there = scene.area.start // cluster, found // cluster
        return f" (misdirected: cluster {here} for cluster {there})"
    return f" (misdirected by {distance // SECTOR_SIZE:+d} sectors)"


def _elsewhere(scene: Scene, side: str, wanted: bytes) -> int | None:
    """The guest offset where ``side`` holds ``wanted``: the nearest, or the only one where it is a single byte.

    Where the whole of it is nowhere, its first sector counts: what follows may be the place that it went to.
    """
    value = uniform(wanted)
    if value == 0 or not wanted:
        return None
    if value is not None:
        found = set(_candidates(scene, side, wanted))
        return found.pop() if len(found) == 1 else None
    pieces = [wanted] if uniform(wanted[:SECTOR_SIZE]) is not None else [wanted, wanted[:SECTOR_SIZE]]
    return next((offset for piece in pieces for offset in _candidates(scene, side, piece)), None)


def _candidates(scene: Scene, side: str, wanted: bytes) -> Iterator[int]:
    start, size, cluster = scene.area.start, len(wanted), scene.ground.cluster
    if not cluster or start % cluster or size % cluster:
        reach = _NEAR_SECTORS * SECTOR_SIZE
        first = max(start % SECTOR_SIZE, start - reach)
        around = scene.read(side, first, min(start + reach + size, scene.length) - first)
        for distance in _distances(_NEAR_SECTORS, SECTOR_SIZE):
            at = start + distance - first
            if at >= 0 and around.startswith(wanted, at):
                yield start + distance
    for distance in _distances(_NEAR_CLUSTERS, cluster) if cluster else ():
        offset = start + distance
        if 0 <= offset <= scene.length - size and _matches(scene, side, offset, wanted):
            yield offset


def _matches(scene: Scene, side: str, offset: int, wanted: bytes) -> bool:
    """Whether ``side`` holds ``wanted`` at ``offset``; its first sector is looked at first."""
    head = wanted[:SECTOR_SIZE]
    return scene.read(side, offset, len(head)) == head and scene.read(side, offset, len(wanted)) == wanted


def _distances(count: int, grain: int) -> Iterator[int]:
    """``count`` steps to both sides, the nearest first."""
    for step in range(1, count + 1):
        yield step * grain
        yield -step * grain
