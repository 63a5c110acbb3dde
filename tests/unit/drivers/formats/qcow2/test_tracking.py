"""Bitmaps while the disk is written to: the bits, the order of writes, and what a power cut leaves."""

from __future__ import annotations

import errno
import random
from contextlib import suppress

import pytest

from pyqio.base.errors import BlockError, Unsupported
from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2.bitmaps import AUTO, IN_USE, read_directory
from pyqio.drivers.formats.qcow2.tracking import clear_bits, set_bits
from tests.unit.drivers.formats.qcow2.conftest import Opened, Recorder, entry, findings
from tests.unit.drivers.formats.qcow2.test_order import cut

MIB = 1 << 20
CLUSTER = 65536


def stored(file):
    """Each bitmap on disk that is not in use: its name, and the numbers of its set bits."""
    store = Opened(file, read_only=True).store
    where = headers.bitmaps_extension(store.header)
    return {e.text: bits(store, e) for e in read_directory(store, where) if not e.in_use}


def bits(store, found):
    size, table = store.geometry.cluster_size, bytearray(found.fields.table_size * 8)
    store.file.pread(found.fields.table_offset, memoryview(table))
    data = b""
    for at in range(0, len(table), 8):
        number = int.from_bytes(table[at : at + 8], "big")
        page = bytearray(size)
        store.file.pread(number, memoryview(page)) if number > 1 else None
        data += b"\xff" * size if number == 1 else bytes(page)
    return {n for n in range(len(data) * 8) if data[n >> 3] >> (n & 7) & 1}


@pytest.mark.parametrize("cluster_size", [512, CLUSTER])
def test_close_when_ranges_have_changed_then_their_bits_are_stored(with_bitmaps, cluster_size):
    qcow2 = Opened(
        with_bitmaps(
            entry("fine", granularity_bits=9), entry("coarse", granularity_bits=16), size=MIB, cluster_size=cluster_size
        )
    )
    qcow2.image.pwrite(1000, b"x" * 600)
    qcow2.image.zero(300_000, 10)
    qcow2.image.discard(500_000, 512)
    qcow2.image.pwrite(MIB - 1, b"x")
    qcow2.image.close()

    assert stored(qcow2.file) == {"fine": {1, 2, 3, 585, 976, 977, 2047}, "coarse": {0, 4, 7, 15}}
    assert findings(Opened(qcow2.file)) == []


def test_close_when_bits_were_there_then_they_stay(with_bitmaps):
    file = with_bitmaps(entry("b"))
    for cluster in (3, 9, 3):
        qcow2 = Opened(file)
        qcow2.image.pwrite(cluster * CLUSTER, b"x")
        qcow2.image.close()

    assert stored(file) == {"b": {3, 9}}


def test_close_when_nothing_was_written_then_nothing_is_stored(with_bitmaps):
    file = with_bitmaps(entry("b"))
    before = bytes(file.data)

    Opened(file).image.close()

    assert file.data == before


