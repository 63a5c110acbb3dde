"""What may have happened to bytes that differ: small functions over both sides' bytes, the best evidence first.

Each looks for one thing and returns None where it does not see it: no hint is better than a wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyqio.verify.hints import content, history, mapping
from pyqio.verify.hints.scene import Enough, Ground, Hint, Scene

__all__ = ["Enough", "Ground", "Hint", "Scene", "hints"]

_Look = Callable[[Scene], Hint | None]

_FIRST: Final[tuple[_Look, ...]] = (content.bit_flip, mapping.hidden, mapping.shared)
_UNLESS_CHANGED: Final[tuple[_Look, ...]] = (
    history.uneven,
    history.torn,
    history.lost,
    history.stale,
    history.trusted_side,
)
_LAST: Final[tuple[_Look, ...]] = (
    content.byte_swap,
    mapping.astray,
    mapping.backing,
    content.misdirected_read,
    content.misdirected_write,
    mapping.overwritten,
    mapping.zeroed,
)


def hints(scene: Scene) -> list[Hint]:
    """What most likely happened, and whether it happened after the bytes had been right; may be nothing."""
    later = history.changed(scene)
    looks = (*_FIRST, *(() if later else _UNLESS_CHANGED), *_LAST)
    found = next(filter(None, (_look(look, scene) for look in looks)), None)
    return [hint for hint in (found, later) if hint]


def _look(look: _Look, scene: Scene) -> Hint | None:
    try:
        return look(scene)
    except Enough:
        return None
