"""A disk drawn as a strip: what is allocated, and where the sides of a pair differ."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.base.types import Extent, Run

_CELLS: Final = 480
_CELL: Final = 2
_HEIGHT: Final = 22
_LEFT: Final = 60
_MOST: Final = 100_000
"""Extents that are looked at; a strip of this width shows no more."""


def allocation(extents: Iterable[Extent], length: int) -> list[str]:
    """What each cell is: data or some (less than half of it), else mostly zero, or none (not allocated)."""
    weights = [{"data": 0, "zero": 0, "none": 0} for _ in range(_CELLS)]
    for _, extent in zip(range(_MOST), extents, strict=False):
        state = "data" if extent.data else "zero" if extent.allocated else "none"
        for cell, part in _spread(extent.offset, extent.offset + extent.length, length):
            weights[cell][state] += part
    return [_state(weight) for weight in weights]


def _state(weight: dict[str, int]) -> str:
    if not any(weight.values()):
        return ""
    state = max(weight, key=weight.__getitem__)
    return "some" if weight["data"] and state != "data" else state


def differing(runs: Iterable[Run], length: int) -> list[str]:
    """Which cells a differing run touches."""
    cells = [""] * _CELLS
    for run in runs:
        for cell, _ in _spread(run.start, run.end, length):
            cells[cell] = "differ"
    return cells


def drawn(strips: Sequence[tuple[str, list[str]]], length: int) -> Iterator[str]:
    """One strip below the other, each behind its name."""
    width, height = _LEFT + _CELLS * _CELL, (_HEIGHT + 6) * len(strips)
    yield f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="map of the disk">\n'
    for number, (name, cells) in enumerate(strips):
        top = number * (_HEIGHT + 6)
        yield f'<text x="0" y="{top + 15}">{name}</text>\n'
        at = 0
        for state, group in groupby(cells):
            count = len(list(group))
            if state:
                start, end = (cell * length // _CELLS for cell in (at, at + count))
                place = f'x="{_LEFT + at * _CELL}" y="{top}" width="{count * _CELL}" height="{_HEIGHT}"'
                yield f'<rect class="s-{state}" {place}><title>{start:#x} to {end:#x}: {state}</title></rect>\n'
            at += count
    yield "</svg>\n"


def _spread(start: int, end: int, length: int) -> Iterator[tuple[int, int]]:
    """(cell, how much of it) of a range of a disk of ``length`` bytes, of which a cell has ``length`` parts."""
    end = min(end, length)
    for cell in range(start * _CELLS // length, -(-end * _CELLS // length)):
        yield cell, min(end * _CELLS, (cell + 1) * length) - max(start * _CELLS, cell * length)
