"""Power cuts and failing disks below qcow2 (see tests/powercut), judged by pyqio's check and by qemu-img's.

``python -m tests.powercut`` does as many of them as wanted.
"""

from __future__ import annotations

import pytest

from tests.powercut.failing import Failing
from tests.powercut.run import STATES_A_CUT, Run

WORKLOADS = 50
_CUTS = 5
_BATCHES = 10


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_power_cut_when_anything_unflushed_may_be_lost_then_the_image_is_sound(oracle, batch):
    oracle("qemu-img")

    runs = [Run(seed, number=_CUTS, ask_qemu=0.3).go() for seed in range(batch, WORKLOADS, _BATCHES)]

    assert [failure for run in runs for failure in run.failures] == []
    assert sum(run.states for run in runs) == len(runs) * _CUTS * STATES_A_CUT


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("seed", [0, 2, 3])
def test_request_when_the_disk_fails_it_then_nothing_is_half_linked_or_leaks(oracle, seed, lasting):
    oracle("qemu-img")

    runs = [Failing(seed, 0, lasting=lasting).go()]
    while runs[-1].failed:
        runs.append(Failing(seed, len(runs), lasting=lasting, ask_qemu=len(runs) % 10 == 0).go())

    assert [failure for run in runs for failure in run.failures] == []
