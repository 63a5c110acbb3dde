"""A disk drawn as rows of cells, each of which sums up a range of it.

    0x0       ###++...........................................................
    0x200000  ................................0000000000000000................

    # data 1.250 MiB   + mixed   0 zero 512 KiB   . unallocated 2.250 MiB
    A cell is 32 KiB of 4 MiB.

A cell with ranges of several states is mixed, unless the sides of a pair differ in it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from pyqio.render.figures import human
from pyqio.render.styled.glyphs import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.commands.results import Strip
    from pyqio.render.styled.theme import Theme

_ROWS: Final = 8
_LEAST_CELL: Final = 512
_GRAINS: Final = (64, 8, 1)
"""Rows are a multiple of so many cells long, if there is room, so that their offsets are round."""

_BITS: Final = {state: 1 << at for at, state in enumerate(("data", "zero", "compressed", "unallocated", "mismatch"))}
_NAMES: Final = {bit: state for state, bit in _BITS.items()}


def strip_lines(strip: Strip, theme: Theme, columns: int, *, unicode: bool) -> Iterator[str]:
    """Rows of cells, and a legend, in ``columns``; lines have their ends."""
    if not strip.length:
        yield f"{theme.paint(theme.dim, 'The image is empty.')}\n"
        return
    digits = len(f"{strip.length:#x}")
    room = max(columns - digits - 2, 1)
    width = next(room // grain * grain for grain in _GRAINS if grain <= room)
    cell = _cell_size(strip.length, width)
    cells = _cells(strip, cell)
    for at in range(0, len(cells), width):
        row = (
            theme.paint(theme.style(state), STATES[state][unicode] * len(list(alike)))
            for state, alike in groupby(map(_state, cells[at : at + width]))
        )
        yield f"{theme.paint(theme.offset, f'{at * cell:<#{digits}x}')}  {''.join(row)}\n"
    yield "\n"
    yield from _wrapped(_legend(strip, set(map(_state, cells)), theme, columns, unicode=unicode), columns)
    yield f"{theme.paint(theme.dim, f'A cell is {human(cell)} of {human(strip.length)}.')}\n"


def _cell_size(length: int, width: int) -> int:
    """Bytes of a cell: the smallest power of two with which there are not too many rows."""
    needed = -(-length // (_ROWS * width))
    return max(_LEAST_CELL, 1 << (needed - 1).bit_length())


def _cells(strip: Strip, cell: int) -> bytearray:
    """For each cell the bits of all states in it."""
    cells = bytearray(-(-strip.length // cell))
    for offset, length, state in strip.runs:
        first, last = offset // cell, (offset + length - 1) // cell
        cells[first] |= _BITS[state]
        if first < last:
            cells[first + 1 : last] = bytes((_BITS[state],)) * (last - first - 1)
            cells[last] |= _BITS[state]
    for run in strip.differing:  # some may lie past the end of the shorter side
        for at in range(run.start // cell, min((run.end - 1) // cell + 1, len(cells))):
            cells[at] |= _BITS["mismatch"]
    return cells


def _state(bits: int) -> str:
    if bits & _BITS["mismatch"]:
        return "mismatch"
    return _NAMES.get(bits, "mixed")


def _legend(strip: Strip, drawn: set[str], theme: Theme, columns: int, *, unicode: bool) -> Iterator[tuple[int, str]]:
    """(columns, text) for each state that there is, with its bytes where there is room."""
    sizes: dict[str, int] = {}
    for _, length, state in strip.runs:
        sizes[state] = sizes.get(state, 0) + length
    if strip.differing:
        sizes["mismatch"] = sum(run.length for run in strip.differing)
    for state, glyphs in STATES.items():
        if state in sizes or state in drawn:
            words = f" {state} {human(sizes[state])}" if state in sizes else f" {state}"
            words = words if len(words) < columns else f" {state}"
            yield 1 + len(words), theme.paint(theme.style(state), glyphs[unicode]) + words


def _wrapped(pieces: Iterable[tuple[int, str]], columns: int) -> Iterator[str]:
    line, used = "", 0
    for width, text in pieces:
        if used and used + 3 + width > columns:
            yield f"{line}\n"
            line, used = "", 0
        line, used = (f"{line}   {text}", used + 3 + width) if used else (text, width)
    yield f"{line}\n"
