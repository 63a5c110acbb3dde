from __future__ import annotations

import os
import signal
import time

import pytest

from pyqio.base.types import OpenFlags
from pyqio.block.graph import Graph
from pyqio.shell.interrupt import between_requests


def test_interrupt_when_a_command_sleeps_then_it_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt), between_requests():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)


def test_interrupt_when_a_request_is_served_then_it_waits_for_its_end():
    options = {"driver": "null-co", "size": "1M", "latency-ns": "200000000"}
    served = []

    with Graph().open(None, options, OpenFlags()) as image, pytest.raises(KeyboardInterrupt), between_requests():
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        image.pread(0, 512)
        served.append(True)
        time.sleep(10)

    assert served == [True]


def test_interrupt_when_it_is_over_then_former_handlers_are_back():
    former = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)

    with between_requests():
        inside = signal.getsignal(signal.SIGINT)

    assert inside != former[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)) == former
