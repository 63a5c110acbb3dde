"""``luks``: a disk that is encrypted, behind a LUKS header, version 1 (LUKS On-Disk Format Specification 1.2.3).

::

    0               header: cipher, where the payload starts, eight key slots
    4096            the key slots' material
    payload offset  the disk, each sector of 512 bytes encrypted for itself

Nothing says which sectors were ever written: all of them are data, and what was never written reads as garbage.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import BlockError, OpenError
from pyqio.base.kinds import Integer, Size, Text
from pyqio.base.options import rebind
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE, Cache, Caps, ChildRole, Limits, Location, OpenFlags, Role
from pyqio.base.units import INT64_MAX
from pyqio.block.driver import Driver
from pyqio.block.filename import Typed, parse_protocol
from pyqio.block.graph import Graph
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.base.structure import Explanation
    from pyqio.block.creation import CreateOption
    from pyqio.block.driver import Opening
    from pyqio.block.node import Node
    from pyqio.crypto.header import Header
    from pyqio.crypto.sectors import SectorCipher

_MAGIC: Final = b"LUKS\xba\xbe\0\1"
_MAX_TRANSFER: Final = 1 << 20
"""Encrypted bytes are made in a buffer of their own, which is not to grow with the request."""


class LuksOptions(Record):
    """``key_secret``: the name of the secret that is the password."""

    key_secret: Annotated[str | None, Text("secret")] = None


class Luks(Driver):
    """An open volume."""

    name = "luks"
    role = Role.FORMAT
    children = ("file",)
    Options = LuksOptions

    def __init__(self, file: Node, options: LuksOptions, header: Header, cipher: SectorCipher) -> None:
        self._file = file
        self._options = options
        self._header = header
        self._cipher = cipher
        self._start = header.payload_offset

    @classmethod
    def open(cls, options: LuksOptions, opening: Opening) -> Luks:
        """Open the file, and unlock a key slot with the password."""
        from pyqio.crypto import luks

        file = opening.child("file", ChildRole.IMAGE)

        def read(offset: int, length: int) -> bytes:
            data = bytearray(length)
            file.pread(offset, memoryview(data))
            return bytes(data)

        password = opening.secret(_required(options.key_secret))
        header = luks.open_header(read)
        cipher = luks.unlock(header, read, password)
        volume = cls(file, options, header, cipher)
        if volume.length() < 0:
            raise OpenError(f"Could not refresh total sector count: {os.strerror(errno.EIO)}", errno=errno.EIO)
        return volume

    @classmethod
    def probe(cls, head: bytes, filename: str) -> int:
        """The magic and the version."""
        return 100 if head.startswith(_MAGIC) else 0

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """Those of ``qemu-img create -f luks -o``."""
        from pyqio.block.creation import CreateOption

        return {
            "size": CreateOption(Size(), "Virtual disk size"),
            "key-secret": CreateOption(Text(), "ID of the secret that provides the keyslot passphrase"),
            "cipher-alg": CreateOption(Text(), "Name of encryption cipher algorithm"),
            "cipher-mode": CreateOption(Text(), "Name of encryption cipher mode"),
            "ivgen-alg": CreateOption(Text(), "Name of IV generator algorithm"),
            "ivgen-hash-alg": CreateOption(Text(), "Name of IV generator hash algorithm"),
            "hash-alg": CreateOption(Text(), "Name of encryption hash algorithm"),
            "iter-time": CreateOption(Integer(), "Time to spend in PBKDF in milliseconds"),
        }

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Make a new volume; options that are not the format's go to the protocol.

        The header is made first, so that a file which is there already outlives what is wrong with the options.
        """
        from pyqio.block.creation import parse
        from pyqio.crypto import luks

        table = cls.creation()
        values = parse(table, {name: text for name, text in options.items() if name in table})
        outer = {name: text for name, text in options.items() if name not in table}
        choices = luks.choose(values)
        start, payload_offset = luks.create(choices, secrets.password(_required(values.get("key-secret"))))
        length = payload_offset + size
        if length > INT64_MAX:
            raise OpenError("The requested file size is too large", errno=errno.EFBIG)
        if outer.get("preallocation") == "metadata":
            del outer["preallocation"]  # the header is all there is of it
        _write_file(filename, start, length, outer)
        return {**values, "size": size}

    def length(self) -> int:
        """What the file has from the payload on; in whole sectors."""
        return -(-self._file.length() // SECTOR_SIZE) * SECTOR_SIZE - self._start

    def pread(self, offset: int, buf: memoryview, flags: int) -> None:
        """The file's bytes, decrypted."""
        self._file.pread(self._start + offset, buf, flags)
        buf[:] = self._cipher.decrypt(offset // SECTOR_SIZE, buf)

    def pwrite(self, offset: int, buf: memoryview, flags: int) -> None:
        """Into the file, encrypted."""
        encrypted = self._cipher.encrypt(offset // SECTOR_SIZE, buf)
        self._file.pwrite(self._start + offset, memoryview(encrypted), flags)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()

    def truncate(self, length: int, *, prealloc: str = "off", exact: bool = True) -> None:
        """Resize the file.  New bytes are zeroes there, and so garbage here."""
        if length > INT64_MAX - self._start:
            raise BlockError("The requested file size is too large", errno=errno.EFBIG)
        self._file.truncate(self._start + length, prealloc=prealloc, exact=exact)

    def locate(self, offset: int) -> Location:
        """In the file, but not as it is."""
        sector, at = offset // SECTOR_SIZE, self._start + offset
        return Location(kind="encrypted", child="file", detail=f"sector {sector}, file offset {at:#x}")

    def explain(self, offset: int, *, thorough: bool = False) -> Explanation:
        """The sector that the byte is encrypted with."""
        from pyqio.base.structure import Explanation, Onward

        at = self._start + offset
        return Explanation(
            kind="encrypted",
            next=(Onward("file", at),),
            facts={"encryption": {"method": "luks", "sector": offset // SECTOR_SIZE}, "payload_offset": self._start},
        )

    def limits(self) -> Limits:
        """Whole sectors."""
        return Limits(request_alignment=SECTOR_SIZE, max_transfer=_MAX_TRANSFER)

    def caps(self) -> Caps:
        """The file's, as far as encryption lets them hold."""
        return Caps(fua=self._file.caps.fua, remote=self._file.caps.remote)

    def info(self) -> Mapping[str, Any]:
        """What ``qemu-img info`` says."""
        from pyqio.crypto import luks

        return luks.info(self._header)

    def reopen(self, flags: OpenFlags, options: Mapping[str, Any]) -> None:
        """Access may change; the password stays."""
        self._options = rebind(self._options, options)

    def close(self) -> None:
        """The file is the graph's to close."""


def _required(secret: str | None) -> str:
    if secret is None:
        raise OpenError("Parameter 'key-secret' is required for cipher")
    return secret


def _write_file(filename: str, start: bytes, length: int, options: Mapping[str, str]) -> None:
    """A file of ``length`` bytes, ``start`` and zeroes; nothing is left when that fails, but a file that was there."""
    protocol, spec = parse_protocol(Typed(filename))
    path = str(spec.get("filename", ""))
    existed = os.path.lexists(path)
    protocol.create(filename, 0, options)
    try:
        flags = OpenFlags(cache=Cache(writeback=True, no_flush=True))
        with Graph().open(None, {"driver": protocol.name, **spec}, flags) as image:
            image.truncate(length, prealloc=options.get("preallocation", "off"))
            image.pwrite(0, start)
    except BaseException as error:
        if not existed and os.path.lexists(path):
            os.unlink(path)
        if isinstance(error, BlockError) and not isinstance(error, OpenError):
            raise OpenError(error.message, errno=error.errno) from error
        raise
