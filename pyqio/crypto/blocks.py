"""Block ciphers: every block for itself, as many at a time as one likes (ECB); the modes are built on that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import OpenError
from pyqio.crypto import library

if TYPE_CHECKING:
    from collections.abc import Callable


class Algorithm(NamedTuple):
    """A block cipher with a length of key; QEMU's name for it.

    ``label``: the family as messages have it.  ``offered``: the library cryptography has it.
    """

    name: str
    family: str
    label: str
    key_bytes: int
    block_bytes: int
    offered: bool


ALGORITHMS: Final = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm("aes-128", "aes", "AES", 16, 16, offered=True),
        Algorithm("aes-192", "aes", "AES", 24, 16, offered=True),
        Algorithm("aes-256", "aes", "AES", 32, 16, offered=True),
        Algorithm("cast5-128", "cast5", "Cast5", 16, 8, offered=True),
        Algorithm("serpent-128", "serpent", "Serpent", 16, 16, offered=False),
        Algorithm("serpent-192", "serpent", "Serpent", 24, 16, offered=False),
        Algorithm("serpent-256", "serpent", "Serpent", 32, 16, offered=False),
        Algorithm("twofish-128", "twofish", "Twofish", 16, 16, offered=False),
        Algorithm("twofish-192", "twofish", "Twofish", 24, 16, offered=False),
        Algorithm("twofish-256", "twofish", "Twofish", 32, 16, offered=False),
    )
}
"""Those that a LUKS header can name (LUKS On-Disk Format Specification 1.2.3, table 2), by QEMU's names."""


class BlockCipher:
    """An algorithm with its key."""

    def __init__(self, algorithm: Algorithm, key: bytes) -> None:
        """Raises OpenError where the library is missing or does not have the algorithm."""
        if not algorithm.offered:
            raise OpenError(f"the library cryptography does not have the cipher {algorithm.name}")
        self.algorithm = algorithm
        self._ciphers = library.load()
        self._keyed = library.algorithm(algorithm.family, key)
        whole = self._ciphers.Cipher(self._keyed, self._ciphers.modes.ECB())
        # Without a state and without padding these serve any number of calls.
        self.encrypt: Callable[[bytes | memoryview], bytes] = whole.encryptor().update
        """Encrypts whole blocks, each for itself."""
        self.decrypt: Callable[[bytes | memoryview], bytes] = whole.decryptor().update
        """The inverse of ``encrypt``."""

    def chain(self) -> Any:
        """The library's cipher in CBC mode, with an initialization vector of zeroes."""
        return self._ciphers.Cipher(self._keyed, self._ciphers.modes.CBC(bytes(self.algorithm.block_bytes)))


def of_family(family: str, key_bytes: int) -> Algorithm | None:
    """The algorithm of a family, by the LUKS specification's name, with keys of this length; None if there is none."""
    found = (a for a in ALGORITHMS.values() if (a.family, a.key_bytes) == (family, key_bytes))
    return next(found, None)
