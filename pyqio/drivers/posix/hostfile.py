"""What a regular file and a device of the host have in common: a descriptor, and how it is opened and used."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, OpenError, PermissionConflict, Unsupported
from pyqio.base.kinds import Bool, Choice, Path, Text
from pyqio.base.options import rebind
from pyqio.base.record import Record
from pyqio.base.types import (
    MAY_UNMAP,
    PERM_RESIZE,
    PERM_WRITE,
    SECTOR_SIZE,
    Caps,
    Extent,
    Limits,
    OpenFlags,
    Role,
    Scheduling,
)
from pyqio.block.driver import Driver
from pyqio.drivers.posix import syscalls
from pyqio.drivers.posix.locks import ImageLocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyqio.base.structure import Explanation
    from pyqio.block.driver import Opening
    from pyqio.drivers.posix.direct import Bounce

EXTENTS_AT_ONCE: Final = 1024
"""A file may consist of millions; whoever wants more asks again."""

_NEVER: Final = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY, errno.ENODEV)
_CHANGEABLE: Final = ("drop-cache", "x-check-cache-dropped")
_NO_WRITING: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class HostFileOptions(Record):
    """``drop_cache`` and ``x_check_cache_dropped`` speak of live migration, of which there is none here."""

    filename: Annotated[str, Path("filename")] = ""
    locking: Annotated[str, Choice("auto", "on", "off")] = "auto"
    aio: Annotated[str | None, Choice("threads", "native", "io_uring")] = None
    pr_manager: Annotated[str | None, Text("id")] = None
    drop_cache: Annotated[bool, Bool()] = True
    x_check_cache_dropped: Annotated[bool, Bool()] = False


class HostFile(Driver):
    """A descriptor of the host, and the requests that are the same for all kinds of them."""

    role = Role.PROTOCOL
    scheduling = Scheduling.PARALLEL
    Options = HostFileOptions

    def __init__(self, fd: int, options: HostFileOptions, *, direct: bool) -> None:
        self._fd = fd
        self._options = options
        self._locks = ImageLocks(options.locking)
        self._refused: set[int] = set()
        self._alignment, self._bounce = transfer(fd, direct=direct)

    @classmethod
    def open(cls, options: HostFileOptions, opening: Opening) -> HostFile:
        """Open the file or device, read-only where the host refuses writing and the user allows that."""
        flags, filename = opening.flags, options.filename
        if not filename:
            raise OpenError(f"The '{cls.name}' block driver requires a file name")
        if options.pr_manager is not None:
            raise OpenError(f"No persistent reservation manager with id '{options.pr_manager}'")
        if (options.aio or flags.aio) == "native" and not flags.cache.direct:
            raise OpenError("aio=native was specified, but it requires cache.direct=on, which was not specified.")
        try:
            fd = cls._open(filename, read_only=flags.read_only, direct=flags.cache.direct)
        except OpenError as error:
            if flags.read_only or not flags.auto_read_only or error.errno not in _NO_WRITING:
                raise
            opening.set_auto_read_only()
            fd = cls._open(filename, read_only=True, direct=flags.cache.direct)
        try:
            return cls(fd, options, direct=flags.cache.direct)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def _open(cls, filename: str, *, read_only: bool, direct: bool) -> int:
        """A descriptor of what this driver is for.  Raises OpenError."""
        fd = open_descriptor(filename, os.O_RDONLY if read_only else os.O_RDWR, direct=direct)
        try:
            cls._check_kind(fd, filename, read_only=read_only)
            os.lseek(fd, 0, os.SEEK_END)
        except OSError as error:
            os.close(fd)
            raise OpenError(f"Could not refresh total sector count: {error.strerror}", errno=error.errno) from error
        except BaseException:
            os.close(fd)
            raise
        return fd

    @classmethod
    def _check_kind(cls, fd: int, filename: str, *, read_only: bool) -> None:
        """Raises OpenError where ``fd`` is nothing that this driver is for."""
        raise NotImplementedError

    def length(self) -> int:
        """The size in bytes; a last sector that is not whole counts as one, and its missing bytes are zeroes."""
        return whole_sectors(os.lseek(self._fd, 0, os.SEEK_END))

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """One system call where the file does not end inside the range."""
        if self._bounce is not None:
            self._bounce.pread(self._fd, offset, buf)
        elif (done := os.preadv(self._fd, (buf,), offset)) != len(buf):
            self._pread_rest(offset, buf, done)

    def _pread_rest(self, offset: int, buf: memoryview, done: int) -> None:
        while done < len(buf):
            count = os.preadv(self._fd, (buf[done:],), offset + done)
            if not count:
                buf[done:] = bytes(len(buf) - done)
                return
            done += count

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """One system call; more only where the host takes less than all at once."""
        if self._bounce is not None:
            self._bounce.pwrite(self._fd, offset, buf)
            return
        try:
            done = os.pwrite(self._fd, buf, offset)
            while done < len(buf):
                done += os.pwrite(self._fd, buf[done:], offset + done)
        except OverflowError:  # an offset that is no off_t
            raise BlockError(errno=errno.EFBIG) from None

    def pwrite_zeroes(self, offset: int, length: int, flags: int) -> None:
        """A hole where the range may become one; otherwise zeroes that keep their place on the disk."""
        if flags & MAY_UNMAP:
            try:
                self._punch(offset, length)
            except Unsupported:
                pass
            else:
                return
        self._zero(offset, length)

    def _punch(self, offset: int, length: int) -> None:
        raise NotImplementedError

    def _zero(self, offset: int, length: int) -> None:
        raise NotImplementedError

    def _fallocate(self, mode: int, offset: int, length: int) -> None:
        """fallocate(2); Unsupported, from then on without asking, where the file system does not know ``mode``."""
        if mode in self._refused:
            raise Unsupported
        try:
            syscalls.fallocate(self._fd, mode, offset, length)
        except OSError as error:
            if error.errno in _NEVER:
                self._refused.add(mode)
            elif error.errno != errno.EINVAL:  # EINVAL is about this range: not in the device's units
                raise
            raise Unsupported from error

    def flush(self) -> None:
        """fdatasync(2)."""
        os.fdatasync(self._fd)

    def block_status(self, offset: int, length: int) -> Iterator[Extent]:
        """Data and holes as lseek(2) tells them, in whole sectors; all is data where it does not."""
        end = offset + length
        for _ in range(EXTENTS_AT_ONCE):
            if offset == end:
                return
            data, stop = self._next_change(offset, end)
            yield Extent(offset, stop - offset, data=data, zero=not data, allocated=True, host_offset=offset)
            offset = stop

    def _next_change(self, offset: int, end: int) -> tuple[bool, int]:
        """Whether there is data at ``offset``, and where that changes."""
        try:
            start = os.lseek(self._fd, offset, os.SEEK_DATA)
        except OSError as error:
            # ENXIO: no more data before the end of the file.
            return (False, end) if error.errno == errno.ENXIO else (True, end)
        if start > offset:
            return False, min(start, end)
        hole = whole_sectors(os.lseek(self._fd, offset, os.SEEK_HOLE))
        return True, min(hole, end) if hole > offset else end

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """Whether the host keeps the byte, and how far it says the same of what follows."""
        from pyqio.base.structure import Explanation

        length = os.lseek(self._fd, 0, os.SEEK_END)
        if offset >= length:
            return Explanation(kind="past the end", facts={"host": {"file_length": length}})
        data, stop = self._next_change(offset, length)
        facts = {"host": {"until_offset": stop, "file_length": length}}
        return Explanation(kind="data" if data else "hole", facts=facts)

    def limits(self) -> Limits:
        """The alignment that O_DIRECT asks for, 1 without it."""
        return Limits(request_alignment=self._alignment)

    def caps(self) -> Caps:
        """A file that is written past its end grows, and the kernel fills what lies between with zeroes."""
        return Caps(growable=True, may_unmap=True, zero_init=True)

    def set_permissions(self, perm: int, shared: int) -> None:
        """Lock the file; also refuses to write a file whose tail cannot be written without making it longer."""
        if perm & PERM_WRITE and not perm & PERM_RESIZE and self.length() % self._alignment:
            raise PermissionConflict(
                "Cannot get 'write' permission without 'resize': Image size is not a multiple of request alignment"
            )
        self._locks.change(self._fd, perm, shared, filename=self._options.filename)

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Switch between read-only and read-write, and O_DIRECT on and off; never to another file."""
        changed = rebind(self._options, options, changeable=_CHANGEABLE)
        mode = os.O_RDONLY if flags.read_only else os.O_RDWR
        # The link in /proc leads to the same file even after somebody renamed or replaced it.
        fd = open_descriptor(
            f"/proc/self/fd/{self._fd}", mode, direct=flags.cache.direct, shown_as=self._options.filename
        )
        try:
            self._check_kind(fd, self._options.filename, read_only=flags.read_only)
            alignment, bounce = transfer(fd, direct=flags.cache.direct)
            self._locks.copy(fd)
            os.dup2(fd, self._fd, inheritable=False)  # requests that are under way in other threads keep the old one
        except OSError as error:
            raise OpenError(f"Could not reopen file: {error.strerror}", errno=error.errno) from error
        finally:
            os.close(fd)
        self._options, self._alignment, self._bounce = changed, alignment, bounce

    @contextmanager
    def _through_cache(self) -> Iterator[int]:
        """A descriptor of the same file without O_DIRECT, for transfers that are not aligned."""
        if self._bounce is None:
            yield self._fd
            return
        fd = open_descriptor(f"/proc/self/fd/{self._fd}", os.O_RDWR, direct=False, shown_as=self._options.filename)
        try:
            yield fd
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close the descriptor; its locks go with it."""
        os.close(self._fd)


def whole_sectors(length: int) -> int:
    """``length`` rounded up to 512 bytes, in which QEMU's block layer counts the size of an image."""
    return -(-length // SECTOR_SIZE) * SECTOR_SIZE


def open_descriptor(filename: str, mode: int, *, direct: bool, shown_as: str | None = None) -> int:
    """open(2).  Raises OpenError, which names the file ``shown_as``."""
    shown = shown_as or filename
    # O_NONBLOCK: opening a FIFO that nobody writes to must not hang.  It means nothing for files and disks.
    mode |= os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK | (os.O_DIRECT if direct else 0)
    try:
        return os.open(filename, mode)
    except ValueError as error:  # a zero byte or a character that no file name can have
        raise OpenError(f"Could not open {shown!r}: {os.strerror(errno.EINVAL)}") from error
    except OSError as error:
        why = error.strerror
        if error.errno == errno.EINVAL and direct:
            why = "filesystem does not support O_DIRECT"
        raise OpenError(f"Could not open '{shown}': {why}", errno=error.errno) from error


def transfer(fd: int, *, direct: bool) -> tuple[int, Bounce | None]:
    """The request alignment of a descriptor, and what unaligned memory is passed through, if anything."""
    if not direct:
        return 1, None
    from pyqio.drivers.posix.direct import Bounce, request_alignment

    return request_alignment(fd), Bounce()
