from __future__ import annotations

import pytest

from pyqio.base.errors import BlockError
from pyqio.base.types import OpenFlags
from pyqio.block.node import Node
from tests.unit.drivers.formats.qcow2.conftest import WRITEBACK, Opened, Recorder, patched

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


@pytest.fixture
def external(blank):
    """``external(raw)``: an image whose guest data is in a file of its own, and that file."""

    def make(*, raw=False):
        data = Recorder(bytes(8 * CLUSTER))
        node = Node("data", data, OpenFlags(cache=WRITEBACK, discard="unmap"))
        return Opened(patched(blank(8 * CLUSTER), (72, 8, 4), (88, 8, 2 * raw)), **{"data-file": node}), data

    return make


def test_pwrite_when_there_is_a_data_file_stores_at_the_guests_offset(external):
    qcow2, data = external()

    qcow2.image.pwrite(CLUSTER + 5, b"x" * CLUSTER)

    assert bytes(data.data) == bytes(CLUSTER + 5) + b"x" * CLUSTER + bytes(6 * CLUSTER - 5)
    assert b"x" * 512 not in bytes(qcow2.file.data)


def test_pwrite_to_the_first_cluster_when_there_is_a_data_file_is_read_again(external):
    qcow2, _ = external()

    qcow2.image.pwrite(0, b"first")

    assert qcow2.image.pread(0, 8) == b"first\0\0\0"
    assert qcow2.driver.locate(0).child == "data-file"
    assert [e.allocated for e in qcow2.image.block_status(0, 2 * CLUSTER)] == [True, False]


def test_flush_when_there_is_a_data_file_flushes_it_before_the_tables(external):
    qcow2, data = external()
    flushes = []
    qcow2.image.pwrite(0, b"x" * CLUSTER)
    qcow2.file.on_change = lambda: flushes.append(data.flushes)

    qcow2.image.flush()

    assert flushes[-1] > 0
    assert data.pending == []


def test_discard_when_the_data_file_is_not_raw_gives_its_bytes_up(external):
    qcow2, data = external()
    qcow2.image.pwrite(0, b"x" * CLUSTER)

    qcow2.image.discard(0, CLUSTER)

    assert data.discarded == [(0, CLUSTER)]
    assert qcow2.image.pread(0, CLUSTER) == bytes(CLUSTER)


@pytest.mark.parametrize("request_zeroes", [lambda i: i.zero(0, CLUSTER), lambda i: i.discard(0, CLUSTER)])
def test_zeroes_when_the_data_file_is_raw_are_in_it_too(external, request_zeroes):
    qcow2, data = external(raw=True)
    qcow2.image.pwrite(0, b"x" * 2 * CLUSTER)

    request_zeroes(qcow2.image)

    assert bytes(data.data[: 2 * CLUSTER]) == bytes(CLUSTER) + b"x" * CLUSTER


def test_truncate_when_the_data_file_is_raw_leaves_no_cluster_to_a_missing_entry(external):
    qcow2, data = external(raw=True)

    qcow2.image.truncate(16 * CLUSTER)

    assert len(data.data) == 16 * CLUSTER
    assert all(e.allocated for e in qcow2.image.block_status(8 * CLUSTER, 8 * CLUSTER))


def test_pwrite_compressed_when_there_is_a_data_file_is_refused(external):
    qcow2, _ = external()

    with pytest.raises(BlockError, match="Operation not supported"):
        qcow2.image.pwrite(0, bytes(CLUSTER), compressed=True)


def test_machine_state_when_the_image_is_encrypted_takes_parts_of_sectors(encrypted):
    qcow2 = encrypted(False)
    state = qcow2.image.vm_state()

    state.pwrite(700, b"state")

    assert state.pread(699, 7) == b"\0state\0"
    assert b"state" not in bytes(qcow2.file.data)
