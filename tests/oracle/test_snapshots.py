"""Internal snapshots, taken, listed, read, applied and deleted by qemu-img and by pyqio in turn."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

import pyqio

MIB = 1 << 20
SIZE = 8 * MIB
FORMATS = [
    "compat=1.1",
    "compat=0.10",
    "cluster_size=512",
    "cluster_size=2M,refcount_bits=8",
    "extended_l2=on,cluster_size=16k",
    "lazy_refcounts=on,cluster_size=4k,refcount_bits=64",
    "compression_type=zstd",
]


def run(*words, check=True, folder=None):
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
    return done


class Disk:
    """One image, and what it and each of its snapshots hold; both programs work on it."""

    def __init__(self, oracle, folder, options, rng):
        self.qemu_img, self.qemu_io = oracle("qemu-img"), oracle("qemu-io")
        self.path = str(folder / "disk.qcow2")
        self.raw = str(folder / "disk.raw")
        self.rng = rng
        self.kept = {}
        run(self.qemu_img, "create", "-q", "-f", "qcow2", "-o", options, self.path, str(SIZE))

    def pyqio(self, *commands, check=True):
        words = [word for command in commands for word in ("-c", command)]
        return run(sys.executable, "-m", "pyqio", *words, self.path, check=check)

    def change(self, action, name):
        """Let either program change the snapshots."""
        if self.rng.random() < 0.6:
            self.pyqio(f"snapshot -{action} {name}")
        else:
            run(self.qemu_img, "snapshot", f"-{action}", name, self.path)

    def write(self):
        """A few requests by either program."""
        commands = []
        for _ in range(self.rng.randint(1, 5)):
            length = self.rng.choice([512, 65536, 300 * 1024])
            offset = self.rng.randrange((SIZE - length) // 512) * 512
            verb = self.rng.choice(["write -P", "write -P", "write -z", "write -z -u", "discard", "write -c -P"])
            if "-c" in verb:
                offset, length = offset // (2 * MIB) * 2 * MIB, 2 * MIB
            fill = f" {self.rng.randint(1, 255)}" if verb.endswith("-P") else ""
            commands.append(f"{verb}{fill} {offset} {length}")
        if self.rng.random() < 0.5:
            self.pyqio(*commands, check=False)
        else:
            run(self.qemu_io, *(word for command in commands for word in ("-c", command)), self.path, check=False)

    def contents(self, *snapshot):
        run(self.qemu_img, "convert", "-O", "raw", *snapshot, self.path, self.raw)
        with open(self.raw, "rb") as file:
            return file.read()

    def seen_by_pyqio(self, name):
        """What a snapshot holds, read by pyqio."""
        with pyqio.open(self.path, read_only=True, options={"snapshot.name": name}) as image:
            return image.pread(0, image.length())

    def step(self, number):
        action = self.rng.choice("wwwccad") if self.kept else self.rng.choice("wc")
        if action == "w":
            self.write()
            return
        name = f"s{number}" if action == "c" else self.rng.choice(sorted(self.kept))
        before = self.contents()
        self.change(action, name)
        match action:
            case "c":
                self.kept[name] = before
            case "a":
                assert self.contents() == self.kept[name]
            case "d":
                del self.kept[name]
                assert self.contents() == before

    def look(self):
        """Both programs list the same; the image is sound; every snapshot holds what it did."""
        run(self.qemu_img, "check", self.path)
        assert self.pyqio("snapshot -l").stdout == run(self.qemu_img, "snapshot", "-l", self.path).stdout
        for name, held in self.kept.items():
            assert self.contents("-l", f"snapshot.name={name}") == held


@pytest.mark.parametrize("options", FORMATS)
def test_snapshots_when_both_programs_change_them_then_both_agree(oracle, tmp_path, options):
    disk = Disk(oracle, tmp_path, options, random.Random(f"snapshots {options}"))

    for number in range(14):
        disk.step(number)
        disk.look()

    assert {name: disk.seen_by_pyqio(name) for name in disk.kept} == disk.kept


BAD = ("-a no", "-d no", "-l -c x", "-c x -d y")


@pytest.mark.parametrize("options", ["compat=1.1", "refcount_bits=1", "data_file=data"])
@pytest.mark.parametrize("what", ["-c s", "-l", *BAD])
def test_snapshot_when_given_to_both_programs_then_both_say_the_same(oracle, tmp_path, options, what):
    outcomes = []
    for program in ("qemu-img", "pyqio"):
        folder = tmp_path / program
        folder.mkdir()
        run(oracle("qemu-img"), "create", "-q", "-f", "qcow2", "-o", options, "disk.qcow2", "1M", folder=folder)
        run(oracle("qemu-io"), "-c", "write 0 64k", "disk.qcow2", folder=folder)
        if program == "pyqio":
            words = (sys.executable, "-m", "pyqio", "-c", f"snapshot {what}", "disk.qcow2")
        else:
            words = (oracle("qemu-img"), "snapshot", *what.split(), "disk.qcow2")
        done = run(*words, folder=folder, check=False)
        told = done.stderr.partition("\n")[0].partition(": ")[2]
        outcomes.append((done.stdout, told, done.returncode))

    assert outcomes[0] == outcomes[1]
