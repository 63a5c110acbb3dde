"""Random requests to twin qcow2 images, one written by qemu-io and one by us: same outcomes, contents and layout.

QEMU 7.2 appends compressed data to a cluster that was freed and taken again in the meantime, so streams with
compressed writes are held against memory and ``qemu-img check`` alone.
"""

from __future__ import annotations

import json
import random
import subprocess

import pytest

import pyqio
from pyqio.base.errors import BlockError

SEEDS = range(24)
OPERATIONS = 25


class Twins:
    """A geometry, its two images and a stream of requests, all made from one seed."""

    def __init__(self, seed, folder, *, compressed):
        self.rng = rng = random.Random(f"{seed} {compressed}")
        self.folder = folder
        self.cluster = rng.choice([512, 512, 1024, 4096, 65536, 65536, 2 << 20])
        self.size = min(self.cluster * rng.choice([7, 100, 192]) + rng.choice([0, 512]), 20 << 20)
        self.options = self._geometry()
        self.requests = [self._request(compressed=compressed) for _ in range(OPERATIONS)]

    def _geometry(self):
        options = {"cluster_size": str(self.cluster), "compat": self.rng.choice(["0.10", "1.1", "1.1"])}
        if options["compat"] == "1.1":
            options["refcount_bits"] = str(self.rng.choice([1, 2, 4, 8, 16, 16, 32, 64]))
            options["lazy_refcounts"] = self.rng.choice(["off", "off", "on"])
        options.update(self.rng.choice([{}, {}, {"preallocation": "metadata"}, self._backing()]))
        return options

    def _backing(self):
        length = self.rng.choice([self.size // 2 // 512 * 512, self.size, self.size + 4096])
        (self.folder / "base").write_bytes(b"\xbb" * length)
        return {"backing_file": "base", "backing_fmt": "raw"}

    def _request(self, *, compressed):
        verbs = ["write", "write", "write -z", "write -z -u", "discard", "read", "flush"] + ["write -c"] * compressed
        verb = self.rng.choice(verbs)
        offset = self.rng.randrange(self.size)
        length = self.rng.choice([1, 512, 4096, self.cluster, 3 * self.cluster])
        grain = self.cluster if verb == "write -c" else self.rng.choice([1, 512, self.cluster])
        offset -= offset % grain
        length = self.cluster if verb == "write -c" else max(grain, length // grain * grain)
        return verb, offset, min(length, self.size - offset), self.rng.randrange(1, 256)

    def create(self):
        options = ",".join(f"{name}={value}" for name, value in self.options.items())
        run("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "real", str(self.size), folder=self.folder)
        pyqio.create(self.folder / "ours", self.size, format="qcow2", options=self.options)

    def commands(self):
        for verb, offset, length, fill in self.requests:
            pattern = f" -P {fill}" if verb in ("write", "write -c") else ""
            yield "flush" if verb == "flush" else f"{verb}{pattern} {offset} {length}"


def run(*command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def layout(name, folder):
    """Where each stored sector is: (guest sector, depth, host offset); holes of the host file count for nothing."""
    extents = json.loads(run("qemu-img", "map", "--output=json", name, folder=folder).stdout)
    return [
        (extent["start"] // 512 + n, extent["depth"], extent.get("offset", -1 - n * 512) + n * 512)
        for extent in extents
        for n in range(extent["length"] // 512)
        if extent["present"]
    ]


def outcomes(text):
    return [line for line in text.splitlines() if "ops;" not in line]


def perform(image, request):
    """What qemu-io says of the request."""
    verb, offset, length, fill = request
    word = verb.split()[0]
    try:
        match verb:
            case "flush":
                image.flush()
                return []
            case "read":
                image.pread(offset, length)
            case "discard":
                image.discard(offset, length)
            case "write" | "write -c":
                image.pwrite(offset, bytes([fill]) * length, compressed=verb == "write -c")
            case _:
                image.zero(offset, length, unmap=verb.endswith("-u"))
    except BlockError as error:
        return [f"{word} failed: {error.strerror}"]
    done = {"write": "wrote"}.get(word, word)
    return [f"{done} {length}/{length} bytes at offset {offset}"]


def remember(model, request, said):
    """The bytes that the image must have after a request, None where a discard leaves the choice."""
    verb, offset, length, fill = request
    if said and "failed" not in said[0] and verb != "read":
        byte = {"write": fill, "write -c": fill, "discard": None}.get(verb, 0)
        model[offset : offset + length] = [byte] * length


@pytest.mark.parametrize("seed", SEEDS)
def test_stream_without_compression_leaves_the_same_image(oracle, tmp_path, seed):
    twins = Twins(seed, tmp_path, compressed=False)
    twins.create()

    commands = [part for command in twins.commands() for part in ("-c", command)]
    theirs = run(oracle("qemu-io"), "-t", "writeback", *commands, "real", folder=tmp_path)
    with pyqio.open(tmp_path / "ours", cache="writeback") as image:
        ours = [line for request in twins.requests for line in perform(image, request)]

    check = run(oracle("qemu-img"), "check", "ours", folder=tmp_path)
    assert ours == outcomes(theirs.stdout)
    assert check.returncode == 0, check.stdout
    assert run("qemu-img", "compare", "real", "ours", folder=tmp_path).returncode == 0
    assert layout("real", tmp_path) == layout("ours", tmp_path)
    assert (tmp_path / "real").stat().st_size == (tmp_path / "ours").stat().st_size


@pytest.mark.parametrize("seed", SEEDS)
def test_stream_with_compression_holds_what_was_written(oracle, tmp_path, seed):
    twins = Twins(seed, tmp_path, compressed=True)
    twins.create()
    model = [0] * twins.size

    with pyqio.open(tmp_path / "ours", cache="writeback") as image:
        model[:] = image.pread(0, twins.size)
        for request in twins.requests:
            remember(model, request, perform(image, request))

    with pyqio.open(tmp_path / "ours", read_only=True) as image:
        data = image.pread(0, twins.size)
    wrong = [n for n, (byte, found) in enumerate(zip(model, data, strict=True)) if byte not in (None, found)]
    check = run(oracle("qemu-img"), "check", "ours", folder=tmp_path)
    assert wrong == []
    assert check.returncode == 0, check.stdout


@pytest.mark.parametrize("seed", range(6))
def test_stream_above_a_snapshot_leaves_the_snapshot(oracle, tmp_path, seed):
    twins = Twins(seed, tmp_path, compressed=False)
    twins.options["refcount_bits"] = "16"
    twins.options["compat"] = "1.1"
    twins.create()
    half = OPERATIONS // 2

    with pyqio.open(tmp_path / "ours") as image:
        for request in twins.requests[:half]:
            perform(image, request)
        before = image.pread(0, twins.size)
    run(oracle("qemu-img"), "snapshot", "-c", "then", "ours", folder=tmp_path)
    with pyqio.open(tmp_path / "ours") as image:
        for request in twins.requests[half:]:
            perform(image, request)

    check = run("qemu-img", "check", "ours", folder=tmp_path)
    run("qemu-img", "convert", "-l", "then", "-O", "raw", "ours", "then", folder=tmp_path)
    assert check.returncode == 0, check.stdout
    assert (tmp_path / "then").read_bytes() == before
