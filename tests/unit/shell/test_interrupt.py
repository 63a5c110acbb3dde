from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from pyqio.base.types import OpenFlags
from pyqio.block.graph import Graph
from pyqio.shell.interrupt import Terminated, between_requests, forget_early, in_order


def test_interrupt_when_a_command_sleeps_then_it_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt), between_requests():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)


def test_interrupt_when_a_request_is_served_then_it_waits_for_its_end():
    options = {"driver": "null-co", "size": "1M", "latency-ns": "200000000"}
    served = []

    with Graph().open(None, options, OpenFlags()) as image, pytest.raises(KeyboardInterrupt), between_requests():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        image.pread(0, 512)
        served.append(True)
        time.sleep(10)

    assert served == [True]


def test_interrupt_when_it_comes_before_the_command_then_it_is_raised_at_once():
    with in_order():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), between_requests():
            time.sleep(10)
        forget_early()
        with between_requests():
            pass


def test_interrupt_when_it_is_over_then_former_handlers_are_back():
    former = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    with in_order(), between_requests():
        inside = signal.getsignal(signal.SIGINT)

    assert inside != former[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == former


def test_termination_when_a_request_is_served_then_it_waits_for_its_end():
    options = {"driver": "null-co", "size": "1M", "latency-ns": "200000000"}

    with Graph().open(None, options, OpenFlags()) as image, pytest.raises(Terminated) as ended, in_order():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with between_requests():
            image.pread(0, 512)
        time.sleep(10)

    assert ended.value.code == 128 + signal.SIGTERM


def test_termination_when_it_was_ignored_then_it_stays_so():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with in_order():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_interrupt_when_requests_leave_hardly_a_moment_between_them_then_it_is_raised_there():
    options = {"driver": "null-co", "size": "1M", "latency-ns": "20000000"}
    served: list[int] = []

    with Graph().open(None, options, OpenFlags()) as image, pytest.raises(KeyboardInterrupt), between_requests():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        served.extend(len(part) for part in image.stream(0, 100 * 4096, bytearray(4096)))

    assert 1 <= len(served) < 50
