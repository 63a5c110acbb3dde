"""What every driver must do, whatever it keeps its bytes in.

A driver's test subclasses ``DriverConformance``, or ``StoringConformance`` if what is written can be read back, and
adds ``Resizable``, ``Reopenable`` and ``Persistent`` where they apply:

    class TestMyDriver(Persistent, Resizable, StoringConformance):
        driver = "my-driver"

        def create(self, folder, size):
            ...make an image of zeroes of ``size`` bytes, and return the options that open it
"""

from __future__ import annotations

import errno
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from pyqio.base.errors import BlockError, ReadOnly, Unsupported
from pyqio.base.types import Cache, OpenFlags
from pyqio.block import way
from pyqio.block.graph import Graph
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pyqio.block.image import Image

KIB = 1024
MIB = 1024 * KIB

ZERO_FLAGS = [
    pytest.param({}, id="plain"),
    pytest.param({"unmap": True}, id="unmap"),
    pytest.param({"fua": True}, id="fua"),
    pytest.param({"unmap": True, "fua": True}, id="unmap-fua"),
]
WRITES = {
    "write": lambda image: image.pwrite(0, bytes(512)),
    "one byte": lambda image: image.pwrite(7, b"x"),
    "write fua": lambda image: image.pwrite(0, bytes(512), fua=True),
    "zero": lambda image: image.zero(0, 4096),
    "zero unmap": lambda image: image.zero(0, 4096, unmap=True),
    "discard": lambda image: image.discard(0, 4096),
    "truncate": lambda image: image.truncate(512),
}
OUTSIDE = {
    "read": lambda image, at, length: image.pread(at, length),
    "write": lambda image, at, length: image.pwrite(at, bytes(length)),
    "zero": lambda image, at, length: image.zero(at, length),
    "discard": lambda image, at, length: image.discard(at, length),
    "block status": lambda image, at, length: image.block_status(at, length),
}


class DriverConformance:
    """What holds even for a driver that forgets everything."""

    driver: ClassVar[str]
    """The driver's name."""
    size: ClassVar[int] = MIB + 3 * 512
    """Bytes of the image that most tests use: on purpose no multiple of a page or a cluster."""
    cache: ClassVar[Cache] = Cache(writeback=True)
    secrets: ClassVar[Secrets] = NO_SECRETS
    """What the options of an image may refer to."""

    def create(self, folder: Path, size: int) -> Mapping[str, Any]:
        """Make an image of ``size`` zero bytes in ``folder`` and return the options that open it."""
        raise NotImplementedError

    def open(self, spec: Mapping[str, Any], *, read_only: bool = False, discard: str = "unmap") -> Image:
        """Open what ``create`` made."""
        flags = OpenFlags(read_only=read_only, cache=self.cache, discard=discard)
        return Graph(secrets=self.secrets).open(None, spec, flags)

    def check(self, folder: Path) -> None:
        """Look at the files that a closed image left in ``folder``: whatever more the driver knows to verify."""

    @pytest.fixture
    def spec(self, tmp_path):
        return self.create(tmp_path, self.size)

    @pytest.fixture
    def image(self, spec, tmp_path):
        with self.open(spec) as image:
            yield image
        self.check(tmp_path)

    def test_length_of_new_image_is_what_was_asked_for(self, image):
        assert image.length() == self.size

    @pytest.mark.parametrize("operation", OUTSIDE)
    @pytest.mark.parametrize(("past", "length"), [(0, 1), (-511, 512), (MIB, 512), (2**62, 1)])
    def test_request_past_the_end_is_refused(self, image, operation, past, length):
        with pytest.raises(BlockError) as caught:
            OUTSIDE[operation](image, self.size + past, length)

        assert caught.value.errno == errno.EIO

    @pytest.mark.parametrize("operation", OUTSIDE)
    def test_request_of_no_bytes_succeeds_at_the_end(self, image, operation):
        OUTSIDE[operation](image, self.size, 0)

        assert image.length() == self.size

    @pytest.mark.parametrize("operation", OUTSIDE)
    def test_request_of_no_bytes_leaves_the_image_alone(self, image, operation):
        before = image.pread(0, self.size)

        OUTSIDE[operation](image, 4096, 0)

        assert image.pread(0, self.size) == before

    @pytest.mark.parametrize("operation", WRITES)
    def test_change_of_read_only_image_is_refused(self, spec, operation):
        with self.open(spec, read_only=True) as image:
            before = image.pread(0, 8192)
            with pytest.raises(ReadOnly):
                WRITES[operation](image)

            assert image.pread(0, 8192) == before

    def test_block_status_covers_exactly_the_range_asked_for(self, image):
        image.pwrite(300 * KIB, b"x" * 5000)

        extents = list(image.block_status(100 * KIB + 1, 500 * KIB))

        assert [extent.offset for extent in extents] == _starts(100 * KIB + 1, extents)
        assert sum(extent.length for extent in extents) == 500 * KIB
        assert all(extent.length > 0 for extent in extents)

    @pytest.mark.parametrize("offset", [0, 300 * KIB + 7, 700 * KIB])
    def test_way_of_a_byte_ends_on_the_host_and_nothing_is_wrong(self, image, offset):
        image.pwrite(300 * KIB, b"x" * 5000)

        stops = way.trace(image.node, offset)

        assert all(stop.explanation.kind for stop in stops)
        assert [text for stop in stops for text in stop.explanation.wrong] == []
        assert all(onward.child in stop.node.children for stop in stops for onward in stop.explanation.next)
        assert all(stop.offset >= 0 for stop in stops)

    def test_flush_succeeds_with_and_without_writes(self, image):
        image.flush()
        image.pwrite(512, b"x" * 512)
        image.flush()
        image.flush()

        assert image.length() == self.size

    def test_second_close_does_nothing(self, spec):
        image = self.open(spec)

        image.close()
        image.close()

        with self.open(spec) as again:
            assert again.length() == self.size


