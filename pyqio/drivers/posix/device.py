"""Devices of the host, under whichever name."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from pyqio.base.errors import OpenError, OptionError, Unsupported
from pyqio.base.kinds import Names, Size
from pyqio.base.types import PERM_ALL, PERM_RESIZE, PERM_WRITE, Caps, Limits
from pyqio.block.emulate import ZEROES
from pyqio.block.secrets import NO_SECRETS, Secrets
from pyqio.drivers.posix import syscalls
from pyqio.drivers.posix.hostfile import HostFile
from pyqio.drivers.posix.locks import ImageLocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.block.creation import CreateOption


class Device(HostFile):
    """A block device or a character device."""

    @classmethod
    def parse_filename(cls, filename: str) -> Mapping[str, Any]:
        """``PREFIX:PATH``."""
        return {"filename": filename.removeprefix(f"{cls.prefix}:")}

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """The size, and that nothing is preallocated."""
        from pyqio.block.creation import CreateOption

        return {
            "size": CreateOption(Size(), "Virtual disk size"),
            "preallocation": CreateOption(Names("text", lambda: ("off",)), "Preallocation mode (allowed values: off)"),
        }

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Make a device ready for an image: it must be large enough, and its first sector is cleared."""
        from pyqio.block.creation import parse

        path = filename.removeprefix(f"{cls.prefix}:")
        values = parse(cls.creation(), options)
        if values.get("preallocation", "off") != "off":
            raise OptionError(f"Unsupported preallocation mode '{values['preallocation']}'")
        fd = cls._open(path, read_only=False, direct=False)
        try:
            ImageLocks("auto").change(fd, PERM_WRITE | PERM_RESIZE, PERM_ALL & ~PERM_RESIZE, filename=path)
            length = os.lseek(fd, 0, os.SEEK_END)
            if size > length:
                raise OpenError("Cannot grow device files")
            # What was on the device before must not be taken for the new image's format.
            os.pwrite(fd, ZEROES[: min(512, length)], 0)
        finally:
            os.close(fd)
        return {"size": size, **values}

    @classmethod
    def _check_kind(cls, fd: int, filename: str, *, read_only: bool) -> None:
        mode = os.fstat(fd).st_mode
        if not (stat.S_ISBLK(mode) or stat.S_ISCHR(mode)):
            raise OpenError(f"'{cls.name}' driver requires '{filename}' to be either a character or block device")
        if stat.S_ISBLK(mode) and not read_only and syscalls.device_is_read_only(fd):
            raise OpenError(f"The device is not writable: {os.strerror(errno.EACCES)}", errno=errno.EACCES)

    def _punch(self, offset: int, length: int) -> None:
        self._fallocate(syscalls.PUNCH_HOLE, offset, length)

    def _zero(self, offset: int, length: int) -> None:
        self._fallocate(syscalls.ZERO_RANGE_KEEP_SIZE, offset, length)

    def pdiscard(self, offset: int, length: int) -> None:
        """BLKDISCARD."""
        try:
            syscalls.discard_blocks(self._fd, offset, length)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL):
                raise Unsupported from error
            raise

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """A device keeps its size; it may be asked to become smaller, and then what it has too much is ignored."""
        if prealloc != "off":
            raise Unsupported(f"Preallocation mode '{prealloc}' unsupported for this non-regular file")
        present = self.length()
        if length > present:
            raise Unsupported("Cannot grow device files", errno=errno.EINVAL)
        if exact and length != present:
            raise Unsupported("Cannot resize device files")

    def limits(self) -> Limits:
        """Whole blocks are zeroed and discarded; the page cache takes single bytes, O_DIRECT does not."""
        block = syscalls.logical_block_size(self._fd) if stat.S_ISBLK(os.fstat(self._fd).st_mode) else 0
        return Limits(
            request_alignment=self._alignment,
            pwrite_zeroes_alignment=block,
            pdiscard_alignment=block,
        )

    def caps(self) -> Caps:
        """A device does not grow, and what is on it before it is written is unknown."""
        return Caps(may_unmap=True)
