"""The library cryptography, imported when it is needed."""

from __future__ import annotations

from typing import Any

from pyqio.base.errors import OpenError


def load() -> Any:
    """Its module of ciphers.  Raises OpenError, which names the extra, where it is not installed."""
    try:
        from cryptography.hazmat.primitives import ciphers
    except ImportError as error:
        raise OpenError(f"encryption needs the library cryptography: pip install 'pyqio[crypto]' ({error})") from error
    return ciphers


def algorithm(family: str, key: bytes) -> Any:
    """Its cipher of a family (aes, cast5) with this key."""
    if family == "aes":
        return load().algorithms.AES(key)
    from cryptography.hazmat.decrepit.ciphers.algorithms import CAST5

    return CAST5(key)
