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
                if isinstance(error, VerifyError):
                    error.widen(offset, length)
                raise
            break
        else:
            if mismatch is None:
                yield buffer
        at += len(buffer)
    if mismatch is not None:
        mismatch.widen(offset, length)
        raise mismatch
