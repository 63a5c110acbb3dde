"""Looking for bytes: at the edges of windows and of ranges that are zero."""

from __future__ import annotations

import re
from random import Random

import pytest

import pyqio
from pyqio.base.errors import UsageError
from pyqio.block.emulate import WINDOW
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.verify.search import LONGEST, Needle, from_digits, hits

SIZE = 4 * WINDOW


@pytest.fixture
def disk(tmp_path):
    """``disk(content)``: an image with pieces of bytes at their offsets, open; 64 KiB clusters."""
    opened = []

    def make(content, size=SIZE):
        path = str(tmp_path / "disk.qcow2")
        Qcow2.create(path, size, {})
        image = pyqio.open(path)
        opened.append(image)
        for offset, data in content.items():
            image.pwrite(offset, data)
        return image

    yield make
    for image in opened:
        image.close()


def places(image, needle, start=0, end=None):
    done = []
    found = list(hits(image, needle, start, image.length() if end is None else end, done.append))
    assert sum(done) == (image.length() if end is None else end) - start
    return found


@pytest.mark.parametrize("at", [0, 1, WINDOW - 2, WINDOW - 1, WINDOW, 65536 * 3 - 2, SIZE - 4])
def test_hits_when_the_needle_lies_over_an_edge_then_found_once(disk, at):
    assert places(disk({at: b"abcd"}), Needle(b"abcd")) == [at]


def test_hits_when_they_overlap_then_all(disk):
    assert places(disk({WINDOW - 3: b"aaaaa"}), Needle(b"aaa")) == [WINDOW - 3, WINDOW - 2, WINDOW - 1]


def test_hits_when_part_of_the_needle_is_a_zero_that_is_not_stored_then_found(disk):
    image = disk({65536: b"ab" + bytes(65533) + b"c"})

    assert places(image, Needle(b"\0\0ab")) == [65534]
    assert places(image, Needle(b"c\0\0")) == [131071]


def test_hits_when_the_range_ends_within_the_needle_then_not_found(disk):
    image = disk({1000: b"abcd"})

    assert places(image, Needle(b"abcd"), 1000, 1003) == []
    assert places(image, Needle(b"abcd"), 1001, SIZE) == []
    assert places(image, Needle(b"abcd"), 1000, 1004) == [1000]


def test_hits_when_zeroes_are_looked_for_then_also_where_nothing_is_stored(disk):
    assert places(disk({0: b"x" * 65536}), Needle(bytes(4)), 65530, 65540) == [65536]


def test_hits_when_all_is_zero_then_nothing_is_read(disk, monkeypatch):
    image = disk({}, size=1 << 40)
    monkeypatch.setattr(type(image), "pread_into", None)

    assert places(image, Needle(b"x")) == []


def test_hits_when_compared_with_a_regular_expression_then_the_same(disk):
    rng = Random("search")
    pieces = {rng.randrange(SIZE - 600): rng.choice([b"ab", b"abab\0", b"a" * 600, b"b\0\0"]) for _ in range(400)}
    image = disk(pieces)
    data = image.pread(0, SIZE)

    for needle in (b"ab", b"aba", b"\0a", b"b\0", b"aaaa", b"b\0\0a"):
        assert places(image, Needle(needle)) == [m.start() for m in re.finditer(b"(?=%s)" % re.escape(needle), data)]


@pytest.mark.parametrize(
    ("text", "data", "at"),
    [
        ("deadbeef", "00deadbeef", 1),
        ("0xDEAD", "dead", 0),
        ("de ad", "dedead", 1),
        ("d? ?d", "0dd0cd", 1),
        ("?? 0a", "0a0a0a", 0),
        ("2e 5c ??", "2e5c0a", 0),
    ],
)
def test_from_digits_when_there_are_wildcards_then_they_stand_for_any_digit(text, data, at):
    assert from_digits(text).find(bytes.fromhex(data), 0) == at


@pytest.mark.parametrize("text", ["", "abc", "xy", "a?b", "0x"])
def test_from_digits_when_they_are_no_pairs_then_refused(text):
    with pytest.raises(UsageError):
        from_digits(text)


@pytest.mark.parametrize("length", [0, LONGEST + 1])
def test_needle_when_it_has_no_or_too_many_bytes_then_refused(length):
    with pytest.raises(UsageError):
        Needle(bytes(length))
