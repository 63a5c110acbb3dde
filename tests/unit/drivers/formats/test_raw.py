from __future__ import annotations

import os

import pytest

from pyqio.base.errors import BlockError, OpenError, OptionError, ProbedRawWrite, Unsupported
from pyqio.base.types import Cache, Caps, Location, OpenFlags
from pyqio.block import registry
from pyqio.block.graph import Graph

FLAGS = OpenFlags(cache=Cache(writeback=True), discard="unmap")
QCOW2_HEAD = b"QFI\xfb\0\0\0\3" + bytes(504)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(bytes(i // 512 for i in range(131072)))
    return path


def open_raw(path, **options):
    return Graph().open(None, {"driver": "raw", "file": {"driver": "file", "filename": str(path)}, **options}, FLAGS)


def open_guessed(path):
    return Graph().open(str(path), None, FLAGS)


class TestRange:
    @pytest.mark.parametrize(
        ("options", "length", "first"),
        [
            ({}, 131072, 0),
            ({"offset": 1024}, 130048, 2),
            ({"offset": "1k", "size": "1k"}, 1024, 2),
            ({"size": 512}, 512, 0),
            ({"size": 0}, 0, 0),
            ({"offset": 131072}, 0, 0),
            ({"offset": 130559}, 1024, 254),
        ],
    )
    def test_image_is_the_part_of_the_file_asked_for(self, path, options, length, first):
        with open_raw(path, **options) as image:
            assert image.length() == length
            assert image.pread(0, min(length, 1)) == bytes([first])[:length]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"offset": 131584}, r"Offset \(131584\) cannot be greater than size of the containing file \(131072\)"),
            ({"offset": 2**64 - 1}, r"Offset \(18446744073709551615\) cannot be greater"),
            (
                {"offset": 512, "size": 131072},
                r"The sum of offset \(512\) and size \(131072\) has to be smaller or equal to the  actual size of the "
                r"containing file \(131072\)",
            ),
            ({"size": 1025}, "Specified size is not multiple of 512"),
            ({"offset": "x"}, "Parameter 'offset'"),
            ({"foo": "x"}, "Block format 'raw' does not support the option 'foo'"),
        ],
    )
    def test_part_that_does_not_fit_is_refused(self, path, options, message):
        with pytest.raises(OpenError, match=message):
            open_raw(path, **options)

    def test_write_lands_at_the_offset(self, path):
        with open_raw(path, offset=1000) as image:
            image.pwrite(24, b"hello")

        assert path.read_bytes()[1023:1030] == b"\1hello\2"

    def test_file_is_required(self):
        with pytest.raises(OpenError, match='A block device must be specified for "file"'):
            Graph().open(None, {"driver": "raw"})

    def test_two_parts_of_a_file_are_open_at_once(self, path):
        with open_raw(path, size=65536) as first, open_raw(path, offset=65536) as second:
            first.pwrite(0, b"first")
            second.pwrite(0, b"second")

        assert path.read_bytes()[65536:65542] == b"second"


class TestTruncate:
    def test_file_is_resized_behind_the_offset(self, path):
        with open_raw(path, offset=512) as image:
            image.truncate(1024)

            assert image.length() == 1024
        assert path.stat().st_size == 1536

    def test_length_is_rounded_up_and_the_file_is_not(self, path):
        with open_raw(path) as image:
            image.truncate(513)

            assert image.length() == 1024
        assert path.stat().st_size == 513

    def test_part_of_fixed_size_is_not_resized(self, path):
        with open_raw(path, size=512) as image, pytest.raises(Unsupported, match="Cannot resize fixed-size raw disks"):
            image.truncate(512)

    def test_mode_reaches_the_file(self, path):
        with open_raw(path) as image, pytest.raises(BlockError, match="Unsupported preallocation mode: metadata"):
            image.truncate(2**20, prealloc="metadata")


