"""What random streams found, made short: each was once answered in another way by us."""

from __future__ import annotations

import pytest

from tests.oracle.differ import Worker
from tests.oracle.geometry import Geometry
from tests.oracle.streams import Stream

SUBCLUSTERS = ("-o", "extended_l2=on,cluster_size=16k")
SETUP = {
    "raw": (("truncate", "-s", "1M", "t.raw"), ("sh", "-c", "printf 0123456789 >pattern")),
    "odd": (("truncate", "-s", "65537", "t.raw"), ("qemu-io", "-f", "raw", "-c", "write -P 33 4272 12288", "t.raw")),
    "qcow2": (("qemu-img", "create", "-q", "-f", "qcow2", "t.qcow2", "1M"),),
    "small": (
        ("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=1k,refcount_bits=4", "t.qcow2", "10486272"),
        ("qemu-io", "-c", "write -P 87 1730662 65536", "-c", "write -zu 1240461 2048", "t.qcow2"),
    ),
    "overlay": (
        ("qemu-img", "create", "-q", "-f", "raw", "base.img", "100k"),
        ("qemu-io", "-f", "raw", "-c", "write -P 11 50k 1k", "base.img"),
        ("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.img", "-F", "raw", "t.qcow2", "40k"),
    ),
    "version 2 overlay": (
        ("qemu-img", "create", "-q", "-f", "raw", "base.img", "100k"),
        (
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-o",
            "compat=0.10",
            "-b",
            "base.img",
            "-F",
            "raw",
            "t.qcow2",
            "40k",
        ),
    ),
    "chain": (
        ("qemu-img", "create", "-q", "-f", "qcow2", "base1.img", "66560"),
        ("qemu-io", "-c", "write -zu 0 66560", "base1.img"),
        ("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base1.img", "-F", "qcow2", "base.img", "66560"),
        ("qemu-img", "create", "-q", "-f", "qcow2", *SUBCLUSTERS, "-b", "base.img", "-F", "qcow2", "t.qcow2", "66048"),
    ),
    "subclusters over a longer file": (
        ("qemu-img", "create", "-q", "-f", "raw", "base.img", "256k"),
        ("qemu-io", "-f", "raw", "-c", "write -P 7 0 256k", "base.img"),
        ("qemu-img", "create", "-q", "-f", "qcow2", *SUBCLUSTERS, "-b", "base.img", "-F", "raw", "t.qcow2", "64k"),
    ),
    "data file": (
        (
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-o",
            "data_file=t.data,preallocation=metadata",
            "t.qcow2",
            "1048064",
        ),
    ),
}