def test_close_when_something_was_written_then_a_disabled_bitmap_stays_as_it_was(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b", flags=0), table=1))

    qcow2.image.pwrite(0, b"x")
    qcow2.image.close()

    assert stored(qcow2.file) == {"b": set(range(8 * CLUSTER))}


def test_close_when_a_bitmap_was_in_use_before_then_it_stays_so(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b", flags=IN_USE | AUTO), entry("good")))

    qcow2.image.pwrite(0, b"x")
    qcow2.image.close()

    assert stored(qcow2.file) == {"good": {0}}
    assert findings(Opened(qcow2.file)) == []


def test_open_when_writable_then_in_use_is_on_stable_storage(with_bitmaps):
    file = with_bitmaps(entry("b"), entry("off", flags=0))
    before = stored(file)

    Opened(file)

    assert list(before) == ["b", "off"]
    assert stored(Recorder(file.stable)) == {}


def test_reopen_when_read_only_then_stored_and_noted_again_afterwards(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b")))
    qcow2.image.pwrite(0, b"x")
    qcow2.image.reopen(read_only=True)
    first = stored(qcow2.file)
    qcow2.image.reopen(read_only=False)
    qcow2.image.pwrite(CLUSTER, b"x")
    used = stored(qcow2.file)
    qcow2.image.close()

    assert (first, used, stored(qcow2.file)) == ({"b": {0}}, {}, {"b": {0, 1}})


def test_close_when_a_whole_page_has_changed_then_the_table_says_ones(with_bitmaps):
    qcow2 = Opened(
        with_bitmaps(entry("b", granularity_bits=9).with_fields(table_size=3), size=5 * MIB, cluster_size=512)
    )

    qcow2.image.pwrite(MIB, b"x")
    qcow2.image.discard(0, 5 * MIB)
    qcow2.image.pwrite(3 * MIB, b"x")
    qcow2.image.close()

    (entry_now,) = qcow2.store.bitmaps._bitmaps
    table = entry_now._read_table(qcow2.store)
    assert list(table[:2]) == [1, 1]
    assert stored(qcow2.file) == {"b": set(range(5 * MIB // 512))}
    assert findings(Opened(qcow2.file)) == []


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ((MIB, 2 * MIB), {0, 15}),
        ((512, MIB), {0}),
        ((CLUSTER * 3 // 2, MIB), {0}),
        ((64 << 30, 32 << 30), {0, 15}),
        ((64 << 30,), {0, 15}),
        ((0, MIB), set()),
    ],
)
def test_truncate_when_there_are_bitmaps_then_they_follow(with_bitmaps, sizes, left):
    qcow2 = Opened(with_bitmaps(entry("b"), entry("off", flags=0)))
    qcow2.image.pwrite(0, b"x")
    qcow2.image.pwrite(MIB - 1, b"x")
    for size in sizes:
        qcow2.image.truncate(size)
    qcow2.image.close()

    assert stored(qcow2.file) == {"b": left, "off": set()}
    assert findings(Opened(qcow2.file)) == []


def test_close_when_the_disk_has_no_bytes_then_its_bitmaps_stay_in_use(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b")))

    qcow2.image.truncate(0)
    qcow2.image.close()

    assert stored(qcow2.file) == {}
    assert findings(Opened(qcow2.file)) == []


@pytest.mark.parametrize("changes", range(12))
def test_reopen_when_it_fails_then_what_is_written_afterwards_is_noted_too(with_bitmaps, changes):
    file = with_bitmaps(entry("b"))
    qcow2 = Opened(file)
    qcow2.image.pwrite(0, b"x")
    file.fail_at = file.changes + changes

    with suppress(BlockError):
        qcow2.image.reopen(read_only=True)
    file.fail_at = None
    qcow2.image.reopen(read_only=False)
    qcow2.image.pwrite(3 * CLUSTER, b"x")
    used = stored(file)
    qcow2.image.close()

    assert used == {}
    assert stored(file) == {"b": {0, 3}}
    assert [finding for finding in findings(Opened(file)) if "Leaked" not in finding] == []


def test_truncate_when_a_table_says_ones_then_no_bit_is_set_past_the_end(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b"), table=1))

    qcow2.image.truncate(2 * MIB)
    qcow2.image.close()

    assert stored(qcow2.file) == {"b": set(range(16))}


def test_truncate_when_a_bitmap_is_inconsistent_then_refused(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("good"), entry("bad", flags=IN_USE)))

    with pytest.raises(Unsupported, match="Bitmap 'bad' is inconsistent and cannot be used"):
        qcow2.image.truncate(2 * MIB)

    assert qcow2.image.length() == MIB


def test_apply_when_there_are_bitmaps_then_refused(with_bitmaps):
    qcow2 = Opened(with_bitmaps(entry("b")))
    qcow2.image.snapshot_create("s")

    with pytest.raises(BlockError, match="Device has active dirty bitmaps") as caught:
        qcow2.image.snapshot_apply("s")

    assert caught.value.errno == errno.EBUSY


@pytest.mark.parametrize("number", [CLUSTER + 512, 1 << 60, 5 * CLUSTER | 1, 2, CLUSTER])
def test_write_when_the_table_is_damaged_then_the_bitmap_stays_in_use(with_bitmaps, number):
    qcow2 = Opened(with_bitmaps(entry("b"), table=number))

    qcow2.image.pwrite(0, b"x")
    qcow2.image.close()

    assert stored(qcow2.file) == {}
    assert Opened(qcow2.file).image.pread(0, 1) == b"x"


def test_close_when_the_file_is_full_then_the_bitmap_stays_in_use_and_the_data_is_there(with_bitmaps):
    file = with_bitmaps(entry("b"))
    qcow2 = Opened(file)
    qcow2.image.pwrite(0, b"x")
    qcow2.image.flush()
    file.fail_at = file.changes

    with pytest.raises(BlockError):
        qcow2.image.close()

    file.fail_at = None
    assert stored(file) == {}
    assert Opened(file, read_only=True).image.pread(0, 1) == b"x"


@pytest.mark.parametrize("seed", range(6))
def test_power_cut_at_any_write_leaves_no_trusted_bitmap_that_missed_a_change(with_bitmaps, seed):
    rng = random.Random(seed)
    file = with_bitmaps(entry("b", granularity_bits=12), entry("c", granularity_bits=9), cluster_size=4096)
    missed = []

    def look():
        for _ in range(2):
            survivor = cut(file, rng)
            trusted = stored(survivor)
            data = Opened(survivor).image.pread(0, MIB)
            changed = [at for at in range(0, MIB, 512) if any(data[at : at + 512])]
            for name, width in (("b", 4096), ("c", 512)):
                if name in trusted:
                    missed.extend(at for at in changed if at // width not in trusted[name])

    file.on_change = look
    for _ in range(2):
        qcow2 = Opened(file)
        for _ in range(3):
            qcow2.image.pwrite(rng.randrange(MIB - 9000), b"x" * rng.choice([1, 512, 9000]))
            rng.choice([qcow2.image.flush, int])()
        qcow2.image.close()

    assert missed == []
    assert set(stored(file)) == {"b", "c"}


@pytest.mark.parametrize("low", range(0, 20, 3))
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 30])
def test_set_bits_when_any_range_then_exactly_those(low, count):
    page = bytearray(8)

    set_bits(page, low, low + count)

    assert int.from_bytes(page, "little") == ((1 << count) - 1) << low


@pytest.mark.parametrize("low", range(1, 32))
def test_clear_bits_when_any_start_then_all_from_there_on(low):
    page = bytearray(b"\xff" * 4)

    clear_bits(page, low)

    assert int.from_bytes(page, "little") == (1 << low) - 1
