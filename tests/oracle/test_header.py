"""Headers that were tampered with: opened, refused and described by us as by qemu-io 7.2."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTENSIONS = 112
"""Where the extensions of a new image start."""

BACKING_FORMAT, FEATURE_NAMES, BITMAPS = 0xE2792ACA, 0x6803F857, 0x23852875
CRYPTO, DATA_FILE, UNKNOWN = 0x0537BE77, 0x44415441, 0x12345678


def field(offset, width, number):
    return offset, number.to_bytes(width, "big")


def extensions(*found, at=EXTENSIONS):
    """Extensions in the place of those of a new image: (kind, data) or (kind, data, length that is said)."""
    data = b""
    for kind, body, *said in found:
        length = said[0] if said else len(body)
        data += kind.to_bytes(4, "big") + length.to_bytes(4, "big") + body.ljust(-(-len(body) // 8) * 8, b"\0")
    return at, data + bytes(8)


def bitmaps(count, reserved, size, offset):
    return b"".join(n.to_bytes(w, "big") for n, w in ((count, 4), (reserved, 4), (size, 8), (offset, 8)))


def feature(bit, name):
    return bytes([0, bit]) + name.ljust(46, b"\0")


INCOMPATIBLE, AUTOCLEAR = 72, 88
EXTERNAL = field(INCOMPATIBLE, 8, 4)

CASES = {
    "length 103": (field(100, 4, 103),),
    "length 105": (field(100, 4, 105),),
    "length 108, extensions unaligned": (field(100, 4, 108),),
    "length 120": (field(100, 4, 120), (112, bytes(16))),
    "length of a cluster": (field(100, 4, 65536),),
    "length past a cluster": (field(100, 4, 65537),),
    "length that leaves half an extension": (field(100, 4, 65532),),
    "length 2^32-1": (field(100, 4, 2**32 - 1),),
    "extension of 2^31-1 bytes": (extensions((UNKNOWN, b"", 2**31 - 1)),),
    "extension of 2^32-7 bytes": (extensions((UNKNOWN, b"", 2**32 - 7)),),
    "extension up to the cluster's end": (extensions((UNKNOWN, b"", 65536 - 120)),),
    "extension past the cluster's end": (extensions((UNKNOWN, b"", 65536 - 119)),),
    "extension past the backing name": (field(8, 8, 200), field(16, 4, 4), extensions((UNKNOWN, b"", 100))),
    "no end of extensions": (field(100, 4, 65520), extensions((UNKNOWN, b"12345678"), at=65520)),
    "end with a length": (extensions((0, b"", 77777777)),),
    "backing name at 0": (field(8, 8, 0), field(16, 4, 5)),
    "backing name of no bytes": (field(8, 8, 1000), field(16, 4, 0)),
    "backing name inside the fields": (field(8, 8, 50), field(16, 4, 4)),
    "backing name at the cluster's end": (field(8, 8, 65536), field(16, 4, 1)),
    "backing name past the cluster": (field(8, 8, 65537), field(16, 4, 1)),
    "backing name of 1023 bytes": (field(8, 8, 2000), field(16, 4, 1023), (2000, b"x" * 1023)),
    "backing name of 1024 bytes": (field(8, 8, 2000), field(16, 4, 1024), (2000, b"x" * 1024)),
    "backing format of 15 bytes": (extensions((BACKING_FORMAT, b"r" * 15)),),
    "backing format of 16 bytes": (extensions((BACKING_FORMAT, b"r" * 16)),),
    "backing format unknown": (
        field(8, 8, 2000),
        field(16, 4, 4),
        (2000, b"base"),
        extensions((BACKING_FORMAT, b"no")),
    ),
    "data file name without the bit": (extensions((DATA_FILE, b"data")),),
    "data file bit without a name": (EXTERNAL,),
    "data file name empty": (EXTERNAL, extensions((DATA_FILE, b""))),
    "data file absent": (EXTERNAL, extensions((DATA_FILE, b"nodata"))),
    "data file name of 2000 bytes": (EXTERNAL, extensions((DATA_FILE, b"d" * 2000))),
    "data file name with NUL": (EXTERNAL, extensions((DATA_FILE, b"no\0data"))),
    "data file name like json:": (EXTERNAL, extensions((DATA_FILE, b'json:{"driver":"null-co"}'))),
    "data file name like a protocol's": (EXTERNAL, extensions((DATA_FILE, b"file:base"))),
    "data file name not UTF-8": (EXTERNAL, extensions((DATA_FILE, b"\xff\xfe"))),
    "data file names, two": (EXTERNAL, extensions((DATA_FILE, b"first"), (DATA_FILE, b"second"))),
    "data file is the image": (EXTERNAL, extensions((DATA_FILE, b"x"))),
    "data file is a folder": (EXTERNAL, extensions((DATA_FILE, b"folder"))),
    "raw bit without a data file": (field(AUTOCLEAR, 8, 2),),
    "unknown incompatible": (field(INCOMPATIBLE, 8, 1 << 5),),
    "unknown incompatible, two": (field(INCOMPATIBLE, 8, 1 << 63 | 1 << 9 | 1),),
    "unknown compatible": (field(80, 8, 1 << 63),),
    "unknown autoclear": (field(AUTOCLEAR, 8, 1 << 63),),
    "feature named": (field(INCOMPATIBLE, 8, 1 << 5), extensions((FEATURE_NAMES, feature(5, b"five")))),
    "feature named to the last byte": (
        field(INCOMPATIBLE, 8, 1 << 5),
        extensions((FEATURE_NAMES, feature(5, b"f" * 46))),
    ),
    "feature named twice": (
        field(INCOMPATIBLE, 8, 32),
        extensions((FEATURE_NAMES, feature(5, b"a") + feature(5, b"b"))),
    ),
    "feature table cut off": (field(INCOMPATIBLE, 8, 96), extensions((FEATURE_NAMES, feature(5, b"a") + b"\0\6six"))),
    "feature named not in UTF-8": (field(INCOMPATIBLE, 8, 32), extensions((FEATURE_NAMES, feature(5, b"\xff\7,")))),
    "corrupt": (field(INCOMPATIBLE, 8, 2),),
    "corrupt, dirty, autoclear": (field(INCOMPATIBLE, 8, 3), field(AUTOCLEAR, 8, 1 << 40 | 1)),
    "dirty and autoclear": (field(INCOMPATIBLE, 8, 1), field(AUTOCLEAR, 8, 1 << 40 | 1)),
    "compression type 2": (field(INCOMPATIBLE, 8, 8), field(104, 1, 2)),
    "compression type without the bit": (field(104, 1, 1),),
    "compression bit without the type": (field(INCOMPATIBLE, 8, 8),),
    "encryption method 3": (field(32, 4, 3),),
    "LUKS without its extension": (field(32, 4, 2),),
    "LUKS extension without the method": (extensions((CRYPTO, bytes(16))),),
    "LUKS extension of 15 bytes": (field(32, 4, 2), extensions((CRYPTO, bytes(15)))),
    "LUKS header unaligned": (field(32, 4, 2), extensions((CRYPTO, (513).to_bytes(8, "big") + bytes(8)))),
    "bitmaps extension of 16 bytes": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bytes(16)))),
    "bitmaps extension of 16 bytes without the bit": (extensions((BITMAPS, bytes(16))),),
    "no bitmaps": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bitmaps(0, 0, 64, 65536)))),
    "bitmaps 65536": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bitmaps(65536, 0, 64, 65536)))),
    "bitmaps reserved": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bitmaps(1, 1, 64, 65536)))),
    "bitmap directory unaligned": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bitmaps(1, 0, 64, 65537)))),
    "bitmap directory of 2^40 bytes": (field(AUTOCLEAR, 8, 1), extensions((BITMAPS, bitmaps(1, 0, 1 << 40, 65536)))),
    "size of half a sector": (field(24, 8, 1_000_001),),
    "size 2^63": (field(24, 8, 1 << 63),),
    "snapshots 2^32-1": (field(60, 4, 2**32 - 1),),
    "version 2 with features": (field(4, 4, 2), field(INCOMPATIBLE, 8, 2**64 - 1)),
    "version 4": (field(4, 4, 4),),
}


@pytest.fixture
def folders(oracle, tmp_path):
    for name in ("real", "ours"):
        (tmp_path / name / "folder").mkdir(parents=True)
        subprocess.run([oracle("qemu-img"), "create", "-q", "-f", "qcow2", tmp_path / name / "x", "1M"], check=True)
    return tmp_path / "real", tmp_path / "ours"


def tamper(folders, edits):
    for folder in folders:
        with (folder / "x").open("r+b") as file:
            for offset, data in edits:
                file.seek(offset)
                file.write(data)


def run_both(oracle, folders, *arguments):
    """What qemu-io and pyqio say of the image, and what they leave of its first cluster."""
    programs = [oracle("qemu-io")], [sys.executable, "-m", "pyqio"]
    answers = []
    for program, folder in zip(programs, folders, strict=True):
        done = subprocess.run([*program, *arguments, "-f", "qcow2", "x"], cwd=folder, capture_output=True, timeout=20)
        said = (done.stdout + done.stderr).replace(b"pyqio: ", b"qemu-io: ")
        answers.append((done.returncode, said, (folder / "x").read_bytes()[:65536]))
    return answers


@pytest.mark.parametrize("edits", CASES.values(), ids=CASES.keys())
def test_header_when_tampered_with_is_taken_or_refused_as_by_qemu_io(oracle, folders, edits):
    tamper(folders, edits)

    theirs, own = run_both(oracle, folders, "-r", "-c", "info")

    assert own == theirs


@pytest.mark.parametrize("edits", CASES.values(), ids=CASES.keys())
def test_header_when_tampered_with_and_opened_for_writing_gets_the_answer_of_qemu_io(oracle, folders, edits):
    tamper(folders, edits)

    theirs, own = run_both(oracle, folders, "-c", "info")

    assert own[:2] == theirs[:2]
