"""LUKS: a volume that is encrypted with a master key, which each key slot keeps for one password.

A password is stretched into a key; this decrypts the slot's key material; that is merged into a master key, and the
digest in the header tells whether it is the right one (LUKS On-Disk Format Specification 1.2.3, sections 3 and 4).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import OpenError, OptionError
from pyqio.base.types import SECTOR_SIZE
from pyqio.crypto import antiforensic, hashes
from pyqio.crypto import header as headers
from pyqio.crypto.blocks import ALGORITHMS
from pyqio.crypto.header import ACTIVE, INACTIVE, SLOTS, STRIPES, CipherNames, Header, SlotFields, VolumeFields
from pyqio.crypto.sectors import MODES, key_bytes, sector_cipher
from pyqio.crypto.vectors import GENERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyqio.crypto.sectors import SectorCipher

    Reader = Callable[[int, int], bytes]
    """``read(offset, length)``: bytes of the volume; past its end there are zeroes."""

_DIGEST_BYTES: Final = 20
_SALT_BYTES: Final = 32
_FEWEST_ITERATIONS: Final = 1000
_DIGEST_SHARE: Final = 8
_SLOT_SHARE: Final = 2
"""Of the time to be spent on a password, the digest of the master key takes an eighth and the slot a half."""
_ITER_TIME: Final = 2000
_MEASURED_SECONDS: Final = 0.05
_MOST_ITERATIONS: Final = 2**32 - 1


_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cipher-alg": (*ALGORITHMS, "des", "3des"),
    "cipher-mode": MODES,
    "ivgen-alg": GENERATORS,
    "ivgen-hash-alg": tuple(hashes.HASHES),
    "hash-alg": tuple(hashes.HASHES),
}
"""Options of a new volume that are words, in the order in which they are looked at."""


class Choices(NamedTuple):
    """What a new volume is to be like.  ``iter_time``: milliseconds that opening it takes on this machine."""

    names: CipherNames
    iter_time: int


def choose(options: Mapping[str, Any]) -> Choices:
    """The choices that options stand for, of those in OPTIONS; raises OptionError and OpenError, in QEMU's words.

    The values are texts, but ``iter-time`` is a number.
    """
    for name, words in _WORDS.items():
        if options.get(name, words[0]) not in words:
            raise OptionError(f"Parameter '{name}' does not accept value '{options[name]}'")
    algorithm, ivgen = options.get("cipher-alg", "aes-256"), options.get("ivgen-alg", "plain64")
    if algorithm not in ALGORITHMS:
        raise OpenError(f"Algorithm '{algorithm}' not supported")
    ivgen_hash = options.get("ivgen-hash-alg", "sha256" if ivgen == "essiv" else None)
    mode, hash_name = options.get("cipher-mode", "xts"), options.get("hash-alg", "sha256")
    names = CipherNames(ALGORITHMS[algorithm], mode, ivgen, ivgen_hash, hash_name)
    return Choices(names, int(options.get("iter-time", _ITER_TIME)))


def open_header(read: Reader) -> Header:
    """The header of a volume.  Raises FormatError, in QEMU's words."""
    return headers.parse(read(0, headers.HEADER_BYTES))


def unlock(header: Header, read: Reader, password: bytes) -> SectorCipher:
    """The cipher of the payload; its sectors are counted from the payload's start.

    Raises OpenError where no key slot has this password, or the cipher is none of ours.
    """
    for slot in header.slots:
        if slot.active and (key := _try_slot(header, slot, read, password)) is not None:
            return _cipher(header.names, key)
    raise OpenError("Invalid password, cannot unlock any keyslot", errno=errno.EPERM)


