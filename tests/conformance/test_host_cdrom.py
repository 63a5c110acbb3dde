from __future__ import annotations

from tests.conformance.test_host_device import TestHostDevice as OverALoopDevice


class TestHostCdrom(OverALoopDevice):
    """To the block layer a drive is a device like another."""

    driver = "host_cdrom"

    def create(self, folder, size):
        return super().create(folder, size) | {"driver": "host_cdrom"}
