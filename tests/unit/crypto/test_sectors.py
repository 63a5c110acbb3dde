from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from pyqio.base.errors import OpenError
from pyqio.crypto.blocks import ALGORITHMS
from pyqio.crypto.sectors import MODES, key_bytes, sector_cipher

OFFERED = [name for name, algorithm in ALGORITHMS.items() if algorithm.offered]
FIRST = (1 << 32) - 2  # plain and plain64 differ from here on


def pattern(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("ivgen", ["plain", "plain64", "essiv"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("algorithm", [name for name in OFFERED if name != "cast5-128"])
def test_decrypt_when_sectors_were_encrypted_then_what_they_were(algorithm, mode, ivgen):
    cipher = sector_cipher(algorithm, mode, pattern(key_bytes(algorithm, mode)), ivgen=ivgen, ivgen_hash="sha256")
    data = pattern(512 * 9)

    encrypted = cipher.encrypt(FIRST, memoryview(data))

    assert cipher.decrypt(FIRST, memoryview(encrypted)) == data
    assert encrypted != data


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ivgen", ["plain", "plain64", "essiv"])
def test_encrypt_when_sectors_come_one_by_one_then_the_same_bytes(mode, ivgen):
    cipher = sector_cipher("aes-128", mode, pattern(key_bytes("aes-128", mode)), ivgen=ivgen, ivgen_hash="md5")
    data = memoryview(pattern(512 * 5))

    whole = cipher.encrypt(FIRST, data)

    assert whole == b"".join(cipher.encrypt(FIRST + at, data[512 * at : 512 * at + 512]) for at in range(5))


@pytest.mark.parametrize("size", [32, 64])
def test_xts_when_compared_with_the_librarys_own_then_the_same_bytes(size):
    key, data = pattern(size), pattern(512 * 3)
    cipher = sector_cipher(f"aes-{size * 4}", "xts", key, ivgen="plain64")

    encrypted = cipher.encrypt(FIRST, memoryview(data))

    for at in range(3):
        mode = modes.XTS((FIRST + at).to_bytes(16, "little"))
        expected = Cipher(algorithms.AES(key), mode).encryptor().update(data[512 * at : 512 * at + 512])
        assert encrypted[512 * at : 512 * at + 512] == expected


@pytest.mark.parametrize(("mode", "vector"), [("cbc", modes.CBC), ("ctr", modes.CTR)])
def test_chained_modes_when_compared_with_the_librarys_own_then_the_same_bytes(mode, vector):
    key, data = pattern(24), pattern(512 * 3)
    cipher = sector_cipher("aes-192", mode, key, ivgen="plain")

    encrypted = cipher.encrypt(FIRST, memoryview(data))

    for at in range(3):
        start = vector((FIRST + at & 0xFFFF_FFFF).to_bytes(16, "little"))
        expected = Cipher(algorithms.AES(key), start).encryptor().update(data[512 * at : 512 * at + 512])
        assert encrypted[512 * at : 512 * at + 512] == expected


def test_ecb_when_sectors_are_equal_then_so_are_the_encrypted_ones():
    cipher = sector_cipher("aes-256", "ecb", pattern(32), ivgen="plain64")

    encrypted = cipher.encrypt(0, memoryview(pattern(512) * 2))

    assert encrypted[:512] == encrypted[512:]


@pytest.mark.parametrize("mode", ["ecb", "cbc", "ctr"])
def test_cast5_when_it_encrypts_then_it_also_decrypts(mode):
    cipher = sector_cipher("cast5-128", mode, pattern(16), ivgen="essiv", ivgen_hash="md5")
    data = pattern(512 * 4)

    assert cipher.decrypt(7, memoryview(cipher.encrypt(7, memoryview(data)))) == data


@pytest.mark.parametrize(
    ("algorithm", "mode", "ivgen", "ivgen_hash", "message"),
    [
        ("cast5-128", "xts", "plain64", None, "Unsupported cipher mode xts"),
        ("aes-256", "cbc", "essiv", "sha1", "No AES cipher with key size 20 available"),
        ("aes-256", "cbc", "essiv", "sha512", "No AES cipher with key size 64 available"),
        ("cast5-128", "cbc", "essiv", "sha256", "Cipher cast5-128 not supported with essiv"),
        ("serpent-256", "xts", "plain64", None, "the library cryptography does not have the cipher serpent-256"),
        ("twofish-128", "cbc", "plain64", None, "the library cryptography does not have the cipher twofish-128"),
    ],
)
def test_sector_cipher_when_names_do_not_fit_then_why(algorithm, mode, ivgen, ivgen_hash, message):
    with pytest.raises(OpenError) as caught:
        sector_cipher(algorithm, mode, bytes(key_bytes(algorithm, mode)), ivgen=ivgen, ivgen_hash=ivgen_hash)

    assert str(caught.value) == message


def test_sector_cipher_when_library_is_missing_then_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives", None)

    with pytest.raises(OpenError, match=r"pip install 'pyqio\[crypto\]'"):
        sector_cipher("aes-256", "xts", bytes(64), ivgen="plain64")
