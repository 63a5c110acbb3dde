"""The verified pair next to qemu-io's, and its sides under qemu-img's eyes."""

from __future__ import annotations

import random
import subprocess

import pytest

from pyqio.base.errors import BlockError, OpenError, OutcomeMismatch, VerifyError
from pyqio.base.types import OpenFlags
from pyqio.block import status
from pyqio.block.graph import Graph
from pyqio.render.mismatch import qemu_line

SIZE = 1 << 20


@pytest.fixture
def folder(tmp_path, monkeypatch, oracle):
    """The working directory: an equal raw pair, and an equal raw and qcow2 pair, with some data."""
    monkeypatch.chdir(tmp_path)
    data = bytearray(SIZE)
    data[65536:196608] = random.Random(1).randbytes(131072)
    for name in ("raw.img", "copy.img"):
        (tmp_path / name).write_bytes(data)
    subprocess.run([oracle("qemu-img"), "convert", "-f", "raw", "-O", "qcow2", "raw.img", "test.qcow2"], check=True)
    return tmp_path


@pytest.fixture
def qemu_io(folder, oracle):
    """Return a function that runs qemu-io and returns what it wrote to stdout and stderr, without warnings."""

    def run(*arguments: str) -> tuple[list[str], list[str]]:
        done = subprocess.run([oracle("qemu-io"), *arguments], capture_output=True, text=True, check=False)
        errors = [line for line in done.stderr.splitlines() if not line.startswith(("WARNING", "         "))]
        return done.stdout.splitlines(), errors

    return run


def open_pair(name: str, options=None, **flags):
    """Open as under the name of qemu-io, where a pair's format is guessed too."""
    return Graph(probe_pairs=True).open(name, options, OpenFlags(discard="unmap", **flags))


# Opening


@pytest.mark.parametrize(
    "name",
    [
        "blkverify:",
        "blkverify:foo",
        "blkverify::",
        "blkverify:raw.img:",
        "blkverify::test.qcow2",
        "blkverify:missing:test.qcow2",
        "blkverify:raw.img:missing",
        "blkverify:raw.img:blkverify:foo",
        "blkverify:raw.img:nosuch:foo",
        'json:{"driver":"blkverify"}',
        'json:{"driver":"blkverify","raw":{"driver":"file","filename":"raw.img"}}',
        'json:{"driver":"blkverify","raw":"nobody","test":{"driver":"file","filename":"copy.img"}}',
        'json:{"driver":"blkverify","raw":{"driver":"file","filename":"raw.img"},'
        '"test":{"driver":"file","filename":"copy.img"},"foo":1}',
    ],
)
def test_open_when_wrong_then_the_message_is_qemu_io_s(qemu_io, name) -> None:
    _, expected = qemu_io("-c", "length", name)

    with pytest.raises(OpenError) as caught:
        open_pair(name)

    assert [f"qemu-io: can't open device {name}: {caught.value}"] == expected


@pytest.mark.parametrize(
    "name",
    [
        "blkverify:raw.img:test.qcow2",
        "blkverify:raw.img:blkverify:copy.img:test.qcow2",
        'json:{"driver":"blkverify","raw":{"driver":"file","filename":"raw.img"},'
        '"test":{"driver":"qcow2","file":{"driver":"file","filename":"test.qcow2"}}}',
        'json:{"driver":"blkverify","raw.driver":"file","raw.filename":"raw.img","test.file.driver":"file",'
        '"test.file.filename":"test.qcow2"}',
    ],
)
def test_open_when_right_then_the_map_is_qemu_io_s(qemu_io, name) -> None:
    expected, _ = qemu_io("-r", "-c", "map", name)

    with open_pair(name, read_only=True) as image:
        found = list(status.allocation(image.block_status()))

    assert expected == [
        f"{length // 1024 // 1024} MiB ({length:#x}) bytes     {'allocated' if data else 'not allocated'} "
        f"at offset {offset} bytes ({offset:#x})"
        for offset, length, data in found
    ]


# Mismatches


@pytest.mark.parametrize("test", ["copy.img", "test.qcow2"])
@pytest.mark.parametrize("options", [{}, {"driver": "raw"}])
@pytest.mark.parametrize(
    ("offset", "length"), [(0, 1048576), (70000, 512), (70001, 20), (65536, 8192), (69000, 5001), (65000, 70001)]
)
def test_pread_when_bytes_differ_then_the_line_is_qemu_io_s(qemu_io, folder, test, options, offset, length) -> None:
    with open("raw.img", "r+b") as raw:
        raw.seek(70003)
        raw.write(b"Here they differ")
    _, expected = qemu_io(
        *(["-f", "raw"] if options else []), "-c", f"read {offset} {length}", f"blkverify:raw.img:{test}"
    )

    with open_pair(f"blkverify:raw.img:{test}", options) as image, pytest.raises(VerifyError) as caught:
        image.pread(offset, length)

    assert [qemu_line(caught.value, alignment=image.node.limits.request_alignment)] == expected


