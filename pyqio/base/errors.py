"""Every error that pyqio raises on purpose.

One small tree.  A block error carries an ``errno`` (as in errno(3)), and the node and byte offset where it
happened; those two are filled in once, by the node through which the request went, and never by a driver.
"""

from __future__ import annotations

import errno as _errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyqio.base.compare import Differences
    from pyqio.base.types import Run


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be opened or a program not be started: the C library's words, or what Python refuses."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not a name in this locale" if isinstance(error, UnicodeError) else "a name has no NUL byte"


class PyqioError(Exception):
    """Root of the tree: anything that is wrong with the input, the image or the host, never a bug of ours."""


class UsageError(PyqioError):
    """The caller asked for something that has no meaning: a bad number, an unknown option, a missing argument."""


class OptionError(UsageError):
    """An option that a driver does not have, or a value that it does not take."""


class BlockError(PyqioError):
    """A request, an open or a create that failed.

    ``errno`` is positive.  ``node`` is the name of the node that failed and ``offset`` the first byte of the
    request; both are None until the request has passed a node.
    """

    default_errno = _errno.EIO

    def __init__(self, message: str | None = None, *, errno: int | None = None, offset: int | None = None) -> None:
        self.errno = self.default_errno if errno is None else errno
        self.message = os.strerror(self.errno) if message is None else message
        self.node: str | None = None
        self.offset = offset
        super().__init__(self.message)

    @property
    def strerror(self) -> str:
        """The C library's words for ``errno``."""
        return os.strerror(self.errno)


class OpenError(BlockError):
    """An image that cannot be opened or created; ``message`` is complete and fit to be shown.

    ``hint`` is an optional further line that says what to do next.
    """

    default_errno = _errno.EINVAL

    def __init__(
        self, message: str | None = None, *, errno: int | None = None, offset: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, errno=errno, offset=offset)
        self.hint = hint


class FormatError(OpenError):
    """Bytes on disk that their format's specification does not allow."""


class NestingError(OpenError):
    """Nodes below one another without end; parents pass it on as it is."""


class CorruptError(BlockError):
    """Damage found while a request was served: the image must not be written to any more."""


class Unsupported(BlockError):
    """The driver has no such operation; only block/emulate turns it into another one."""

    default_errno = _errno.ENOTSUP


class ReadOnly(BlockError):
    """A write to a node that was opened read-only."""

    default_errno = _errno.EPERM


class ProbedRawWrite(BlockError):
    """A write that would make a guessed raw image look like another format (probing safety)."""

    default_errno = _errno.EPERM


class PermissionConflict(OpenError):
    """Another user of the node or of the file does not share what this one needs."""

    default_errno = _errno.EPERM


class VerifyError(BlockError):
    """The two sides of a verified pair do not agree; see the subclasses for the kinds of disagreement.

    ``operation`` is the request's verb (read, write, ...); ``offset`` and ``length`` its range in bytes.
    """

    def __init__(self, message: str, *, operation: str, offset: int, length: int) -> None:
        super().__init__(message, errno=_errno.EIO, offset=offset)
        self.operation = operation
        self.length = length

    def widen(self, offset: int, length: int) -> None:
        """Speak of the whole request of which this was a step, unless the nodes in between shift its bytes."""
        start = self.offset or 0
        if start < offset + length and offset < start + self.length:
            self.offset, self.length = offset, length


class MismatchError(VerifyError):
    """Both sides answered and their bytes differ.

    ``differences`` counts what differs within the request; ``node`` is the verifying node.
    """

    def __init__(self, *, operation: str, offset: int, length: int, differences: Differences) -> None:
        self.differences = differences
        super().__init__(f"contents mismatch at offset {self.first}", operation=operation, offset=offset, length=length)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The differing ranges (the first thousand), ascending, in bytes, end-exclusive, within the request."""
        return tuple(self.differences.runs)

    @property
    def differing(self) -> int:
        """Number of differing bytes."""
        return self.differences.byte_count

    @property
    def first(self) -> int:
        """Byte offset of the first byte that differs."""
        return self.differences.runs[0].start


class OutcomeMismatch(VerifyError):
    """One side failed and the other did not, or they failed differently.

    ``raw_error`` and ``test_error`` are the sides' own errors, None where that side succeeded.
    """

    def __init__(
        self,
        *,
        operation: str,
        offset: int,
        length: int,
        raw_error: BlockError | None,
        test_error: BlockError | None,
    ) -> None:
        self.raw_error = raw_error
        self.test_error = test_error
        raw, test = (0 if e is None else -e.errno for e in (raw_error, test_error))
        super().__init__(f"return value mismatch {test} != {raw}", operation=operation, offset=offset, length=length)
        self.errno = next(e.errno for e in (test_error, raw_error) if e is not None)
