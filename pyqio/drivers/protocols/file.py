"""``file``: the bytes of a node are the bytes of a regular file of the host."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import BlockError, OpenError, OptionError, Unsupported
from pyqio.base.kinds import Bool, Names, Size
from pyqio.base.types import PERM_ALL, PERM_RESIZE, PERM_WRITE
from pyqio.base.units import INT64_MAX
from pyqio.block.emulate import ZEROES
from pyqio.block.secrets import NO_SECRETS, Secrets
from pyqio.drivers.posix import syscalls
from pyqio.drivers.posix.hostfile import HostFile, whole_sectors
from pyqio.drivers.posix.locks import ImageLocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyqio.block.creation import CreateOption

_PREALLOCATIONS: Final = ("off", "metadata", "falloc", "full")
_EXTENT_SIZE_HINT: Final = 1024 * 1024


class File(HostFile):
    """A regular file."""

    name = "file"
    prefix = "file"

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """``file:PATH``."""
        return {"filename": filename.removeprefix("file:")}

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """Those of ``qemu-img create -f file -o``."""
        from pyqio.block.creation import CreateOption

        return {
            "size": CreateOption(Size(), "Virtual disk size"),
            "nocow": CreateOption(Bool(), "Turn off copy-on-write (valid only on btrfs)"),
            "preallocation": CreateOption(
                Names("text", lambda: _PREALLOCATIONS), "Preallocation mode (allowed values: off, falloc, full)"
            ),
            "extent_size_hint": CreateOption(Size(), "Extent size hint for the image file, 0 to disable"),
        }

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Make a file of ``size`` bytes, or empty an existing one and make it that long."""
        from pyqio.block.creation import parse

        values = parse(cls.creation(), options)
        if values.get("preallocation", "off") not in _PREALLOCATIONS:
            raise OptionError(f"invalid parameter value: {values['preallocation']}")
        path = filename.removeprefix("file:")
        fd, made = _open_for_create(path)
        try:
            _fill(fd, path, whole_sectors(size), values)
        except BaseException as error:
            if made:
                os.unlink(path)
            if isinstance(error, BlockError) and not isinstance(error, OpenError):
                raise OpenError(error.message, errno=error.errno) from error
            raise
        finally:
            os.close(fd)
        return {"size": size, **values}

    @classmethod
    def _check_kind(cls, fd: int, filename: str, *, read_only: bool) -> None:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OpenError(f"'file' driver requires '{filename}' to be a regular file")

    def _punch(self, offset: int, length: int) -> None:
        self._fallocate(syscalls.PUNCH_HOLE, offset, length)
        end = offset + length
        if end > self.length():
            # A byte of our own range makes the file longer; ftruncate could make it shorter, if another thread
            # wrote further on in the meantime.
            self.pwrite(end - self._alignment, ZEROES[: self._alignment], 0)

    def _zero(self, offset: int, length: int) -> None:
        try:
            self._fallocate(syscalls.ZERO_RANGE, offset, length)
        except Unsupported:
            self._fallocate(syscalls.PUNCH_HOLE, offset, length)
            self._fallocate(syscalls.ALLOCATE, offset, length)

    def pdiscard(self, offset: int, length: int) -> None:
        """Punch a hole."""
        self._fallocate(syscalls.PUNCH_HOLE, offset, length)

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """ftruncate(2), and for new bytes fallocate(2) (falloc) or zeroes written to the disk (full)."""
        with self._through_cache() as fd:
            _resize(fd, length, prealloc)


def _open_for_create(path: str) -> tuple[int, bool]:
    """A descriptor of the file, and whether there was no such file before."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        try:
            return os.open(path, flags | os.O_EXCL, 0o644), True
        except FileExistsError:
            return os.open(path, flags, 0o644), False
    except ValueError as error:
        raise OpenError(f"Could not create {path!r}: Invalid argument") from error
    except OSError as error:
        raise OpenError(f"Could not create '{path}': {error.strerror}", errno=error.errno) from error


def _fill(fd: int, path: str, size: int, options: Mapping[str, Any]) -> None:
    """Make what is open on ``fd`` a new image.  An existing file keeps its contents if ``size`` is impossible."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise OpenError("Could not resize file: Invalid argument")
    hint = options.get("extent_size_hint", _EXTENT_SIZE_HINT)
    if hint >= 2**32:
        raise OpenError("Extent size hint is too large")
    prealloc = options.get("preallocation", "off")
    _check_prealloc(prealloc)
    _check_length(size)
    ImageLocks("auto").change(fd, PERM_WRITE | PERM_RESIZE, PERM_ALL & ~PERM_RESIZE, filename=path)
    _ftruncate(fd, max(size, os.fstat(fd).st_size))
    _ftruncate(fd, 0)
    with suppress(OSError):  # both are wishes, which most file systems do not know
        if options.get("nocow"):
            syscalls.set_nocow(fd)
    with suppress(OSError):
        syscalls.set_extent_size_hint(fd, hint)
    _resize(fd, size, prealloc)


def _check_prealloc(prealloc: str) -> None:
    if prealloc not in ("off", "falloc", "full"):
        raise Unsupported(f"Unsupported preallocation mode: {prealloc}")


def _resize(fd: int, length: int, prealloc: str) -> None:
    """Raises BlockError; the file has its former length then."""
    before = os.fstat(fd).st_size
    if prealloc != "off" and length < before:
        raise Unsupported("Cannot use preallocation for shrinking files")
    _check_prealloc(prealloc)
    _check_length(length)
    try:
        if prealloc == "falloc":
            _call("Could not preallocate new data", syscalls.fallocate, fd, syscalls.ALLOCATE, before, length - before)
        else:
            _ftruncate(fd, length)
        if prealloc == "full":
            _call("Could not write zeros for preallocation", _store_zeroes, fd, before, length)
        elif length and not before:
            # Whoever opens the file with O_DIRECT finds the alignment by reading its start; a hole would take any.
            with suppress(OSError):
                _write_zeroes(fd, 0, 4096 if length >= 4096 else 512)
    except BaseException:
        if length > before:
            os.ftruncate(fd, before)
        raise


def _check_length(length: int) -> None:
    if length > INT64_MAX:
        raise BlockError(f"Could not resize file: {os.strerror(errno.EFBIG)}", errno=errno.EFBIG)


def _ftruncate(fd: int, length: int) -> None:
    _call("Could not resize file", os.ftruncate, fd, length)


def _store_zeroes(fd: int, offset: int, end: int) -> None:
    _write_zeroes(fd, offset, end)
    os.fsync(fd)


def _write_zeroes(fd: int, offset: int, end: int) -> None:
    while offset < end:
        offset += os.pwrite(fd, ZEROES[: end - offset], offset)


def _call(what: str, function: Callable[..., None], *args: int) -> None:
    """Call ``function``; what goes wrong is told in QEMU's words."""
    try:
        function(*args)
    except OSError as error:
        raise BlockError(f"{what}: {error.strerror}", errno=error.errno) from error