def test_open_when_the_first_sector_differs_then_the_line_is_qemu_io_s(qemu_io, folder) -> None:
    with open("raw.img", "r+b") as raw:
        raw.write(b"boot")
    _, expected = qemu_io("-c", "length", "blkverify:raw.img:test.qcow2")

    with pytest.raises(VerifyError) as caught:
        open_pair("blkverify:raw.img:test.qcow2")

    assert [qemu_line(caught.value, alignment=1)] == expected


@pytest.mark.parametrize(
    ("broken", "errors"), [("raw", (BlockError(errno=5), None)), ("test", (None, BlockError(errno=5)))]
)
def test_qemu_line_when_a_side_fails_then_as_qemu_io_prints_it(qemu_io, folder, broken, errors) -> None:
    rules = '[{"event":"none","iotype":"write","errno":5}]'
    sides = {
        side: f'{{"driver":"file","filename":"{name}"}}' for side, name in (("raw", "raw.img"), ("test", "copy.img"))
    }
    sides[broken] = f'{{"driver":"blkdebug","inject-error":{rules},"image":{sides[broken]}}}'
    pair = f'json:{{"driver":"blkverify","raw":{sides["raw"]},"test":{sides["test"]}}}'
    _, expected = qemu_io("-c", "write 512 1024", pair)

    error = OutcomeMismatch(operation="write", offset=512, length=1024, raw_error=errors[0], test_error=errors[1])

    assert [qemu_line(error, alignment=1)] == expected


# Changes


@pytest.mark.parametrize("geometry", ["cluster_size=64k", "cluster_size=512,compat=0.10", "cluster_size=4k"])
@pytest.mark.parametrize("seed", range(4))
def test_pair_when_everything_is_done_to_it_then_its_sides_are_equal_and_clean(oracle, folder, geometry, seed) -> None:
    img = oracle("qemu-img")
    subprocess.run([img, "convert", "-O", "qcow2", "-o", geometry, "raw.img", "test.qcow2"], check=True)
    rng = random.Random(seed)

    with open_pair("blkverify:raw.img:test.qcow2", {"driver": "raw"}) as image:
        for _ in range(60):
            offset = rng.randrange(image.length())
            length = min(rng.choice([1, 512, 4096, 65536, 200_000]), image.length() - offset)
            request = rng.choice(
                [
                    lambda o=offset, n=length: image.pwrite(o, rng.randbytes(n)),
                    lambda o=offset, n=length: image.zero(o, n, unmap=rng.random() < 0.5),
                    lambda o=offset, n=length: image.discard(o, n),
                    lambda o=offset, n=length: image.pread(o, n),
                    lambda: image.truncate(rng.randrange(SIZE, 2 * SIZE) // 512 * 512),
                    image.flush,
                ]
            )
            request()
        image.pread(0, image.length())

    compared = subprocess.run(
        [img, "compare", "-f", "raw", "-F", "qcow2", "raw.img", "test.qcow2"], capture_output=True
    )
    checked = subprocess.run([img, "check", "test.qcow2"], capture_output=True, check=False)
    assert (compared.stdout, compared.returncode) == (b"Images are identical.\n", 0)
    assert checked.returncode == 0


def test_pwrite_when_compressed_then_the_test_side_is_and_both_are_equal(oracle, folder) -> None:
    img = oracle("qemu-img")
    subprocess.run([img, "create", "-q", "-f", "qcow2", "test.qcow2", "1M"], check=True)
    (folder / "raw.img").write_bytes(bytes(SIZE))

    with open_pair("blkverify:raw.img:test.qcow2", {"driver": "blkverify"}) as image:
        image.pwrite(65536, b"compress me " * 5461 + b"1234", compressed=True)

    compared = subprocess.run(
        [img, "compare", "-f", "raw", "-F", "qcow2", "raw.img", "test.qcow2"], capture_output=True
    )
    checked = subprocess.run([img, "check", "test.qcow2"], capture_output=True, text=True, check=False)
    assert compared.stdout == b"Images are identical.\n"
    assert "100.00% compressed clusters" in checked.stdout
