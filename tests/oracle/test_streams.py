from __future__ import annotations

import os

import pytest

from tests.oracle.differ import run
from tests.oracle.streams import FORMATS, stream

STREAMS = 500
SELF_CHECKED = 40


@pytest.fixture(autouse=True)
def tools(oracle):
    oracle("qemu-io")
    oracle("qemu-img")


@pytest.mark.parametrize("driver", FORMATS)
def test_streams_through_qemu_io_twice_agree(driver):
    streams = (stream(driver, seed) for seed in range(SELF_CHECKED))

    differences = run(streams, jobs=os.cpu_count() or 1, self_check=True)

    assert not differences, "\n".join(map(str, differences))


@pytest.mark.parametrize("driver", FORMATS)
def test_streams_through_qemu_io_and_pyqio_agree(driver):
    streams = (stream(driver, seed) for seed in range(STREAMS))

    differences = run(streams, jobs=os.cpu_count() or 1)

    assert not differences, "\n".join(map(str, differences))
