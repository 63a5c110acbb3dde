from __future__ import annotations

import pytest

from tests.conformance.suite import DriverConformance


class TestNullCo(DriverConformance):
    driver = "null-co"

    def create(self, folder, size):
        return {"driver": self.driver, "size": size}

    def test_read_shows_no_memory_of_others(self, image):
        image.pwrite(0, b"x" * 4096)

        assert image.pread(0, 4096) == b"\xab" * 4096


class TestNullAio(TestNullCo):
    driver = "null-aio"


@pytest.mark.parametrize("driver", ["null-co", "null-aio"])
class TestReadZeroes:
    def test_read_gives_zeroes_and_status_says_so(self, driver):
        suite = TestNullCo()

        with suite.open({"driver": driver, "size": 8192, "read-zeroes": True}) as image:
            extents = list(image.block_status())

            assert image.pread(0, 8192) == bytes(8192)
            assert [(e.offset, e.length, e.zero, e.allocated) for e in extents] == [(0, 8192, True, True)]
