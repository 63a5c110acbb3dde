"""Extents joined into what a person asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.base.types import Extent


def allocation(extents: Iterable[Extent]) -> Iterator[tuple[int, int, bool]]:
    """Neighbouring extents that are alike in being allocated, as one: (offset, length, allocated)."""
    start = end = 0
    state: bool | None = None
    for extent in extents:
        if extent.allocated is not state:
            if state is not None:
                yield start, end - start, state
            start, state = extent.offset, extent.allocated
        end = extent.offset + extent.length
    if state is not None:
        yield start, end - start, state
