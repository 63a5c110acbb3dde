from __future__ import annotations

import struct

import pytest

from pyqio.base.errors import OpenError, OptionError
from pyqio.crypto import luks


def reader(data):
    return lambda offset, length: bytes(data[offset : offset + length]).ljust(length, b"\0")


def test_unlock_when_password_is_right_then_the_same_cipher_each_time(start):
    read = reader(start)
    header = luks.open_header(read)

    first, second = (luks.unlock(header, read, b"sesame") for _ in range(2))

    assert second.decrypt(3, memoryview(first.encrypt(3, memoryview(b"x" * 512)))) == b"x" * 512


@pytest.mark.parametrize("password", [b"", b"sesam", b"sesame1"])
def test_unlock_when_password_is_wrong_then_no_slot_opens(start, password):
    read = reader(start)

    with pytest.raises(OpenError, match=r"^Invalid password, cannot unlock any keyslot$"):
        luks.unlock(luks.open_header(read), read, password)


def test_unlock_when_password_is_in_the_last_slot_then_it_opens(start):
    data = bytearray(start)
    moved = bytearray(data[208:256])
    moved[40:44] = struct.pack(">I", 1810432 // 512)
    data[208 + 7 * 48 : 208 + 8 * 48] = moved
    data[1810432 : 1810432 + 256000] = data[4096 : 4096 + 256000]
    data[208:212] = struct.pack(">I", 0xDEAD)
    read = reader(data)

    cipher = luks.unlock(luks.open_header(read), read, b"sesame")

    assert len(cipher.encrypt(0, memoryview(bytes(512)))) == 512


def test_unlock_when_material_is_past_the_end_of_the_file_then_no_slot_opens(start):
    read = reader(start[:4096])

    with pytest.raises(OpenError, match="cannot unlock any keyslot"):
        luks.unlock(luks.open_header(read), read, b"sesame")


@pytest.mark.parametrize(
    ("options", "described"),
    [
        ({}, ("aes-256", "xts", "plain64", None, "sha256")),
        ({"cipher-alg": "aes-128", "hash-alg": "sha1"}, ("aes-128", "xts", "plain64", None, "sha1")),
        ({"cipher-mode": "cbc", "ivgen-alg": "essiv"}, ("aes-256", "cbc", "essiv", "sha256", "sha256")),
        ({"cipher-alg": "aes-192", "cipher-mode": "ctr"}, ("aes-192", "ctr", "plain64", None, "sha256")),
        ({"cipher-alg": "cast5-128", "cipher-mode": "ecb"}, ("cast5-128", "ecb", "plain64", None, "sha256")),
        ({"ivgen-alg": "plain", "ivgen-hash-alg": "md5"}, ("aes-256", "xts", "plain", None, "sha256")),
    ],
)
def test_create_when_options_are_given_then_the_header_has_them(options, described):
    read = reader(luks.create(luks.choose({**options, "iter-time": 0}), b"p")[0])

    header = luks.open_header(read)
    info = luks.info(header)

    keys = ("cipher-alg", "cipher-mode", "ivgen-alg", "ivgen-hash-alg", "hash-alg")
    assert tuple(info.get(key) for key in keys) == described
    assert (info["slots"][0]["iters"], info["master-key-iters"]) == (1000, 1000)
    luks.unlock(header, read, b"p")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cipher-alg": "foo", "hash-alg": "foo"}, "Parameter 'cipher-alg' does not accept value 'foo'"),
        ({"cipher-mode": "foo"}, "Parameter 'cipher-mode' does not accept value 'foo'"),
        ({"ivgen-alg": "foo"}, "Parameter 'ivgen-alg' does not accept value 'foo'"),
        ({"ivgen-hash-alg": "foo"}, "Parameter 'ivgen-hash-alg' does not accept value 'foo'"),
        ({"hash-alg": "foo"}, "Parameter 'hash-alg' does not accept value 'foo'"),
        ({"cipher-alg": "3des"}, "Algorithm '3des' not supported"),
    ],
)
def test_choose_when_a_word_is_wrong_then_qemus_words(options, message):
    with pytest.raises((OptionError, OpenError)) as caught:
        luks.choose(options)

    assert str(caught.value) == message


def test_create_when_iterations_are_too_many_then_refused():
    with pytest.raises(OpenError, match=r"^PBKDF iterations \d+ too large to scale: Numerical result out of range$"):
        luks.create(luks.choose({"iter-time": 2**63 - 1}), b"p")


def test_create_when_time_is_given_then_iterations_follow():
    few, many = (
        luks.info(luks.open_header(reader(luks.create(luks.choose({"iter-time": time}), b"p")[0])))["slots"][0]["iters"]
        for time in (40, 400)
    )

    assert 1000 < few < many