class StoringConformance(DriverConformance):
    """What is written is read back."""

    huge: ClassVar[int] = 2**40
    """The largest size that a sparse image of this driver is tried with; 0: none."""

    def test_new_image_reads_as_zeroes(self, image):
        assert image.pread(0, self.size) == bytes(self.size)

    def test_read_leaves_nothing_of_what_was_in_the_buffer(self, image):
        buf = bytearray(b"\xee" * self.size)

        image.pread_into(0, buf)

        assert buf == bytes(self.size)

    def test_random_writes_are_read_back(self, image):
        model = bytearray(self.size)
        rng = random.Random(1)

        for _ in range(150):
            length = rng.choice([1, 5, 512, 4096, 5000, 65536, 100_000])
            offset = rng.randrange(self.size - length)
            model[offset : offset + length] = data = rng.randbytes(length)
            image.pwrite(offset, data)
            offset = rng.randrange(self.size - length)

            assert image.pread(offset, length) == model[offset : offset + length]

        assert image.pread(0, self.size) == model

    def test_write_of_the_whole_image_is_read_back_in_pieces(self, image):
        data = random.Random(2).randbytes(self.size)

        image.pwrite(0, data)

        assert b"".join(image.pread(at, min(7777, self.size - at)) for at in range(0, self.size, 7777)) == data

    @pytest.mark.parametrize("offset", [0, 1, 511, 513, 4095, 65535, 65536, MIB - 1])
    @pytest.mark.parametrize("length", [1, 2, 511, 513])
    def test_unaligned_write_leaves_its_neighbours_alone(self, image, offset, length):
        image.pwrite(0, b"\xaa" * self.size)

        image.pwrite(offset, b"\x55" * length)

        after = b"\xaa" * (self.size - offset - length)
        assert image.pread(0, self.size) == b"\xaa" * offset + b"\x55" * length + after

    def test_write_of_the_last_byte_is_read_back(self, image):
        image.pwrite(self.size - 1, b"\x77")

        assert image.pread(self.size - 2, 2) == b"\0\x77"

    def test_vectors_are_one_request(self, image):
        parts = [b"a" * 100, b"b" * 5000, b"", b"c" * 512]
        buffers = [bytearray(700), bytearray(1), bytearray(4911)]

        image.pwritev(1000, parts)
        image.preadv(1000, buffers)

        assert b"".join(buffers) == b"".join(parts)

    @pytest.mark.parametrize("flags", ZERO_FLAGS)
    @pytest.mark.parametrize(("offset", "length"), [(0, 512), (1, 1), (511, 70000), (65536, 131072), (MIB, 3 * 512)])
    def test_zeroed_range_reads_as_zeroes_and_nothing_else_does(self, image, offset, length, flags):
        image.pwrite(0, b"\xaa" * self.size)

        image.zero(offset, length, **flags)

        after = b"\xaa" * (self.size - offset - length)
        assert image.pread(0, self.size) == b"\xaa" * offset + bytes(length) + after

    @pytest.mark.parametrize("flags", ZERO_FLAGS)
    def test_zeroing_what_is_zero_keeps_it_so(self, image, flags):
        image.zero(0, self.size, **flags)

        assert image.pread(0, self.size) == bytes(self.size)

    def test_zeroed_range_can_be_written_again(self, image):
        image.pwrite(0, b"\xaa" * 200_000)
        image.zero(0, 200_000, unmap=True)

        image.pwrite(70_000, b"\x55" * 1000)

        assert image.pread(69_000, 3000) == bytes(1000) + b"\x55" * 1000 + bytes(1000)

    def test_zeroing_without_fallback_zeroes_or_is_not_supported(self, image):
        image.pwrite(0, b"\xaa" * 131072)

        zeroed = _supported(lambda: image.zero(0, 131072, no_fallback=True))

        assert image.pread(0, 131072) == (bytes(131072) if zeroed else b"\xaa" * 131072)

    @pytest.mark.parametrize(("offset", "length"), [(0, 512), (1, 1), (511, 70000), (65536, 131072), (0, MIB)])
    def test_discarded_bytes_are_old_or_zero_and_others_are_kept(self, image, offset, length):
        image.pwrite(0, b"\xaa" * self.size)

        image.discard(offset, length)

        data = image.pread(0, self.size)
        assert set(data[offset : offset + length]) <= {0xAA, 0}
        assert data[:offset] + data[offset + length :] == b"\xaa" * (self.size - length)

    def test_discard_is_ignored_where_the_user_said_so(self, spec):
        with self.open(spec, discard="ignore") as image:
            image.pwrite(0, b"\xaa" * 131072)

            image.discard(0, 131072)

            assert image.pread(0, 131072) == b"\xaa" * 131072

    def test_write_with_fua_is_read_back(self, image):
        image.pwrite(1000, b"durable", fua=True)

        assert image.pread(1000, 7) == b"durable"

    def test_block_status_agrees_with_the_bytes(self, image):
        image.pwrite(100 * KIB, b"x" * 50_000)
        image.zero(300 * KIB, 200 * KIB, unmap=True)
        image.pwrite(320 * KIB + 17, b"y")
        image.zero(120 * KIB, 4096)
        image.discard(64 * KIB, 64 * KIB)

        assert_status_agrees(image)

    def test_threads_with_ranges_of_their_own_do_not_disturb_one_another(self, image):
        workers, share = 8, 50_001  # no multiple of anything: neighbours share sectors and clusters

        with ThreadPoolExecutor(workers) as pool:
            written = list(pool.map(lambda number: _busy_worker(image, number * share, share), range(workers)))

        assert image.pread(0, workers * share) == b"".join(written)

    def test_readers_beside_a_writer_see_only_what_was_written(self, image):
        with ThreadPoolExecutor(4) as pool:
            writer = pool.submit(lambda: [image.pwrite(65000, bytes([i]) * 2000) for i in range(200)])
            readers = [pool.submit(lambda: [image.pread(64000, 4000) for _ in range(200)]) for _ in range(3)]
            writer.result()
            seen = [data for reader in readers for data in reader.result()]

        assert {bytes(data[:1000] + data[3000:]) for data in seen} == {bytes(2000)}
        assert set().union(*(data[1000:3000] for data in seen)) <= set(range(200))
        assert image.pread(64000, 4000) == bytes(1000) + bytes([199]) * 2000 + bytes(1000)

    def test_huge_sparse_image_is_written_at_its_very_end(self, tmp_path):
        with self.open(self.create(tmp_path, self.huge)) as image:
            image.pwrite(self.huge - 1000, b"z" * 1000)
            image.pwrite(2**32 - 100, b"w" * 200)

            assert image.pread(self.huge - 1500, 1500) == bytes(500) + b"z" * 1000
            assert image.pread(2**32 - 101, 202) == b"\0" + b"w" * 200 + b"\0"

    def test_random_session_equals_a_bytearray(self, tmp_path):
        from tests.conformance.model import run_random_sessions

        run_random_sessions(self, tmp_path)


