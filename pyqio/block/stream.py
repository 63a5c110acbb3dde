"""Reads in several steps, with errors that speak of the whole request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError, MismatchError, VerifyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def pread_steps(
    pread: Callable[[int, memoryview], None], offset: int, length: int, buffers: Iterable[memoryview]
) -> Iterator[memoryview]:
    """Fill ``buffers``, ``length`` bytes in all, one after the other from ``offset``; yield each when it is filled.

    The bytes of a verified pair may differ in one step: the steps that follow are read too, but not yielded, and the
    error at the end covers the whole request.  Any other error ends it at once.  Raises BlockError.
    """
    at = offset
    mismatch: MismatchError | None = None
    for buffer in buffers:
        try:
            pread(at, buffer)
        except MismatchError as error:
            if mismatch is None:
                mismatch = error
            else:
                mismatch.differences.merge(error.differences)
        except BlockError as error:
            if mismatch is None:
                _widen(error, offset, length)
                raise
            break
        else:
            if mismatch is None:
                yield buffer
        at += len(buffer)
    if mismatch is not None:
        _widen(mismatch, offset, length)
        raise mismatch


def _widen(error: BlockError, offset: int, length: int) -> None:
    """Let the error of a step speak of the request, unless the nodes in between count their bytes differently."""
    if isinstance(error, VerifyError):
        start = error.offset or 0
        if start < offset + length and offset < start + error.length:
            error.offset, error.length = offset, length
