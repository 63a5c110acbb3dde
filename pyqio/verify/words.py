"""What is said of differing bytes: how they are aligned, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyqio.base.types import Run

_FILL: Final = 16
"""Equal bytes, a row of a dump, from which on they are told of as filling."""


def alignment(runs: Iterable[Run], cluster: int) -> str:
    """The coarsest of the usual grains that all runs start and end at; ``cluster``: bytes, 0 where there are none."""
    grains = ((cluster, f"cluster-aligned ({cluster})"), (4096, "4096-aligned"), (512, "512-aligned"))
    bounds = 0
    for run in runs:
        bounds |= run.start | run.end
    for grain, words in grains:
        if grain and not bounds % grain:
            return words
    return "not 512-aligned"


def counted(number: int, noun: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def held(data: bytes) -> str:
    """What one byte or more are: ``all zero``, ``0xcd x 496, then data``, ``data``."""
    fill = len(data) - len(data.lstrip(data[:1]))
    value = f"{data[0]:#04x}" if data[0] else "zero"
    if fill == len(data):
        return f"all {value}"
    return f"{value} x {fill}, then data" if fill >= _FILL else "data"