class Resizable:
    """The image can be made shorter and longer."""

    grain: ClassVar[int] = 512
    """The unit, in bytes, that the driver cuts an image in.

    What is cut off inside of a unit may come back when the image grows, as it does with QEMU's qcow2.
    """

    @pytest.mark.parametrize("length", [0, 512, 65536, MIB, 3 * MIB + 512])
    def test_resized_image_has_the_new_length(self, image, length):
        length = length // self.grain * self.grain

        image.truncate(length)

        assert image.length() == length

    def test_bytes_added_read_as_zeroes(self, image):
        image.pwrite(0, b"\xaa" * self.size)

        image.truncate(2 * MIB)

        assert image.pread(0, 2 * MIB) == b"\xaa" * self.size + bytes(2 * MIB - self.size)

    def test_bytes_cut_off_do_not_come_back(self, image):
        kept = 300 * KIB // self.grain * self.grain
        image.pwrite(0, b"\xaa" * self.size)

        image.truncate(kept)
        image.truncate(MIB)

        assert image.pread(0, MIB) == b"\xaa" * kept + bytes(MIB - kept)

    def test_added_range_is_written_and_read(self, image):
        image.truncate(2 * MIB)

        image.pwrite(2 * MIB - 700, b"n" * 700)

        assert image.pread(2 * MIB - 1000, 1000) == bytes(300) + b"n" * 700

    def test_range_that_was_cut_off_is_out_of_bounds(self, image):
        image.truncate(512 * KIB)

        with pytest.raises(BlockError):
            image.pread(512 * KIB, 1)

    def test_block_status_agrees_with_the_bytes_after_resizing(self, image):
        image.pwrite(0, b"\xaa" * self.size)
        image.truncate(500 * KIB)
        image.truncate(2 * MIB)

        assert_status_agrees(image)


