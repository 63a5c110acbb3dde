from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from pyqio.base.types import Cache
from tests.conformance.suite import MIB, Persistent, Reopenable, StoringConformance


def losetup(*arguments: str) -> str:
    return subprocess.run(["losetup", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("losetup") is None, reason="only root makes loop devices")
class TestHostDevice(Persistent, Reopenable, StoringConformance):
    """A loop device over a file."""

    driver = "host_device"
    block_size = 512

    @pytest.fixture(autouse=True)
    def devices(self):
        self.made = []
        yield
        for device in self.made:
            losetup("-d", device)

    def create(self, folder, size):
        path = folder / "backing"
        with path.open("wb") as file:
            file.truncate(size)
        try:
            device = losetup("-f", "--show", "-b", str(self.block_size), str(path))
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no loop device: {error.stderr.strip()}")
        self.made.append(device)
        return {"driver": "host_device", "filename": device}


class TestHostDeviceDirect(TestHostDevice):
    cache = Cache(writeback=True, direct=True)
    size = MIB + 3 * 4096
    block_size = 4096