FOUND = (
    # What is read from a hole of the backing file is kept as zeroes.
    ("overlay", "-C", ["read 0 4k", "map"]),
    # The last cluster, and the rest of it, when an image grows with or without preallocation.
    ("overlay", "", ["truncate 100k", "read -P 0 40k 60k"]),
    ("overlay", "", ["write -zu 0 40k", "truncate -m metadata 300k"]),
    ("overlay", "", ["truncate -m full 40k"]),
    ("version 2 overlay", "", ["truncate 100k", "truncate -m falloc 100k"]),
    ("small", "", ["write -zn 413696 3k", "truncate -m full 10486784"]),
    ("qcow2", "", ["truncate 7E", "truncate -m metadata 1M"]),
    ("small", "", ["truncate 1M", "truncate -m falloc 1M", "truncate -m full 0"]),
    ("subclusters over a longer file", "", ["truncate -m full 131072", "read -P 0 64k 64k"]),
    ("subclusters over a longer file", "", ["truncate -m metadata 131072", "map"]),
    ("data file", "", ["truncate -m falloc 1048064", "truncate -m metadata 1048064", "truncate 1048064"]),
    ("data file", "", ["truncate -m falloc 1048576", "truncate -m full 2M", "write -zn 0 64k"]),
    # What several backing files show.
    ("chain", "", ["write -zun 65536 1", "write -z 8704 513", "map"]),
    # Compressed writes beside an image.
    ("data file", "", ["write -c 0 0", "write -c 0 64k", "map"]),
    ("raw", "-f raw", ["truncate -m metadata 0"]),
    # Detected zeroes: compressed, unaligned, of no bytes.
    ("qcow2", "-f qcow2", ["reopen -o detect-zeroes=on", "write -P 0 0 64k", "write -P 0 -c 64k 64k", "map"]),
    ("raw", "", ["reopen -o detect-zeroes=on", "writev -P 0 40960 512 4097 1", "write -c 4096 0"]),
    ("raw", "-f raw", ["reopen -o detect-zeroes=unmap", "write -P 0 4k 8k", "map"]),
    # Zeroes without fallback, unaligned: all or nothing.
    ("odd", "", ["write -zun 8192 3585", "write -zn 93 0"]),
    ("raw", "", ["reopen -o detect-zeroes=on", "write -zu 1048575 1", "write -z 0 1", "map"]),
    # O_DIRECT, and out of it again.
    ("raw", "-n -f raw", ["reopen -c writethrough", "write -zun 100 1024"]),
    ("raw", "-s -k -n -f raw", ["read 0 512"]),
    # O_DIRECT: unaligned ends of reads and discards.
    ("raw", "-n -f raw", ["write -P 5 0 1000", "read -v 190 900", "discard 0 700", "read -v 0 1000"]),
    ("raw", "-n -f raw", ["truncate 1048577", "reopen -w"]),
    # Two asynchronous writes, and the process is killed.
    ("qcow2", "", ["aio_write -q 0 512", "aio_write -q 512k 512", "aio_flush", "sigraise 9"]),
    # What cannot be reopened.
    ("raw", "-f raw", ["reopen -o force-share=off", "reopen -o file=x", "reopen -o node-name=x"]),
    ("raw", "-f raw", ["reopen -o read-only=on", "reopen -r", "reopen -o read-only=on"]),
    ("raw", "-C -f raw", ["reopen -r", "reopen -o discard=5", "reopen -o detect-zeroes=maybe"]),
    ("raw", "-r -U -f raw", ["reopen -w", "write 0 1"]),
    ("raw", "", ["open -s -U -o driver=raw t.raw", "close", "open -s -U -o driver=raw t.raw", "write 0 1"]),
    ("raw", "", ["close", "open -C -o driver=raw,read-only=on t.raw", "open -s -o driver=raw,read-only=on t.raw"]),
    # Words of the command line.
    ("raw", "-f raw", ["q 1", "length"]),
    ("raw", "-f raw", ["write -s pattern 0 0", "write -s / 0 0", "write -s / 0 1", "write -s nosuch 0 0"]),
    ("raw", "-f raw", ["read -b 0 512", "write -b 0 0", "write -b -s /dev/null 0 512"]),
    ("qcow2", "", ["read -b 0 512", "write -b 0 512", "read -b -P 0xcd 0 512", "info"]),
)


@pytest.fixture(scope="module")
def sides(oracle):
    oracle("qemu-io")
    oracle("qemu-img")
    worker = Worker(self_check=False)
    yield worker
    worker.close()


@pytest.mark.parametrize(("setup", "options", "commands"), FOUND)
@pytest.mark.parametrize("piped", [False, True])
def test_stream_when_run_by_both_is_answered_alike(sides, setup, options, commands, piped):
    name = "raw" if setup in ("raw", "odd") else "qcow2"
    image = Geometry(format=name, size=0, cluster=65536, grain=65536, setup=SETUP[setup])
    stream = Stream(
        seed=0,
        geometry=image,
        options=tuple(options.split()),
        image=(image.image,),
        commands=tuple(commands),
        arguments=0 if piped else len(commands),
        merged=piped,
    )

    difference = sides.compare(stream)

    assert difference is None, difference
