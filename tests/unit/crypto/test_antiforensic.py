from __future__ import annotations

import os

import pytest

from pyqio.crypto.antiforensic import merge, split


@pytest.mark.parametrize("hash_name", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("size", [16, 24, 32, 64])
def test_merge_when_key_was_split_then_the_key(size, hash_name):
    key = os.urandom(size)

    material = split(key, 100, hash_name)

    assert len(material) == 100 * size
    assert merge(material, 100, hash_name) == key


@pytest.mark.parametrize("at", [0, 1599, 3199])
def test_merge_when_one_bit_has_changed_then_another_key(at):
    key = os.urandom(32)
    material = bytearray(split(key, 100, "sha256"))
    material[at] ^= 1

    assert merge(bytes(material), 100, "sha256") != key


def test_split_when_done_twice_then_nothing_is_the_same():
    key = os.urandom(32)

    first, second = (split(key, 100, "sha256") for _ in range(2))

    assert [at for at in range(0, 3200, 32) if first[at : at + 32] == second[at : at + 32]] == []
