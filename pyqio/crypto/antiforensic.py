"""The anti-forensic splitter: a key made so large that a part of it, when erased, takes all of it along.

LUKS On-Disk Format Specification 1.2.3, section 2.4.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyqio.crypto import hashes
from pyqio.crypto.mixing import xor

if TYPE_CHECKING:
    from collections.abc import Callable


def split(key: bytes, stripes: int, hash_name: str) -> bytes:
    """``stripes`` times as many bytes as ``key`` has."""
    material = os.urandom(len(key) * (stripes - 1))
    return material + xor(_diffused(material, len(key), hash_name), key)


def merge(material: bytes, stripes: int, hash_name: str) -> bytes:
    """The key that was split into ``material``; any other bytes give another key."""
    size = len(material) // stripes
    return xor(_diffused(material[:-size], size, hash_name), material[-size:])


def _diffused(material: bytes, size: int, hash_name: str) -> bytes:
    """All stripes folded into one, the hash in between."""
    hasher, step = hashes.hasher(hash_name), hashes.HASHES[hash_name]
    folded = bytes(size)
    for at in range(0, len(material), size):
        folded = _diffuse(xor(folded, material[at : at + size]), hasher, step)
    return folded


def _diffuse(data: bytes, hasher: Callable[[bytes], bytes], step: int) -> bytes:
    """Each piece, as long as a digest, replaced by the hash of its number and itself; the last one cut to length."""
    pieces = (data[at : at + step] for at in range(0, len(data), step))
    return b"".join(hasher(number.to_bytes(4, "big") + piece)[: len(piece)] for number, piece in enumerate(pieces))
