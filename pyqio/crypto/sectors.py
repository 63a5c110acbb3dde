"""Sector ciphers: modes of operation that start anew in each sector of 512 bytes.

A cipher is called once for many sectors, since a call costs more than the encryption of a sector.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from array import array
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import OpenError
from pyqio.base.types import SECTOR_SIZE
from pyqio.crypto import vectors
from pyqio.crypto.blocks import ALGORITHMS, BlockCipher
from pyqio.crypto.mixing import xor

if TYPE_CHECKING:
    from pyqio.crypto.vectors import Vectors

MODES: Final = ("ecb", "cbc", "xts", "ctr")

_XTS_BLOCK: Final = 16
_XTS_WORDS: Final = SECTOR_SIZE // 8
_XTS_FEEDBACK: Final = 0x87
"""The polynomial of XTS: x^128 = x^7 + x^2 + x + 1 (IEEE 1619, section 5.2)."""


class SectorCipher(ABC):
    """Encrypts and decrypts whole sectors.

    ``data`` is a multiple of 512 bytes; ``sector`` is the number of its first 512 bytes.
    """

    @abstractmethod
    def encrypt(self, sector: int, data: memoryview) -> bytes:
        """What is stored in the place of ``data``."""

    @abstractmethod
    def decrypt(self, sector: int, data: memoryview) -> bytes:
        """What was encrypted as ``data``."""


def key_bytes(algorithm: str, mode: str) -> int:
    """The length of the key that a cipher takes: XTS has two."""
    return ALGORITHMS[algorithm].key_bytes * (2 if mode == "xts" else 1)


def sector_cipher(algorithm: str, mode: str, key: bytes, *, ivgen: str, ivgen_hash: str | None = None) -> SectorCipher:
    """The cipher that QEMU's names stand for; ``key`` has ``key_bytes(algorithm, mode)`` bytes.

    Raises OpenError where they do not fit together, or the library cryptography is not there.
    """
    chosen = ALGORITHMS[algorithm]
    if mode == "xts" and chosen.block_bytes != _XTS_BLOCK:
        raise OpenError("Unsupported cipher mode xts")
    # The vectors of essiv come from the whole key, which in XTS is both of them.
    ivs = vectors.generator(ivgen, chosen, key=key, hash_name=ivgen_hash)
    if mode == "xts":
        half = chosen.key_bytes
        return _Xts(BlockCipher(chosen, key[:half]), BlockCipher(chosen, key[half:]), ivs)
    block = BlockCipher(chosen, key)
    if mode == "ecb":
        return _Ecb(block)
    return _Cbc(block, ivs) if mode == "cbc" else _Ctr(block, ivs)


class _Ecb(SectorCipher):
    """Every block for itself, without a vector."""

    def __init__(self, block: BlockCipher) -> None:
        self._block = block

    def encrypt(self, sector: int, data: memoryview) -> bytes:
        return self._block.encrypt(data)

    def decrypt(self, sector: int, data: memoryview) -> bytes:
        return self._block.decrypt(data)


class _Cbc(SectorCipher):
    """Every block mixed with the encrypted one before it, the first one with the vector."""

    def __init__(self, block: BlockCipher, ivs: Vectors) -> None:
        self._block = block
        self._size = block.algorithm.block_bytes
        self._ivs = ivs

    def encrypt(self, sector: int, data: memoryview) -> bytes:
        """One chain for all sectors: what it mixes into a sector's first block is taken out beforehand."""
        size, ivs = self._size, self._ivs(sector, len(data) // SECTOR_SIZE)
        encrypt = self._block.chain().encryptor().update
        done: list[bytes] = []
        last = bytes(size)
        for number, at in enumerate(range(0, len(data), SECTOR_SIZE)):
            iv = ivs[number * size : (number + 1) * size]
            first = xor(xor(iv, last), data[at : at + size])
            done.append(encrypt(first + data[at + size : at + SECTOR_SIZE]))
            last = done[-1][-size:]
        return b"".join(done)

    def decrypt(self, sector: int, data: memoryview) -> bytes:
        """One chain for all sectors, the vectors among them; what those decrypt to is left out."""
        size, step = self._size, self._size + SECTOR_SIZE
        ivs = self._ivs(sector, len(data) // SECTOR_SIZE)
        parts: list[bytes | memoryview] = []
        for number, at in enumerate(range(0, len(data), SECTOR_SIZE)):
            parts += (ivs[number * size : (number + 1) * size], data[at : at + SECTOR_SIZE])
        mixed = self._block.chain().decryptor().update(b"".join(parts))
        return b"".join(mixed[at + size : at + step] for at in range(0, len(mixed), step))


class _Ctr(SectorCipher):
    """The data mixed with encrypted numbers that count up, big-endian, from the vector on."""

    def __init__(self, block: BlockCipher, ivs: Vectors) -> None:
        self._block = block
        self._ivs = ivs

    def encrypt(self, sector: int, data: memoryview) -> bytes:
        size = self._block.algorithm.block_bytes
        ivs, wrap = self._ivs(sector, len(data) // SECTOR_SIZE), 1 << 8 * size
        starts = (int.from_bytes(ivs[at : at + size], "big") for at in range(0, len(ivs), size))
        counters = ((start + at) % wrap for start in starts for at in range(SECTOR_SIZE // size))
        return xor(self._block.encrypt(b"".join(at.to_bytes(size, "big") for at in counters)), data)

    def decrypt(self, sector: int, data: memoryview) -> bytes:
        return self.encrypt(sector, data)


class _Xts(SectorCipher):
    """Every block mixed, before and after, with a tweak: the encrypted vector times x for each block before it."""

    def __init__(self, block: BlockCipher, tweak: BlockCipher, ivs: Vectors) -> None:
        self._block = block
        self._tweak = tweak
        self._ivs = ivs

    def encrypt(self, sector: int, data: memoryview) -> bytes:
        tweaks = self._tweaks(sector, len(data) // SECTOR_SIZE)
        return _mix(tweaks, self._block.encrypt(_mix(tweaks, data)))

    def decrypt(self, sector: int, data: memoryview) -> bytes:
        tweaks = self._tweaks(sector, len(data) // SECTOR_SIZE)
        return _mix(tweaks, self._block.decrypt(_mix(tweaks, data)))

    def _tweaks(self, sector: int, count: int) -> int:
        """The tweaks of all blocks, a number whose little-endian bytes they are.

        Those of all sectors are multiplied at once, side by side in one number, and then put between one another.
        """
        tweaks = array("Q", bytes(count * SECTOR_SIZE))
        lanes = int.from_bytes(self._tweak.encrypt(self._ivs(sector, count)), "little")
        lowest = int.from_bytes((b"\1" + bytes(_XTS_BLOCK - 1)) * count, "little")
        others = lowest * ((1 << 8 * _XTS_BLOCK) - 2)
        for word in range(0, _XTS_WORDS, 2):
            halves = array("Q", lanes.to_bytes(count * _XTS_BLOCK, sys.byteorder))
            tweaks[word::_XTS_WORDS] = halves[::2]
            tweaks[word + 1 :: _XTS_WORDS] = halves[1::2]
            lanes = lanes << 1 & others ^ (lanes >> 8 * _XTS_BLOCK - 1 & lowest) * _XTS_FEEDBACK
        return int.from_bytes(tweaks.tobytes(), "little")


def _mix(tweaks: int, data: bytes | memoryview) -> bytes:
    return (tweaks ^ int.from_bytes(data, "little")).to_bytes(len(data), "little")
