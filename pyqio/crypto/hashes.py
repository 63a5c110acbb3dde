"""Hashes by QEMU's names, from the standard library."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import OpenError

if TYPE_CHECKING:
    from collections.abc import Callable

HASHES: Final = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64, "ripemd160": 20}
"""Bytes of each one's digest."""


def hasher(name: str) -> Callable[[bytes], bytes]:
    """A function from bytes to their hash.  Raises OpenError for one that is not in this Python's OpenSSL."""
    make: Callable[..., Any] = getattr(hashlib, name, None) or partial(hashlib.new, name)
    try:
        make(usedforsecurity=False)
    except ValueError:
        raise _missing(name) from None
    return lambda data: make(data, usedforsecurity=False).digest()


def stretch(name: str, password: bytes, salt: bytes, *, iterations: int, length: int) -> bytes:
    """PBKDF2: ``length`` bytes that take ``iterations`` rounds to make (RFC 8018, section 5.2).  Raises OpenError."""
    try:
        return hashlib.pbkdf2_hmac(name, password, salt, iterations, length)
    except ValueError:
        raise _missing(name) from None


def _missing(name: str) -> OpenError:
    return OpenError(f"this Python has no hash {name}")
