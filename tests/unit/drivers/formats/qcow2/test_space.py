from __future__ import annotations

import pytest

CLUSTER = 65536


class Toy:
    """A cipher whose key is the sector's number."""

    def encrypt(self, sector, data):
        return bytes(byte ^ (sector + at // 512) & 0xFF for at, byte in enumerate(bytes(data)))

    decrypt = encrypt


@pytest.fixture
def encrypted(opened):
    """``encrypted(by_guest)``: an image with the toy cipher."""

    def make(by_guest):
        qcow2 = opened(8 * CLUSTER)
        qcow2.store.cipher, qcow2.store.cipher_by_guest = Toy(), by_guest
        qcow2.image.node.refresh(qcow2.image.node.flags)
        return qcow2

    return make


@pytest.mark.parametrize("by_guest", [False, True])
def test_pread_when_the_image_is_encrypted_gives_back_what_parts_of_sectors_were_written(encrypted, by_guest):
    image = encrypted(by_guest).image

    image.pwrite(CLUSTER + 700, b"secret" * 20_000)

    assert image.pread(CLUSTER, 3 * CLUSTER) == (bytes(700) + b"secret" * 20_000).ljust(3 * CLUSTER, b"\0")


@pytest.mark.parametrize(("by_guest", "sector"), [(False, 5 * CLUSTER // 512), (True, 2 * CLUSTER // 512)])
def test_pwrite_when_the_image_is_encrypted_counts_sectors_of_the_file_or_of_the_guest(encrypted, by_guest, sector):
    qcow2 = encrypted(by_guest)

    qcow2.image.pwrite(2 * CLUSTER, b"x" * CLUSTER)

    assert qcow2.file.data[5 * CLUSTER : 6 * CLUSTER] == Toy().encrypt(sector, b"x" * CLUSTER)


def test_pwrite_in_a_new_cluster_when_the_image_is_encrypted_encrypts_the_zeroes_around_it(encrypted):
    qcow2 = encrypted(False)

    qcow2.image.pwrite(0, b"x" * 512)

    assert qcow2.file.data[5 * CLUSTER + 512 : 6 * CLUSTER] == Toy().encrypt(5 * 128 + 1, bytes(CLUSTER - 512))
