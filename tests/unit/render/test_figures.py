from __future__ import annotations

import pytest

from pyqio.render.figures import clock, human, per_second, seconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"),
        (1, "1 bytes"),
        (1023, "1023 bytes"),
        (0.000653, "0 bytes"),
        (0.507285, "0.507285 bytes"),
        (45.700799, "45.700799 bytes"),
        (652.866102, "652.866102 bytes"),
        (1024, "1 KiB"),
        (1025, "1.001 KiB"),
        (1536, "1.500 KiB"),
        (1048575, "1023.999 KiB"),
        (1048577, "1 MiB"),
        (123456789, "117.738 MiB"),
        (1073741823, "1024 MiB"),
        (2147483136, "2 GiB"),
        (5000000000000000, "4.441 PiB"),
        (2**63 - 1, "8 EiB"),
        (float("inf"), "inf EiB"),
    ],
)
def test_human_when_bytes_are_given_then_as_qemu_io_prints_them(value, text):
    assert human(value) == text


@pytest.mark.parametrize(
    ("elapsed", "text"),
    [(0.0, "00.00 sec"), (0.16295, "00.16 sec"), (9.999, "10.00 sec"), (59.5, "59.50 sec"), (1286.3, "0:21:26.30")],
)
def test_seconds_when_time_is_given_then_hours_only_from_a_minute_on(elapsed, text):
    assert seconds(elapsed) == text


def test_clock_when_hours_pass_then_counted():
    assert clock(2 * 3600 + 61.5) == "2:01:01.50"


def test_per_second_when_no_time_passed_then_infinite():
    assert [per_second(512, 2.0), per_second(512, 0.0), per_second(0, 0.0)] == [256.0, float("inf"), 0.0]
