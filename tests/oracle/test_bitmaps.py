"""Persistent bitmaps: pyqio and qemu-io do the same to two copies of an image; qemu-nbd reads the bits back."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

MIB = 1 << 20
GRANULARITIES = (512, 4096, 65536, 2 * MIB)


def run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
    return done


class Pair:
    """Two copies of one image, the first for qemu-io, the second for pyqio."""

    def __init__(self, oracle, folder, options, size):
        self.tools = {tool: oracle(tool) for tool in ("qemu-img", "qemu-io", "qemu-nbd", "nbdinfo")}
        self.paths = [str(folder / "qemu.qcow2"), str(folder / "pyqio.qcow2")]
        for path in self.paths:
            run(self.tools["qemu-img"], "create", "-q", "-f", "qcow2", "-o", options, path, str(size))

    def each(self, *words):
        """Let qemu-img do the same to both."""
        for path in self.paths:
            run(self.tools["qemu-img"], words[0], *words[1:-1], path, words[-1])

    def request(self, commands):
        """Let each program carry out the commands on its own copy; returns what they said, without times."""
        said = []
        words = [word for command in commands for word in ("-c", command)]
        for program, path in zip(([self.tools["qemu-io"]], [sys.executable, "-m", "pyqio"]), self.paths, strict=True):
            done = run(*program, *words, path, check=False)
            said.append([line for line in done.stdout.splitlines() if " ops;" not in line])
        return said

    def bits(self, path, name):
        """The map of a bitmap as an NBD client sees it."""
        server = ("[", self.tools["qemu-nbd"], "-r", "-f", "qcow2", "-B", name, "-x", "", path, "]")
        return run(self.tools["nbdinfo"], f"--map=qemu:dirty-bitmap:{name}", "--", *server).stdout

    def compare(self, names):
        """Both copies hold the same bytes and bitmaps, and are sound."""
        qemu, own = self.paths
        run(self.tools["qemu-img"], "check", own)
        run(self.tools["qemu-img"], "compare", qemu, own)
        infos = [
            run(self.tools["qemu-img"], "info", path).stdout.partition("Format specific")[2] for path in self.paths
        ]
        assert infos[0] == infos[1]
        for name in names:
            assert self.bits(own, name) == self.bits(qemu, name)


def commands(rng, size):
    """Random requests, as a person or a guest would make them."""
    for _ in range(rng.randint(1, 8)):
        verb = rng.choice(["write", "write", "write -z", "write -z -u", "discard", "write -c", "truncate", "flush"])
        length = rng.choice([1, 512, 5000, 65536, 300 * 1024])
        offset = rng.randrange(size // 2)
        match verb:
            case "flush":
                yield verb
            case "truncate":
                yield f"truncate {rng.randrange(size // 2 + MIB, 3 * size) // 512 * 512}"
            case "write -c":
                yield f"write -c {offset // 65536 * 65536} 65536"
            case _:
                yield f"{verb} {offset} {length}"


@pytest.mark.parametrize(
    "options",
    ["compat=1.1", "cluster_size=512", "cluster_size=2M", "lazy_refcounts=on,refcount_bits=1", "extended_l2=on"],
)
def test_bitmaps_when_both_programs_write_the_same_then_both_note_the_same(oracle, tmp_path, options):
    size = 4 * MIB
    pair = Pair(oracle, tmp_path, options, size)
    rng = random.Random(f"bitmaps {options}")
    names = [f"b{granularity}" for granularity in GRANULARITIES]
    for name, granularity in zip(names, GRANULARITIES, strict=True):
        pair.each("bitmap", "--add", "-g", str(granularity), name)
    pair.each("bitmap", "--add", "--disable", "off")

    for _ in range(5):
        said = pair.request(list(commands(rng, size)))
        assert said[0] == said[1]
        pair.compare([*names, "off"])
        pair.each("bitmap", "--clear", rng.choice(names))


def test_bitmaps_when_the_image_is_large_then_only_what_was_written_is_noted(oracle, tmp_path):
    pair = Pair(oracle, tmp_path, "compat=1.1", 16 << 40)
    pair.each("bitmap", "--add", "-g", "64k", "b")

    pair.request(["write 0 64k", "write 8T 1M", f"write {(16 << 40) - 512} 512", "truncate 17T", "write 16.5T 4k"])

    pair.compare(["b"])


def test_info_when_there_are_bitmaps_then_both_programs_say_the_same(oracle, tmp_path):
    pair = Pair(oracle, tmp_path, "compat=1.1", MIB)
    pair.each("bitmap", "--add", "-g", "512", "b")
    pair.each("bitmap", "--add", "--disable", "off")

    writing, looking = pair.request(["info"]), pair.request(["reopen -r", "info"])

    assert writing[0] == writing[1]
    assert looking[0] == looking[1]


def test_bitmaps_when_reopened_read_only_then_stored(oracle, tmp_path):
    pair = Pair(oracle, tmp_path, "compat=1.1", MIB)
    pair.each("bitmap", "--add", "b")
    own = pair.paths[1]

    run(sys.executable, "-m", "pyqio", "-c", "write 0 1k", "-c", "reopen -r", "-c", "sigraise 9", own, check=False)

    assert "in-use" not in run(pair.tools["qemu-img"], "info", own).stdout
    assert pair.bits(own, "b").split() == ["0", "65536", "1", "dirty", "65536", "983040", "0", "clean"]


def test_bitmaps_when_the_program_is_killed_then_in_use_and_never_trusted(oracle, tmp_path):
    pair = Pair(oracle, tmp_path, "compat=1.1", MIB)
    pair.each("bitmap", "--add", "b")
    pair.each("bitmap", "--add", "--disable", "off")
    own = pair.paths[1]

    run(sys.executable, "-m", "pyqio", "-c", "write 0 1k", "-c", "sigraise 9", own, check=False)
    run(sys.executable, "-m", "pyqio", "-c", "write 64k 1k", own)

    assert run(pair.tools["qemu-img"], "info", own).stdout.count("in-use") == 2
    run(pair.tools["qemu-img"], "check", own)


@pytest.mark.parametrize("line", ["truncate 2M", "snapshot -a s"])
def test_change_when_a_bitmap_is_in_the_way_then_refused(oracle, tmp_path, line):
    pair = Pair(oracle, tmp_path, "compat=1.1", MIB)
    pair.each("bitmap", "--add", "b")
    own = pair.paths[1]
    run(sys.executable, "-m", "pyqio", "-c", "snapshot -c s", "-c", "write 0 1k", "-c", "sigraise 9", own, check=False)

    told = run(sys.executable, "-m", "pyqio", "-c", line, own, check=False).stderr

    assert "inconsistent and cannot be used" in told or "Device has active dirty bitmaps" in told
    assert run(pair.tools["qemu-img"], "info", own).stdout.count("1 MiB") == 1
