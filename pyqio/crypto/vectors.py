"""Initialization vectors: what makes equal sectors differ once they are encrypted.

plain is the number of the sector in 32 bits, plain64 in 64 bits, both little-endian; essiv is plain64 encrypted with a
hash of the key (LUKS On-Disk Format Specification, table 4; dm-crypt's documentation).
"""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import OpenError
from pyqio.crypto import hashes
from pyqio.crypto.blocks import BlockCipher, of_family

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyqio.crypto.blocks import Algorithm

    Vectors = Callable[[int, int], bytes]
    """``vectors(sector, count)``: those of ``count`` sectors from ``sector`` on, one after the other."""

GENERATORS: Final = ("plain", "plain64", "essiv")

_PLAIN_BITS: Final = 32


def generator(name: str, algorithm: Algorithm, *, key: bytes, hash_name: str | None) -> Vectors:
    """The vectors for a cipher, each as long as its blocks.

    ``hash_name``: the hash of essiv, which no other generator uses.  Raises OpenError where they do not fit.
    """
    words = algorithm.block_bytes // 8
    if name == "plain64":
        return lambda sector, count: _numbers(range(sector, sector + count), words)
    if name == "plain":
        low = (1 << _PLAIN_BITS) - 1
        return lambda sector, count: _numbers([at & low for at in range(sector, sector + count)], words)
    digest = hashes.hasher(hash_name or "sha256")(key)
    keyed = of_family(algorithm.family, len(digest))
    if keyed is None and algorithm.family == "cast5":
        raise OpenError(f"Cipher {algorithm.name} not supported with essiv")
    if keyed is None:
        raise OpenError(f"No {algorithm.label} cipher with key size {len(digest)} available")
    encrypt = BlockCipher(keyed, digest).encrypt
    return lambda sector, count: encrypt(_numbers(range(sector, sector + count), words))


def _numbers(sectors: range | list[int], words: int) -> bytes:
    """Little-endian numbers of ``words`` times 64 bits."""
    numbers = array("Q", bytes(8 * words * len(sectors)))
    numbers[::words] = array("Q", sectors)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
