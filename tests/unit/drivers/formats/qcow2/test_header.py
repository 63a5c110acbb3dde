from __future__ import annotations

import pytest

from pyqio.base.errors import FormatError
from pyqio.drivers.formats.qcow2 import header as headers
from tests.unit.drivers.formats.qcow2.conftest import Opened, patched

MIB = 1 << 20
EXTENSIONS = 112
"""Where the extensions of a new image start."""


def parse(file, *, writable=True):
    def read(offset, length):
        return bytes(file.data[offset : offset + length]).ljust(length, b"\0")

    return headers.parse(read, writable=writable)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ((0, 4, 0), "Image is not in qcow2 format"),
        ((4, 4, 1), "Unsupported qcow2 version 1"),
        ((4, 4, 4), "Unsupported qcow2 version 4"),
        ((20, 4, 8), "Unsupported cluster size: 2^8"),
        ((20, 4, 22), "Unsupported cluster size: 2^22"),
        ((100, 4, 103), "qcow2 header too short"),
        ((100, 4, 65537), "qcow2 header exceeds cluster size"),
        ((8, 8, 2**63), "Invalid backing file offset"),
        ((8, 12, 65536 << 32 | 10), "Backing file name too long"),
        ((24, 8, 2**63), "Image is too big"),
        ((24, 8, 2**40), "L1 table is too small"),
        ((32, 4, 3), "Unsupported encryption method 3"),
        ((32, 4, 2), "Missing CRYPTO header for crypt method 2"),
        ((36, 4, 0), "L1 table is too small"),
        ((36, 4, 4194305), "Active L1 table too large"),
        ((40, 8, 513), "Active L1 table offset invalid"),
        ((40, 8, 2**63), "Active L1 table offset invalid"),
        ((48, 8, 512), "Reference count table offset invalid"),
        ((56, 4, 0), "Image does not contain a reference count table"),
        ((56, 4, 129), "Reference count table too large"),
        ((60, 4, 65537), "Snapshot table too large"),
        ((64, 8, 1), "Snapshot table offset invalid"),
        ((72, 8, 2), "qcow2: Image is corrupt; cannot be opened read/write"),
        ((72, 8, 32), "Unsupported qcow2 feature(s): Unknown incompatible feature: 20"),
        ((72, 8, 8), "qcow2: Compression type incompatible feature bit must not be set"),
        ((104, 1, 1), "qcow2: Compression type incompatible feature bit must be set"),
        ((104, 1, 9), "qcow2: unknown compression type: 9"),
        ((88, 8, 2), "data-file-raw requires a data file"),
        ((96, 4, 7), "Reference count entry width too large; may not exceed 64 bits"),
        ((EXTENSIONS, 8, 0x12345678_7FFFFFFF), "Header extension too large"),
        ((EXTENSIONS, 8, 0xE2792ACA_00000010), "ERROR: ext_backing_format: len=16 too large (>=16)"),
        ((EXTENSIONS, 8, 0x0537BE77_00000010), "CRYPTO header extension only expected with LUKS encryption method"),
        ((EXTENSIONS, 8, 0x23852875_00000010), "bitmaps_ext: Invalid extension length"),
    ],
)
def test_parse_when_a_field_is_wrong_says_which(blank, edit, message):
    file = patched(blank(MIB), edit)

    with pytest.raises(FormatError) as caught:
        parse(file)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        ((1 << 32 | 1, 0, 0), "bitmaps_ext: Reserved field is not zero"),
        ((65536 << 32, 0, 0), "bitmaps_ext: Image has 65536 bitmaps, exceeding the QEMU supported maximum of 65535"),
        ((0, 0, 0), "found bitmaps extension with zero bitmaps"),
        ((1 << 32, 0, 513), "bitmaps_ext: invalid bitmap directory offset"),
        (
            (1 << 32, 2**40, 0),
            "bitmaps_ext: bitmap directory size (1099511627776) exceeds the maximum supported size (67107840)",
        ),
    ],
)
def test_parse_when_the_bitmaps_extension_is_wrong_says_where(blank, extension, message):
    numbers = ((EXTENSIONS + 8 + 8 * i, 8, number) for i, number in enumerate(extension))
    file = patched(blank(MIB), (88, 8, 1), (EXTENSIONS, 8, 0x23852875_00000018), *numbers)

    with pytest.raises(FormatError) as caught:
        parse(file)

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("extension", "message"),
    [
        ((15, 0), "CRYPTO header extension size 15, but expected size 16"),
        ((16, 513), "Encryption header offset '513' is not a multiple of cluster size '65536'"),
    ],
)
def test_parse_when_the_crypto_extension_is_wrong_says_where(blank, extension, message):
    length, offset = extension
    file = patched(blank(MIB), (32, 4, 2), (EXTENSIONS, 8, 0x0537BE77 << 32 | length), (EXTENSIONS + 8, 8, offset))

    with pytest.raises(FormatError) as caught:
        parse(file)

    assert caught.value.message == message


def test_parse_when_the_header_is_longer_than_known_keeps_the_rest(blank):
    file = patched(blank(MIB), (100, 4, 128), (112, 16, 0x0102030405060708_090A0B0C0D0E0F10), (128, 8, 0))

    header = parse(file)

    assert header.tail == bytes(8) + bytes(range(1, 17))
    assert header.extensions == ()


def test_parse_when_a_feature_is_unknown_takes_its_name_from_the_table(blank):
    row = EXTENSIONS + 8
    file = patched(blank(MIB), (72, 8, 1 << 5 | 1 << 6), (row, 2, 0x0005), (row + 2, 8, 0x6669766500000000))

    with pytest.raises(FormatError) as caught:
        parse(file)

    assert caught.value.message == "Unsupported qcow2 feature(s): five, Unknown incompatible feature: 40"


def test_parse_when_the_image_is_corrupt_and_read_only_accepts_it(blank):
    header = parse(patched(blank(MIB), (72, 8, 2)), writable=False)

    assert header.fields.incompatible_features == 2


def test_parse_when_the_file_ends_early_takes_the_rest_for_zeroes(blank):
    file = blank(MIB)
    del file.data[10:]

    with pytest.raises(FormatError, match=r"Unsupported cluster size: 2\^0"):
        parse(file)


def test_extensions_when_the_header_is_rewritten_stay_as_they_were(blank):
    unknown = (EXTENSIONS, 8, 0x12345678_00000005), (EXTENSIONS + 8, 8, 0x68656C6C6F_FFFFFF), (88, 8, 1 << 40)
    file = patched(blank(MIB), *unknown)
    before = bytes(file.data[EXTENSIONS:65536])

    Opened(file).image.close()

    assert file.data[88:96] == bytes(8), "unknown autoclear features go"
    assert file.data[EXTENSIONS:65536] == before


def test_extension_when_there_are_two_of_a_kind_the_last_counts(blank):
    first = (EXTENSIONS, 16, 0xE2792ACA_00000003_7261770000000000)
    second = (EXTENSIONS + 16, 16, 0xE2792ACA_00000003_666F6F0000000000)
    end = (EXTENSIONS + 32, 8, 0)

    header = parse(patched(blank(MIB), first, second, end))

    assert header.extension(headers.EXT_BACKING_FORMAT) == b"foo"


def test_unknown_compatible_features_when_the_image_is_written_stay(blank):
    file = patched(blank(MIB), (80, 8, 1 << 40))

    with Opened(file).image as image:
        image.pwrite(0, b"x")

    assert int.from_bytes(file.data[80:88], "big") == 1 << 40
