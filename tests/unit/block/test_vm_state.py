"""The machine state beside the disk."""

from __future__ import annotations

import pytest

import pyqio
from pyqio.base.errors import Unsupported


def test_state_of_a_qcow2_image_is_kept_apart_from_the_disk(tmp_path):
    path = tmp_path / "image"
    pyqio.create(path, "1M", format="qcow2", options={"cluster_size": "4k"})

    with pyqio.open(path, format="qcow2") as image:
        image.pwrite(0, b"disk")
        image.vm_state().pwrite(5 << 30, b"state" * 1000)

    with pyqio.open(path, format="qcow2") as image:
        assert image.pread(0, 5) == b"disk\0"
        assert image.vm_state().pread((5 << 30) - 1, 6) == b"\0state"
        assert image.vm_state().pread(1 << 50, 4) == bytes(4)
        assert image.length() == 1 << 20


def test_state_written_in_part_keeps_its_surroundings(tmp_path):
    path = tmp_path / "image"
    pyqio.create(path, "1M", format="qcow2")

    with pyqio.open(path, format="qcow2") as image:
        state = image.vm_state()
        state.pwrite(0, b"\x11" * 65536)
        state.pwrite(512, b"\x22" * 512)

        assert state.pread(0, 2048) == b"\x11" * 512 + b"\x22" * 512 + b"\x11" * 1024


def test_format_that_keeps_no_state_says_so(tmp_path):
    path = tmp_path / "image"
    pyqio.create(path, "1M")

    with pyqio.open(path, format="raw") as image, pytest.raises(Unsupported):
        image.vm_state()
