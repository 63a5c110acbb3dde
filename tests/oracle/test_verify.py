"""Whole pairs next to ``qemu-img compare``."""

from __future__ import annotations

import random
import subprocess

import pytest

from pyqio.api import create
from pyqio.api import open as open_image
from pyqio.base.types import Run
from pyqio.verify.pair import pairs
from pyqio.verify.whole import Comparison

CLUSTER = 65536
SIZES = (0, 512, 4096, CLUSTER - 512, 3 * CLUSTER, 40 * CLUSTER, 40 * CLUSTER + 512)
SEEDS = range(24)


def draw(choose: random.Random, size: int) -> list[tuple[str, int, int]]:
    """A few operations inside ``size`` bytes: what, offset and length."""
    operations = []
    for _ in range(choose.randrange(6) if size else 0):
        start, end = sorted(choose.randrange(0, size + 1, 512) for _ in range(2))
        operations.append((choose.choice(["write", "other", "zero", "blank"]), start, end - start))
    return operations


def apply(path: str, operations: list[tuple[str, int, int]], **options) -> None:
    with open_image(path, discard="unmap", **options) as image:
        for what, offset, length in operations:
            if what == "zero":
                image.zero(offset, length, unmap=True)
            else:
                image.pwrite(offset, {"write": b"\xcd", "blank": b"\0", "other": b"\x55"}[what] * length)


def make_raw(folder, size: int, operations) -> None:
    (folder / "raw.img").write_bytes(b"")
    with (folder / "raw.img").open("r+b") as file:
        file.truncate(size)
    apply("raw.img", operations, format="raw")


def make_qcow2(choose: random.Random, size: int, operations) -> None:
    """All operations in one image, or the first of them in its backing file."""
    create("test.qcow2", size, format="qcow2", options={"cluster_size": choose.choice(["4k", "64k", "1M"])})
    at = choose.randrange(len(operations) + 1)
    apply("test.qcow2", operations[:at])
    backing = {"backing_file": "test.qcow2", "backing_fmt": "qcow2"}
    create("top.qcow2", size, format="qcow2", options=backing | {"extended_l2": choose.choice(["on", "off"])})
    apply("top.qcow2", operations[at:])


@pytest.mark.parametrize("seed", SEEDS)
def test_comparison_and_qemu_img_compare_come_to_the_same_verdict(seed, tmp_path, monkeypatch, oracle):
    monkeypatch.chdir(tmp_path)
    choose = random.Random(seed)
    size = choose.choice(SIZES)
    operations = draw(choose, size)
    make_raw(tmp_path, size, operations)
    longer = choose.choice((0, 0, 512, CLUSTER))
    changes = draw(choose, size + longer)[: choose.choice((0, 1, 1, 5))]
    make_qcow2(choose, size + longer, operations + changes)

    verdict = subprocess.run(
        [oracle("qemu-img"), "compare", "-q", "-f", "raw", "-F", "qcow2", "raw.img", "top.qcow2"], check=False
    ).returncode
    with open_image("blkverify:raw.img:top.qcow2", read_only=True) as image:
        (pair,) = pairs(image.node)
        comparison = Comparison(pair, Run(0, pair.length))
        steps = sum(comparison.steps())

    assert bool(comparison.found) == bool(verdict)
    assert verdict in (0, 1)
    assert steps == pair.length
