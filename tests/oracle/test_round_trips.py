"""Every feature of qcow2 written by pyqio and read by QEMU's tools, the other way round, and written in turns."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

import pyqio
from tests import luck
from tests.oracle.differ import make
from tests.oracle.geometry import PASSPHRASE, SECRET, named

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40
SECRETS = {"sec0": PASSPHRASE.encode()}
LUKS = {"encrypt.format": "luks", "encrypt.key-secret": "sec0", "encrypt.iter-time": "10"}


@dataclass(frozen=True, kw_only=True)
class Level:
    """One image: options of create, how many clusters it has, and a tail of bytes beyond them."""

    options: dict[str, str] = field(default_factory=dict)
    clusters: int = 20
    tail: int = 3 * 512
    format: str = "qcow2"

    @property
    def cluster(self):
        return {"512": 512, "4k": 4096, "16k": 16384, "2M": 2 * MIB}.get(self.options.get("cluster_size"), 65536)

    @property
    def grain(self):
        return self.cluster // 32 if "extended_l2" in self.options else self.cluster

    @property
    def size(self):
        return self.clusters * self.cluster + self.tail

    @property
    def encrypted(self):
        return "encrypt.format" in self.options

    @property
    def packs(self):
        """Whether there are clusters that can be compressed: those that have no place in the file yet."""
        return self.format == "qcow2" and self.options.keys().isdisjoint({"data_file", "preallocation"})


RAW = Level(format="raw", clusters=8, tail=512)
CASES = {
    "version 3": [Level()],
    "version 2": [Level(options={"compat": "0.10"})],
    "clusters of 512": [Level(options={"cluster_size": "512"}, clusters=700)],
    "clusters of 2M": [Level(options={"cluster_size": "2M"}, clusters=5)],
    **{f"counts of {1 << bits} bits": [Level(options={"refcount_bits": str(1 << bits)})] for bits in range(7)},
    "lazy refcounts": [Level(options={"lazy_refcounts": "on"})],
    **{f"preallocation {mode}": [Level(options={"preallocation": mode})] for mode in ("metadata", "falloc", "full")},
    "zstd": [Level(options={"compression_type": "zstd"})],
    "zstd, clusters of 512": [Level(options={"compression_type": "zstd", "cluster_size": "512"}, clusters=300)],
    "zstd, clusters of 2M": [Level(options={"compression_type": "zstd", "cluster_size": "2M"}, clusters=4)],
    "subclusters": [Level(options={"extended_l2": "on"})],
    "subclusters of 512": [Level(options={"extended_l2": "on", "cluster_size": "16k"}, clusters=60)],
    "subclusters of 64k": [Level(options={"extended_l2": "on", "cluster_size": "2M"}, clusters=5)],
    "subclusters, zstd": [Level(options={"extended_l2": "on", "compression_type": "zstd"})],
    "subclusters, preallocated": [Level(options={"extended_l2": "on", "preallocation": "metadata"})],
    "data file": [Level(options={"data_file": "data"})],
    "raw data file": [Level(options={"data_file": "data", "data_file_raw": "on"})],
    "data file, subclusters": [Level(options={"data_file": "data", "extended_l2": "on"})],
    "luks": [Level(options=LUKS)],
    "luks, clusters of 512": [Level(options={**LUKS, "cluster_size": "512"}, clusters=300)],
    "luks, subclusters, zstd": [Level(options={**LUKS, "extended_l2": "on", "compression_type": "zstd"})],
    "luks, data file": [Level(options={**LUKS, "data_file": "data"})],
    "luks, version 2": [Level(options={**LUKS, "compat": "0.10"})],
    "raw backing": [RAW, Level()],
    "version 2 over raw": [RAW, Level(options={"compat": "0.10"})],
    "longer backing": [Level(clusters=30), Level()],
    "shorter backing": [Level(clusters=5), Level(options={"extended_l2": "on"})],
    "compressed backing": [Level(options={"compression_type": "zstd"}), Level(options={"cluster_size": "4k"})],
    "subclusters over subclusters": [Level(options={"extended_l2": "on"})] * 2,
    "data file over a chain": [RAW, Level(), Level(options={"data_file": "data"})],
    "luks over a chain": [RAW, Level(), Level(options=LUKS)],
    "chain of 12": [
        RAW,
        *[
            Level(options=options, clusters=1 << 20 >> shift)
            for options, shift in (
                ({}, 16),
                ({"extended_l2": "on"}, 16),
                ({"cluster_size": "512"}, 10),
                ({"cluster_size": "4k", "compression_type": "zstd"}, 12),
                ({"cluster_size": "16k", "extended_l2": "on"}, 14),
                ({"compat": "0.10"}, 17),
                ({"cluster_size": "2M"}, 20),
                ({"refcount_bits": "1"}, 16),
                ({"lazy_refcounts": "on", "extended_l2": "on", "compression_type": "zstd"}, 16),
                ({"cluster_size": "4k"}, 12),
                ({"extended_l2": "on"}, 15),
            )
        ],
    ],
}
"""Images from the lowest backing file upwards."""


class Request(NamedTuple):
    """``verb`` is write, write -c, write -z or write -zu; what is written is in the file ``source``, repeated."""

    verb: str
    offset: int
    length: int
    source: str


class Disk:
    """A folder with a chain of images, and the bytes that a guest must see."""

    def __init__(self, folder, levels, seed, oracle):
        self.folder, self.levels, self.seed = folder, levels, seed
        self.model = bytearray()
        self.blobs = {f"random{n}": random.Random(f"{seed} {n}").randbytes(4093) for n in range(6)}
        for name, blob in self.blobs.items():
            (folder / name).write_bytes(blob)
        for tool in ("qemu-img", "qemu-io"):
            oracle(tool)

    def make(self, writers):
        """Create and write every level; each phase is the next writer's."""
        for number, level in enumerate(self.levels):
            rng = random.Random(f"{self.seed} {number}")
            create, *others = [writers[(number + turn) % len(writers)] for turn in range(4)]
            options = dict(level.options)
            if number:
                options |= {"backing_file": self.name(number - 1), "backing_fmt": self.levels[number - 1].format}
            create.create(self, level, self.name(number), options)
            self.model = bytearray(self.model[: level.size].ljust(level.size, b"\0"))
            for writer, requests in zip(others, self.phases(rng, level), strict=True):
                writer.write(self, level, self.name(number), requests)
                self.remember(requests)

    def name(self, number):
        return f"level{number}"

    @property
    def top(self):
        return self.name(len(self.levels) - 1)

    def phases(self, rng, level):
        """Compressed clusters, then twice writes and zeroes at the grain of the image."""
        yield [
            Request("write -c", at * level.cluster, level.cluster, rng.choice(sorted(self.blobs)))
            for at in rng.sample(range(level.clusters), min(level.clusters, 6) * level.packs)
        ]
        yield [self.request(rng, level) for _ in range(12)]
        yield [self.request(rng, level) for _ in range(6)]

    def request(self, rng, level):
        unit = rng.choice((1, 512, level.grain, level.cluster))
        offset = rng.randrange(level.size // unit) * unit
        length = min(rng.choice((1, 2, 3, 5)) * rng.choice((unit, level.grain)), level.size - offset)
        verb = rng.choice(("write", "write", "write", "write -z", "write -zu"))
        return Request(verb, offset, length, rng.choice(sorted(self.blobs)))

    def bytes_of(self, request):
        if request.verb.startswith("write -z"):
            return bytes(request.length)
        blob = self.blobs[request.source]
        return (blob * (request.length // len(blob) + 1))[: request.length]

    def remember(self, requests):
        for request in requests:
            self.model[request.offset : request.offset + request.length] = self.bytes_of(request)


class ByPyqio:
    """The library."""

    def create(self, disk, level, name, options):
        pyqio.create(name, level.size, format=level.format, options=options, secrets=SECRETS)

    def open(self, level, name, **options):
        given = {"encrypt.key-secret": "sec0"} if level.encrypted else {}
        return pyqio.open(name, format=level.format, options=given, secrets=SECRETS, **options)

    def write(self, disk, level, name, requests):
        with self.open(level, name, cache="writeback") as image:
            for request in requests:
                if request.verb.startswith("write -z"):
                    image.zero(request.offset, request.length, unmap=request.verb.endswith("u"))
                else:
                    image.pwrite(request.offset, disk.bytes_of(request), compressed=request.verb == "write -c")

    def read(self, disk, name):
        with self.open(disk.levels[-1], name, read_only=True) as image:
            return image.pread(0, image.length())

    def check(self, disk, name):
        with self.open(disk.levels[-1], name, read_only=True) as image:
            found = image.check()
        return found.corruptions, found.leaks, found.check_errors


class ByQemu:
    """qemu-img and qemu-io."""

    def create(self, disk, level, name, options):
        given = ",".join(f"{key}={value}" for key, value in options.items())
        secret = SECRET if level.encrypted else ()
        words = ["-o", given] if given else []
        make(("qemu-img", "create", "-q", *secret, "-f", level.format, *words, name, str(level.size)), disk.folder)

    def write(self, disk, level, name, requests):
        words = []
        for verb, offset, length, source in requests:
            given = "" if verb.startswith("write -z") else f"-s {source} "
            words += ["-c", f"{verb} {given}{offset} {length}"]
        options, image = named(level.format, name, encrypted=level.encrypted)
        run("qemu-io", "-t", "writeback", *options, *words or ["-c", "length"], *image)

    def read(self, disk, name):
        options, image = named("qcow2", name, encrypted=disk.levels[-1].encrypted)
        run("qemu-img", "convert", *options, "-O", "raw", *image, "flat")
        return (disk.folder / "flat").read_bytes()

    def compare(self, disk, name):
        (disk.folder / "model").write_bytes(disk.model)
        options, image = named("qcow2", name, encrypted=disk.levels[-1].encrypted)
        other = ["driver=raw,file.filename=model"] if "--image-opts" in options else ["-F", "raw", "model"]
        return run("qemu-img", "compare", *options, *image, *other).stdout

    def check(self, disk, name):
        options, image = named("qcow2", name, encrypted=disk.levels[-1].encrypted)
        return run("qemu-img", "check", *options, *image).stdout


PYQIO, QEMU = ByPyqio(), ByQemu()


def run(*words):
    done = luck.run(words)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done


@pytest.fixture
def disk(request, tmp_path, monkeypatch, oracle):
    monkeypatch.chdir(tmp_path)
    return Disk(tmp_path, CASES[request.param], request.param, oracle)


@pytest.mark.parametrize("disk", CASES, indirect=True)
def test_image_when_written_by_pyqio_is_read_by_qemu(disk):
    disk.make([PYQIO])

    assert QEMU.read(disk, disk.top) == disk.model
    assert "Images are identical." in QEMU.compare(disk, disk.top)
    assert "No errors were found" in QEMU.check(disk, disk.top)


@pytest.mark.parametrize("disk", CASES, indirect=True)
def test_image_when_written_by_qemu_is_read_by_pyqio(disk):
    disk.make([QEMU])

    assert PYQIO.read(disk, disk.top) == disk.model
    assert PYQIO.check(disk, disk.top) == (0, 0, 0)


@pytest.mark.parametrize("disk", CASES, indirect=True)
@pytest.mark.parametrize("first", [PYQIO, QEMU], ids=["pyqio first", "qemu first"])
def test_image_when_written_in_turns_is_read_by_both(disk, first):
    disk.make([first, QEMU if first is PYQIO else PYQIO])

    assert QEMU.read(disk, disk.top) == PYQIO.read(disk, disk.top) == disk.model
    assert "No errors were found" in QEMU.check(disk, disk.top)


HUGE = {
    "64 TiB": ({}, 64 * TIB),
    "64 TiB, subclusters": ({"extended_l2": "on", "cluster_size": "2M"}, 64 * TIB),
    "64 TiB, data file": ({"data_file": "data", "cluster_size": "2M"}, 8 * TIB),
    "128 GiB in clusters of 512": ({"cluster_size": "512"}, 128 << 30),
}


@pytest.mark.parametrize(("options", "size"), HUGE.values(), ids=HUGE)
def test_huge_image_when_written_at_its_ends_by_pyqio_is_read_by_qemu(oracle, tmp_path, options, size):
    oracle("qemu-io")
    options = {key: str(tmp_path / value) if key == "data_file" else value for key, value in options.items()}
    name = str(tmp_path / "huge")
    places = (0, size // 2 - 100, size - 70_000)

    pyqio.create(name, size, format="qcow2", options=options)
    with pyqio.open(name, format="qcow2", cache="writeback") as image:
        for place in places:
            image.pwrite(place, b"\x5a" * 70_000)
        image.zero(size - 512, 512)

    reads = [f"read -P 0x5a {place} 65k" for place in places] + [f"read -P 0 {size - 512} 512", "read -P 0 1M 1M"]
    run("qemu-io", "-r", "-f", "qcow2", *[word for line in reads for word in ("-c", line)], name)
    run("qemu-img", "check", "-f", "qcow2", name)


@pytest.mark.parametrize(("options", "size"), HUGE.values(), ids=HUGE)
def test_huge_image_when_written_at_its_ends_by_qemu_is_read_by_pyqio(oracle, tmp_path, options, size):
    options = {key: str(tmp_path / value) if key == "data_file" else value for key, value in options.items()}
    given = ",".join(f"{key}={value}" for key, value in options.items())
    name = str(tmp_path / "huge")
    places = (0, size // 2 - 100, size - 70_000)

    run(oracle("qemu-img"), "create", "-q", "-f", "qcow2", *["-o", given] * bool(given), name, str(size))
    writes = [f"write -P 0x5a {place} 70000" for place in places] + [f"write -z {size - 512} 512"]
    run(oracle("qemu-io"), "-f", "qcow2", *[word for line in writes for word in ("-c", line)], name)

    with pyqio.open(name, format="qcow2", read_only=True) as image:
        assert all(image.pread(place, 65 << 10) == b"\x5a" * (65 << 10) for place in places)
        assert image.pread(size - 512, 512) == bytes(512)
        assert sum(extent.length for extent in image.block_status() if extent.allocated) < 20 * MIB
