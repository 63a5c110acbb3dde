"""Hints from what was done to the bytes: lost, torn, stale and missed writes, changes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.types import SECTOR_SIZE
from pyqio.verify.hints.scene import Hint, uniform

if TYPE_CHECKING:
    from pyqio.verify.hints.scene import Scene
    from pyqio.verify.journal import Operation


def uneven(scene: Scene) -> Hint | None:
    """The last change ended well on one side only."""
    last = next((o for o in reversed(scene.operations) if o.effect.changes), None)
    if last is None or (last.outcome.raw == "ok") == (last.outcome.test == "ok"):
        return None
    return Hint("failed write", f"{name(last)} ended with: raw side {last.outcome.raw}, test side {last.outcome.test}")


def changed(scene: Scene) -> Hint | None:
    """The bytes were alike after the last write to them."""
    changes = [at for at, operation in enumerate(scene.operations) if operation.effect.changes]
    later = scene.operations[changes[-1] + 1 if changes else 0 :]
    read = next((o for o in reversed(later) if o.effect.kind == "read" and _succeeded(o) and _covers(scene, o)), None)
    if read is not None:
        return Hint("changed", f"{name(read)} found both sides alike here: {_wrong_side(scene)} was changed later")
    if scene.changed and changes and _succeeded(last := scene.operations[changes[-1]]):
        return Hint("changed", f"{name(last)} wrote here, and {scene.changed}")
    return None


def _wrong_side(scene: Scene) -> str:
    """The side that does not hold what was put there last, as far as that is known."""
    last = _last_change(scene)
    if last is not None and _holds(scene, scene.raw, last):
        return "the test side"
    return "the raw side" if last is not None and _holds(scene, scene.test, last) else "one of them"


def torn(scene: Scene) -> Hint | None:
    """The last write reached the test side up to some sector only."""
    last = _last_change(scene)
    if last is None or not _holds(scene, scene.raw, last):
        return None
    start, end = last.effect.offset, last.effect.offset + last.effect.length
    if not start < scene.run.start < scene.run.end == end or scene.run.start % SECTOR_SIZE:
        return None
    if uniform(scene.cut(scene.test)) != _before(scene, last):
        return None
    sectors = (scene.run.start - start) // SECTOR_SIZE
    return Hint("torn write", f"{name(last)} reached the test side up to {scene.run.start:#x} only ({sectors} sectors)")


def lost(scene: Scene) -> Hint | None:
    """The test side holds what was there before the last write."""
    last = _last_change(scene)
    if last is None or not _holds(scene, scene.raw, last):
        return None
    held = uniform(scene.cut(scene.test))
    former = _former(scene, last)
    if held is None or held != _before(scene, last):
        return None
    was = f"what {name(former)} left" if former else "zeroes, as before it"
    verb = {"write": "lost write", "zero": "missed zero", "discard": "missed discard"}[last.effect.kind]
    return Hint(verb, f"{name(last)} did not reach the test side, which still holds {was}")


def stale(scene: Scene) -> Hint | None:
    """The test side holds what an older operation put there."""
    last = _last_change(scene)
    held = uniform(scene.cut(scene.test))
    if last is None or held is None or not _holds(scene, scene.raw, last):
        return None
    for older in reversed(_changes(scene)[:-1]):
        if _value(older) == held and _covers(scene, older):
            return Hint("stale data", f"the test side holds {held:#04x}, which {name(older)} put there: stale data")
    return None


def trusted_side(scene: Scene) -> Hint | None:
    """It is the raw side that does not hold what was written last."""
    last = _last_change(scene)
    if last is None or not _holds(scene, scene.test, last) or last.effect.kind == "discard":
        return None
    return Hint("raw side", f"the test side holds what {name(last)} put there; it is the raw side that does not")


def name(operation: Operation) -> str:
    """How a person is told of an operation."""
    return f"#{operation.number}" + (f" of {operation.session}" if operation.session else "")


def _changes(scene: Scene) -> list[Operation]:
    return [o for o in scene.operations if o.effect.changes and _succeeded(o)]


def _last_change(scene: Scene) -> Operation | None:
    """The last change of the bytes, where one byte is known to have been put all over them."""
    changes = _changes(scene)
    if not changes or not _covers(scene, changes[-1]) or _value(changes[-1]) is None:
        return None
    return changes[-1]


def _former(scene: Scene, last: Operation) -> Operation | None:
    changes = _changes(scene)
    return changes[-2] if len(changes) > 1 and changes[-1] is last else None


def _before(scene: Scene, last: Operation) -> int | None:
    """The byte that was everywhere in the run before ``last``: zero where nothing is known to have been written."""
    former = _former(scene, last)
    if former is None:
        return 0
    return _value(former) if _covers(scene, former) else None


def _holds(scene: Scene, data: bytes, operation: Operation) -> bool:
    return uniform(scene.cut(data)) == _value(operation)


def _value(operation: Operation) -> int | None:
    """The byte that the operation leaves; a discard that changed anything leaves zeroes."""
    return 0 if operation.effect.kind in ("zero", "discard") else operation.effect.fill


def _covers(scene: Scene, operation: Operation) -> bool:
    effect = operation.effect
    return effect.offset <= scene.run.start and scene.run.end <= effect.offset + effect.length


def _succeeded(operation: Operation) -> bool:
    return operation.outcome.text == "ok"