class Reopenable:
    """The image can be made read-only and writable again while it is open."""

    def test_change_of_read_only_again_image_is_refused_until_it_is_writable(self, image):
        image.pwrite(0, b"before")

        image.reopen(read_only=True)
        with pytest.raises(ReadOnly):
            image.pwrite(0, b"refuse")
        image.reopen(read_only=False)
        image.pwrite(6, b"after")

        assert image.pread(0, 11) == b"beforeafter"


class Persistent:
    """The bytes outlive the image, in files of the folder that it was made in."""

    def test_bytes_are_there_after_the_image_was_closed_and_opened_again(self, spec, tmp_path):
        data = random.Random(3).randbytes(200_000)
        with self.open(spec) as image:
            image.pwrite(12_345, data)
            image.zero(50_000, 70_000, unmap=True)
        self.check(tmp_path)

        with self.open(spec) as image:
            found = image.pread(0, self.size)

        data = bytes(12_345) + data
        expected = data[:50_000] + bytes(70_000) + data[120_000:]
        assert found == expected.ljust(self.size, b"\0")

    def test_new_size_is_there_after_the_image_was_closed_and_opened_again(self, spec, tmp_path):
        with self.open(spec) as image:
            resized = _supported(lambda: image.truncate(2 * MIB))
        self.check(tmp_path)

        with self.open(spec) as image:
            assert image.length() == (2 * MIB if resized else self.size)

    def test_read_only_image_leaves_every_byte_of_its_files_alone(self, spec, tmp_path):
        with self.open(spec) as image:
            image.pwrite(1000, b"x" * 100_000)
        before = _files(tmp_path)

        with self.open(spec, read_only=True) as image:
            image.pread(0, self.size)
            list(image.block_status())
            image.flush()
            refusals = [_refused(image, write) for write in WRITES.values()]

        assert all(refusals)
        assert _files(tmp_path) == before


def assert_status_agrees(image: Image) -> None:
    """The extents cover the image without gaps, and those that promise zeroes hold zeroes."""
    extents = list(image.block_status())
    assert [extent.offset for extent in extents] == _starts(0, extents)
    assert sum(extent.length for extent in extents) == image.length()
    for extent in extents:
        promised = extent.zero or not extent.allocated
        assert not promised or image.pread(extent.offset, extent.length) == bytes(extent.length)


def _starts(offset, extents):
    ends = [extent.offset + extent.length for extent in extents]
    return [offset, *ends][: len(extents)]


def _supported(action) -> bool:
    try:
        action()
    except Unsupported:
        return False
    return True


def _refused(image, write) -> bool:
    try:
        write(image)
    except ReadOnly:
        return True
    return False


def _files(folder: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def _busy_worker(image: Image, start: int, share: int) -> bytes:
    """Write, zero and discard at random in a range of its own, verify each time, and return what is in it."""
    rng = random.Random(start)
    model = bytearray(share)
    for _ in range(40):
        length = rng.choice([1, 100, 512, 4096, 9000])
        at = rng.randrange(share - length)
        if rng.random() < 0.7:
            model[at : at + length] = data = rng.randbytes(length)
            image.pwrite(start + at, data)
        else:
            model[at : at + length] = bytes(length)
            image.zero(start + at, length, unmap=rng.random() < 0.5)
        at = rng.randrange(share - length)
        assert image.pread(start + at, length) == model[at : at + length]
    return bytes(model)
