from __future__ import annotations

import os

import pytest

from tests.oracle.differ import run
from tests.oracle.qcow2_geometry import FEATURES
from tests.oracle.streams import FORMATS, stream

STREAMS = {"raw": 500, "qcow2": 1000}
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


def test_streams_when_all_are_drawn_have_every_feature():
    drawn = [stream("qcow2", seed).geometry.features for seed in range(STREAMS["qcow2"])]

    assert frozenset.union(*drawn) == frozenset(FEATURES)


@pytest.mark.parametrize("driver", FORMATS)
def test_streams_through_qemu_io_and_pyqio_agree(driver):
    streams = (stream(driver, seed) for seed in range(STREAMS[driver]))

    differences = run(streams, jobs=os.cpu_count() or 1)

    assert not differences, "\n".join(map(str, differences))