class TestGuessed:
    @pytest.fixture(autouse=True)
    def blank(self, path):
        path.write_bytes(bytes(131072))

    @pytest.mark.parametrize(
        "write",
        [
            lambda image: image.pwrite(0, QCOW2_HEAD),
            lambda image: image.pwrite(0, QCOW2_HEAD[:8]),
            lambda image: image.pwrite(0, QCOW2_HEAD + bytes(8000)),
            lambda image: image.pwritev(0, [QCOW2_HEAD[:3], QCOW2_HEAD[3:]]),
        ],
    )
    def test_write_that_makes_it_another_format_is_refused(self, path, write):
        with open_guessed(path) as image, pytest.raises(ProbedRawWrite, match=r"look like qcow2; -f raw lifts"):
            write(image)

        assert path.read_bytes() == bytes(131072)

    def test_write_that_completes_a_signature_is_refused(self, path):
        with open_guessed(path) as image:
            image.pwrite(4, QCOW2_HEAD[4:8])

            with pytest.raises(ProbedRawWrite):
                image.pwrite(0, QCOW2_HEAD[:4])

    @pytest.mark.parametrize(
        "write",
        [
            lambda image: image.pwrite(0, b"Q" * 512),
            lambda image: image.pwrite(512, QCOW2_HEAD),
            lambda image: image.zero(0, 65536),
            lambda image: image.discard(0, 65536),
            lambda image: image.pwrite(0, b""),
        ],
    )
    def test_any_other_write_is_done(self, path, write):
        with open_guessed(path) as image:
            write(image)

            assert image.length() == 131072

    def test_named_raw_is_written_with_anything(self, path):
        with open_raw(path) as image:
            image.pwrite(0, QCOW2_HEAD)

        assert path.read_bytes()[:512] == QCOW2_HEAD


class TestPassing:
    def test_alignment_of_the_file_counts_where_the_offset_has_it_too(self, path, monkeypatch):
        monkeypatch.setattr("pyqio.drivers.posix.direct.request_alignment", lambda fd: 512)
        direct = OpenFlags(cache=Cache(writeback=True, direct=True))
        spec = {"driver": "raw", "file": {"driver": "file", "filename": str(path)}}

        with (
            Graph().open(None, {**spec, "offset": 1024}, direct) as even,
            Graph().open(None, {**spec, "offset": 1000}, direct) as odd,
        ):
            assert (even.node.limits.request_alignment, odd.node.limits.request_alignment) == (512, 1)
            assert odd.pread(24, 512) == even.pread(0, 512)

    def test_abilities_are_the_file_s_except_for_growing(self, path):
        with open_raw(path) as image:
            assert image.node.caps == Caps(may_unmap=True, zero_init=True)

    def test_extents_are_the_file_s_as_seen_from_the_offset(self, path):
        path.write_bytes(b"")
        os.truncate(path, 262144)
        with path.open("r+b") as file:
            file.seek(65536)
            file.write(b"x" * 65536)

        with open_raw(path, offset=1024, size=131072) as image:
            extents = [(e.offset, e.length, e.data, e.allocated, e.host_offset) for e in image.block_status()]

        assert extents == [
            (0, 64512, False, True, 1024),
            (64512, 65536, True, True, 65536),
            (130048, 1024, False, True, 131072),
        ]

    def test_byte_is_located_in_the_file(self, path):
        with open_raw(path, offset=1024) as image:
            assert image.node.locate(10) == Location(kind="data", child="file", host_offset=1034)


class TestReopen:
    def test_offset_and_size_may_change(self, path):
        with open_raw(path) as image:
            image.reopen(options={"offset": "1k", "size": "512"})

            assert (image.length(), image.pread(0, 1)) == (512, b"\2")

    def test_part_that_does_not_fit_is_refused(self, path):
        with open_raw(path, size=512) as image:
            with pytest.raises(OpenError, match="cannot be greater"):
                image.reopen(options={"offset": "1M"})

            assert (image.length(), image.pread(0, 1)) == (512, b"\0")

    def test_unknown_option_is_refused(self, path):
        with open_raw(path) as image, pytest.raises(OptionError, match="Cannot change the option 'foo'"):
            image.reopen(options={"foo": "1"})


class TestCreate:
    def test_protocol_of_the_name_makes_the_file(self, tmp_path):
        values = registry.require("raw").create(str(tmp_path / "new"), 2**20, {"preallocation": "falloc"})

        assert values == {"size": 2**20, "preallocation": "falloc"}
        assert (tmp_path / "new").stat().st_size == 2**20

    def test_protocol_that_cannot_says_so(self):
        with pytest.raises(OpenError, match="'null-co' does not support image creation"):
            registry.require("raw").create("null-co://", 512, {})
