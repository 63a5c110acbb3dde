"""Encryption of guest data: the cipher of an image that is opened, and what a new image needs for one.

::

    crypt_method 1, aes:   AES-128 in CBC mode; the password is the key; sectors are counted in the guest's disk
    crypt_method 2, luks:  a LUKS header in clusters of its own, which an extension of the image's header leads to;
                           sectors are counted in the file that holds the data

Compressed clusters are not encrypted (specification: "Encryption", "Full disk encryption header pointer").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import FormatError, OpenError, OptionError
from pyqio.base.records import pack, unpack
from pyqio.crypto import luks
from pyqio.crypto.sectors import sector_cipher
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyqio.crypto.sectors import SectorCipher
    from pyqio.drivers.formats.qcow2.options import Qcow2Options
    from pyqio.drivers.formats.qcow2.store import Store

_AES_KEY_BYTES: Final = 16


class Encryption(NamedTuple):
    """How a new image is to be encrypted; ``choices``: for LUKS alone."""

    method: int
    key_secret: str | None
    choices: luks.Choices | None


def plan(options: Mapping[str, Any]) -> Encryption:
    """What the options ``encrypt.*``, without that prefix, ask for.  Raises OptionError and OpenError."""
    given = dict(options)
    name, secret = given.pop("format"), given.pop("key-secret", None)
    if name == layout.CRYPT_METHODS[layout.CRYPT_LUKS]:
        return Encryption(layout.CRYPT_LUKS, secret, luks.choose(given))
    for option in given:
        raise OptionError(f"Parameter 'encrypt.{option}' is unexpected")
    return Encryption(layout.CRYPT_AES, secret, None)


def create(store: Store, encryption: Encryption, password: Callable[[str], bytes]) -> None:
    """Encrypt a new image; clusters that were preallocated read as garbage from now on, as they do with QEMU.

    ``password(name)`` is that of a secret.  Raises OpenError, BlockError.
    """
    key = password(_required(encryption.key_secret))
    if encryption.choices is None:
        _aes(key)
        store.update(crypt_method=encryption.method)
        return
    start, length = luks.create(encryption.choices, key)
    clusters = store.geometry.clusters(length)
    offset = store.allocator.allocate(clusters)
    store.file.pwrite_zeroes(offset, clusters * store.geometry.cluster_size)
    store.file.pwrite(offset, memoryview(start))
    store.flush()
    pointer = pack(headers.CryptoExtension(offset, length))
    store.update_extensions({headers.EXT_CRYPTO: pointer}, crypt_method=encryption.method)


def unlock(store: Store, options: Qcow2Options, password: Callable[[str], bytes]) -> None:
    """Set the cipher of an encrypted image that is being opened.

    ``password(name)`` is that of a secret.  Raises OpenError, FormatError, in QEMU's words.
    """
    key = password(_required(options.encrypt__key_secret))
    if store.fields.crypt_method == layout.CRYPT_AES:
        store.cipher, store.cipher_by_guest = _aes(key), True
    else:
        read = _reader(store)
        store.cipher = luks.unlock(luks.open_header(read), read, key)


def describe(store: Store) -> dict[str, Any]:
    """What ``qemu-img info`` says of the encryption, in its order."""
    name = layout.CRYPT_METHODS[store.fields.crypt_method]
    if store.fields.crypt_method == layout.CRYPT_AES:
        return {"format": name}
    said = luks.info(luks.open_header(_reader(store)))
    before = ("ivgen-alg", "hash-alg", "cipher-alg", "uuid", "ivgen-hash-alg")
    first = {key: said.pop(key) for key in before if key in said}
    return {**first, "format": name, **said}


def _required(secret: str | None) -> str:
    if secret is None:
        raise OpenError("Parameter 'encrypt.key-secret' is required for cipher")
    return secret


def _aes(password: bytes) -> SectorCipher:
    key = password[:_AES_KEY_BYTES].ljust(_AES_KEY_BYTES, b"\0")
    return sector_cipher("aes-128", "cbc", key, ivgen="plain64")


def _reader(store: Store) -> luks.Reader:
    """Reads from the LUKS header, within the bytes that the image says it has."""
    place = unpack(headers.CryptoExtension, store.header.extension(headers.EXT_CRYPTO) or b"")
    end = layout.MAX_HOST_OFFSET

    def read(offset: int, length: int) -> bytes:
        if offset + length > place.length:
            raise FormatError("Request for data outside of extension header")
        if place.offset + offset + length > end:
            raise FormatError("Could not read encryption header: Input/output error")
        data = bytearray(length)
        store.file.pread(place.offset + offset, memoryview(data))
        return bytes(data)

    return read
