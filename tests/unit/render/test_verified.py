"""What ``verify`` says."""

from __future__ import annotations

import errno

import pytest

from pyqio.base.compare import Differences, differences
from pyqio.base.errors import MismatchError
from pyqio.base.types import Run
from pyqio.commands.results import Verified
from pyqio.render.verified import verified_lines
from pyqio.verify.whole import Unreadable

SIZE = 1 << 20


def result(*offsets: int, **changes) -> Verified:
    """A comparison of 1 MiB in a second; the bytes at ``offsets`` differ."""
    test = bytearray(SIZE)
    for offset in offsets:
        test[offset] = 1
    found = differences(0, bytearray(SIZE), test) if offsets else Differences()
    error = MismatchError(operation="verify", offset=0, length=SIZE, differences=found) if offsets else None
    values = {
        "pair": "pair",
        "raw": "raw.img",
        "test": "test.qcow2",
        "raw_length": SIZE,
        "test_length": SIZE,
        "offset": 0,
        "length": SIZE,
        "until": SIZE,
        "read": SIZE,
        "elapsed": 1.0,
        "shown": 16,
        "error": error,
    }
    return Verified(**values | changes)


def test_lines_when_equal_then_so_and_how_much_was_compared():
    assert list(verified_lines(result())) == [
        "verify: the sides agree",
        "  1 MiB compared, 01.00 sec (1 MiB/sec)",
    ]


def test_lines_when_zeroes_are_known_then_how_many():
    _, line = verified_lines(result(read=SIZE // 2))

    assert "1 MiB compared (512 KiB known to be zero)," in line


def test_lines_when_a_range_was_compared_then_where():
    _, line = verified_lines(result(offset=4096, length=512, until=4608, read=512))

    assert "512 bytes from 0x1000 compared," in line


def test_lines_when_runs_differ_then_they_are_listed():
    assert list(verified_lines(result(512, 513, 4096)))[2:] == [
        "  1  [0x200, 0x202)  2 bytes",
        "  2  [0x1000, 0x1001)  1 byte",
    ]


def test_lines_when_runs_are_many_then_sixteen_and_how_to_see_more():
    lines = list(verified_lines(result(*range(0, 2000, 100))))

    assert lines[0] == "verify: 20 bytes differ in 20 runs, 4 sectors, not 512-aligned"
    assert len(lines) == 19
    assert lines[-1] == "  and 4 more; 'verify --all' or 'mismatches' lists them"


def test_lines_when_all_are_asked_for_then_all():
    assert len(list(verified_lines(result(*range(0, 2000, 100), shown=20)))) == 22


def test_lines_when_a_side_cannot_be_read_then_where_and_why():
    places = [Unreadable("raw", Run(at, at + 1), errno.EIO, "bad\nplace") for at in range(17)]

    lines = list(verified_lines(result(unreadable=places, unreadable_count=20)))

    assert lines[0] == "verify: the sides agree where both can be read"
    assert lines[2] == "  raw  [0x0, 0x1) cannot be read: bad\\nplace"
    assert lines[-1] == "  and 4 more runs cannot be read"


@pytest.mark.parametrize(
    ("strict", "verdict", "end"),
    [
        (False, "the sides agree", "; past that the test side has to read as zeroes"),
        (True, "the sides agree, but are not equally long", ""),
    ],
)
def test_lines_when_lengths_differ_then_which_is_longer(strict, verdict, end):
    first, _, last = verified_lines(result(raw_length=SIZE // 2, strict=strict))

    assert first == f"verify: {verdict}"
    assert last == f"  the raw side ends at 0x80000, the test side at 0x100000{end}"


def test_lines_when_stopped_then_how_to_go_on():
    *_, last = verified_lines(result(length=4096))

    assert last == "  stopped at 0x1000 of 0x100000; 'verify --resume' goes on from there"
