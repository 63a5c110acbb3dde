from __future__ import annotations

import shutil
import subprocess
from typing import ClassVar

import pytest

from pyqio.base.types import Cache
from pyqio.block import registry
from tests.conformance.suite import MIB, Persistent, Reopenable, Resizable, StoringConformance


class TestQcow2(Persistent, Reopenable, Resizable, StoringConformance):
    """The default geometry; every closed image is one that qemu-img check finds nothing wrong with."""

    driver = "qcow2"
    options: ClassVar[dict[str, str]] = {}
    grain = 65536

    def create(self, folder, size):
        path = str(folder / "image.qcow2")
        registry.require("qcow2").create(path, size, self.options)
        return {"driver": "qcow2", "file": {"driver": "file", "filename": path}}

    def check(self, folder):
        qemu_img = shutil.which("qemu-img")
        if qemu_img is not None:
            done = subprocess.run([qemu_img, "check", str(folder / "image.qcow2")], capture_output=True, text=True)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout


class TestQcow2WithSmallestClusters(TestQcow2):
    options: ClassVar = {"cluster_size": "512"}
    grain = 512
    huge = 2**34


class TestQcow2WithLargestClusters(TestQcow2):
    options: ClassVar = {"cluster_size": "2M"}
    grain = 2 * MIB


class TestQcow2Version2(TestQcow2):
    options: ClassVar = {"compat": "0.10", "cluster_size": "4k"}
    grain = 4096
    huge = 2**37


class TestQcow2WithNarrowRefcounts(TestQcow2):
    options: ClassVar = {"refcount_bits": "1", "cluster_size": "1k"}
    grain = 1024
    huge = 2**35


class TestQcow2WithWideRefcountsWrittenLazily(TestQcow2):
    options: ClassVar = {"refcount_bits": "64", "lazy_refcounts": "on"}


class TestQcow2Direct(TestQcow2):
    cache = Cache(writeback=True, direct=True)


@pytest.mark.parametrize("mode", ["metadata", "falloc", "full"])
class TestQcow2Preallocated:
    def test_new_image_reads_as_zeroes_and_is_sound(self, tmp_path, mode):
        suite = TestQcow2()
        suite.options = {"preallocation": mode}

        with suite.open(suite.create(tmp_path, suite.size)) as image:
            assert image.pread(0, suite.size) == bytes(suite.size)
            image.pwrite(70_000, b"x" * 100)

        suite.check(tmp_path)
