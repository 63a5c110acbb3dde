"""Long requests, window by window, with errors that speak of the whole request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, MismatchError, VerifyError
from pyqio.block.emulate import WINDOW, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def windows(
    serve: Callable[[int, int], None], offset: int, length: int, *, window: int = WINDOW
) -> Iterator[tuple[int, int]]:
    """Call ``serve(offset, length)`` for one window of a read after the other, and yield each that was served.

    A pair whose bytes differ does not end the walk: the windows that follow are served too, but not yielded, and the
    error that is raised at the end covers the request.  Any other error ends it.  All are bytes; raises BlockError.
    """
    mismatch: MismatchError | None = None
    for at, count in pieces(offset, offset + length, grain=1, largest=window):
        try:
            serve(at, count)
        except MismatchError as error:
            if mismatch is None:
                mismatch = error
            else:
                mismatch.differences.merge(error.differences)
        except BlockError as error:
            if isinstance(error, VerifyError):
                error.offset, error.length = offset, length
            if mismatch is None:
                raise
            break
        else:
            if mismatch is None:
                yield at, count
    if mismatch is not None:
        mismatch.offset, mismatch.length = offset, length
        raise mismatch