def create(choices: Choices, password: bytes) -> tuple[bytes, int]:
    """The first bytes of a new volume, and the offset of its payload; between them there are zeroes.

    Raises OpenError.
    """
    from uuid import uuid4

    names = choices.names
    length = key_bytes(names.algorithm.name, names.mode)
    key = os.urandom(length)
    _cipher(names, key)  # raises the errors of names that do not fit together before any time is spent
    rounds = _rounds(names.hash_name, length, choices.iter_time)
    step = headers.material_sectors(length)
    material = [headers.MATERIAL_SECTOR + number * step for number in range(SLOTS)]
    salt = os.urandom(_SALT_BYTES)
    iterations = max(rounds // _DIGEST_SHARE, _FEWEST_ITERATIONS)
    fields = VolumeFields(
        magic=headers.MAGIC,
        version=1,
        cipher_name=names.algorithm.family.encode(),
        cipher_mode=_mode_spec(names).encode(),
        hash_spec=names.hash_name.encode(),
        payload_sector=headers.MATERIAL_SECTOR + SLOTS * step,
        key_bytes=length,
        digest=hashes.stretch(names.hash_name, key, salt, iterations=iterations, length=_DIGEST_BYTES),
        digest_salt=salt,
        digest_iterations=iterations,
        uuid=str(uuid4()).encode(),
    )
    free = [SlotFields(INACTIVE, 0, b"", at, STRIPES) for at in material]
    first = free[0]._replace(
        state=ACTIVE, iterations=max(rounds // _SLOT_SHARE, _FEWEST_ITERATIONS), salt=os.urandom(_SALT_BYTES)
    )
    header = Header(fields, (first, *free[1:]), names)
    start = headers.encode(fields, header.slots).ljust(first.material_sector * SECTOR_SIZE, b"\0")
    start += _lock(header, first, key, password)
    return start, header.payload_offset


def info(header: Header) -> dict[str, Any]:
    """What ``qemu-img info`` says of a volume, in its order."""
    fields, names = header.fields, header.names
    essiv = {"ivgen-hash-alg": names.ivgen_hash} if names.ivgen == "essiv" else {}
    return {
        "ivgen-alg": names.ivgen,
        "hash-alg": names.hash_name,
        "cipher-alg": names.algorithm.name,
        "uuid": fields.uuid.partition(b"\0")[0].decode(errors="surrogateescape"),
        **essiv,
        "cipher-mode": names.mode,
        "slots": [_slot_info(slot) for slot in header.slots],
        "payload-offset": header.payload_offset,
        "master-key-iters": fields.digest_iterations,
    }


def _slot_info(slot: SlotFields) -> dict[str, Any]:
    offset = slot.material_sector * SECTOR_SIZE
    if not slot.active:
        return {"active": False, "key-offset": offset}
    return {"active": True, "iters": slot.iterations, "key-offset": offset, "stripes": slot.stripes}


def _try_slot(header: Header, slot: SlotFields, read: Reader, password: bytes) -> bytes | None:
    """The master key, if this is the slot's password."""
    fields, hash_name = header.fields, header.names.hash_name
    length = fields.key_bytes * slot.stripes
    stored = read(slot.material_sector * SECTOR_SIZE, -(-length // SECTOR_SIZE) * SECTOR_SIZE)
    material = _slot_cipher(header, slot, password).decrypt(0, memoryview(stored))
    key = antiforensic.merge(material[:length], slot.stripes, hash_name)
    digest = hashes.stretch(
        hash_name, key, fields.digest_salt, iterations=fields.digest_iterations, length=_DIGEST_BYTES
    )
    return key if digest == fields.digest else None


def _lock(header: Header, slot: SlotFields, key: bytes, password: bytes) -> bytes:
    """The key material that keeps the master key for a password."""
    material = antiforensic.split(key, slot.stripes, header.names.hash_name)
    whole = material.ljust(-(-len(material) // SECTOR_SIZE) * SECTOR_SIZE, b"\0")
    return _slot_cipher(header, slot, password).encrypt(0, memoryview(whole))


def _slot_cipher(header: Header, slot: SlotFields, password: bytes) -> SectorCipher:
    key = hashes.stretch(
        header.names.hash_name,
        password,
        slot.salt,
        iterations=slot.iterations,
        length=header.fields.key_bytes,
    )
    return _cipher(header.names, key)


def _cipher(names: CipherNames, key: bytes) -> SectorCipher:
    return sector_cipher(names.algorithm.name, names.mode, key, ivgen=names.ivgen, ivgen_hash=names.ivgen_hash)


def _mode_spec(names: CipherNames) -> str:
    return f"{names.mode}-{names.ivgen}" + (f":{names.ivgen_hash}" if names.ivgen_hash else "")


def _rounds(hash_name: str, length: int, iter_time: int) -> int:
    """Rounds of PBKDF2 that this machine does in ``iter_time`` milliseconds.  Raises OpenError for too many."""
    import time

    if not iter_time:
        return 0
    rounds, elapsed = _FEWEST_ITERATIONS, 0.0
    while True:
        start = time.thread_time()
        hashes.stretch(hash_name, b"password", bytes(_SALT_BYTES), iterations=rounds, length=length)
        elapsed = time.thread_time() - start
        if elapsed >= _MEASURED_SECONDS:
            break
        rounds *= 2
    rate = round(rounds / elapsed)
    wanted = rate * iter_time // 1000
    if wanted > _MOST_ITERATIONS:
        raise OpenError(f"PBKDF iterations {rate} too large to scale: {os.strerror(errno.ERANGE)}")
    return wanted
