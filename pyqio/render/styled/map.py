"""The map of an image: where each range lies in the whole, drawn to scale.

    offset         size  state
    0x0          64 KiB  allocated    ██
    0x10000     960 KiB  unallocated    ██████████████████████████████

There are no bars where there is no room for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.render.figures import human_size
from pyqio.render.styled.glyphs import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.commands.results import Map
    from pyqio.render.styled.theme import Theme

_STATES: Final = ("unallocated", "allocated")
_SIZE: Final = 14
_LEAST_BAR: Final = 10
_MOST_BAR: Final = 64


def map_lines(result: Map, theme: Theme, columns: int, *, unicode: bool) -> Iterator[str]:
    """A heading and a line for each range; lines have their ends."""
    runs = list(result.runs)
    if not runs:
        yield f"{theme.paint(theme.dim, 'The image is empty.')}\n"
        return
    end = runs[-1][0] + runs[-1][1]
    digits = max(len("offset"), len(f"{end:#x}"))
    room = min(columns - digits - _SIZE - 2 - len(_STATES[0]) - 3, _MOST_BAR)
    bars = _Bars(end, room if room >= _LEAST_BAR else 0, FULL[unicode])
    yield theme.paint(theme.heading, f"{'offset':<{digits}}{'size':>{_SIZE}}  state") + "\n"
    styles = (theme.unallocated, theme.data)
    for offset, length, allocated in runs:
        state = theme.paint(styles[allocated], f"{_STATES[allocated]:<11}{bars.bar(offset, length)}".rstrip())
        yield f"{theme.offset}{offset:<#{digits}x}{theme.reset}{human_size(length):>{_SIZE}}  {state}\n"


class _Bars:
    """Ranges of ``end`` bytes, drawn in ``room`` columns."""

    def __init__(self, end: int, room: int, glyph: str) -> None:
        self._end = end
        self._room = room
        self._glyph = glyph

    def bar(self, offset: int, length: int) -> str:
        """At least one column, however short the range is."""
        if not self._room:
            return ""
        start = min(offset * self._room // self._end, self._room - 1)
        stop = max(-(-(offset + length) * self._room // self._end), start + 1)
        return "  " + " " * start + self._glyph * (stop - start)
