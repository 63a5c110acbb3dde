"""``check`` beside ``qemu-img check``: what is said, on which stream, with which status, and what a repair leaves."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest

from pyqio.cli.main import main
from tests import luck
from tests.oracle.damage import CASES, COMPRESSED, COPIED, Bytes, Case, nothing

BETTER = {
    ("l1-is-l1", "all"): "QEMU gives up and forgets the counts that it has put right; here they are kept",
    ("reftable-reserved", "all"): "QEMU takes its own broken refcount block for metadata in use, and gives up",
    ("reftable-unaligned", "all"): "QEMU marks the image as corrupt while it counts, and cannot write what it rebuilds",
    ("reftable-far", "all"): "QEMU makes the file a terabyte long, to reach a block that holds nothing",
    ("reftable-past-end", "all"): "QEMU makes the file longer, to reach a block that holds nothing",
    ("cut-and-count-zero", "all"): "QEMU puts the new counts where lost data clusters were, which still refer to them",
    ("snapshots-far", "all"): "QEMU makes the file a terabyte long, beside an empty snapshot table",
    ("snapshots-too-many", "all"): "QEMU takes the table that it replaces for metadata in use, and gives up",
    ("snapshot-long-id", "leaks"): "QEMU takes the table that reaches past the end for leaked, and discards it",
    ("snapshot-long-id", "all"): "QEMU puts the new table where the old one claims to be",
}
"""Repairs in which pyqio does not follow qemu-img 7.2, and why."""

FIXES = {"look": (), "leaks": ("-r", "leaks"), "all": ("-r", "all")}


@pytest.fixture(scope="session")
def damaged(tmp_path_factory):
    """``damaged(case)``: the folder with the image, made once."""
    made = {}

    def make(case):
        if case.name not in made:
            made[case.name] = tmp_path_factory.mktemp("damaged")
            case.make(made[case.name] / "test.qcow2")
        return made[case.name]

    return make


def theirs(folder, *arguments):
    done = subprocess.run(["qemu-img", "check", *arguments, "test.qcow2"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.replace("qemu-img: ", "pyqio: ")


def trouble(folder):
    """How many things are wrong with an image."""
    done = subprocess.run(["qemu-img", "check", "--output=json", "test.qcow2"], cwd=folder, capture_output=True)
    found = json.loads(done.stdout)
    return found["check-errors"] + found.get("corruptions", 0) + found.get("leaks", 0)


@pytest.fixture
def ours(capfd, monkeypatch):
    def check(folder, *arguments):
        monkeypatch.chdir(folder)
        capfd.readouterr()
        status = main(["pyqio", "-c", " ".join(["check", *arguments]), "test.qcow2"])
        return status, *capfd.readouterr()

    return check


def each(*, better):
    pairs = [(case, fix) for case in CASES for fix in FIXES if ((case.name, fix) in BETTER) == better]
    return pytest.mark.parametrize(("case", "fix"), pairs, ids=[f"{case.name}-{fix}" for case, fix in pairs])


@each(better=False)
def test_check_when_an_image_is_damaged_says_and_does_what_qemu_img_does(oracle, damaged, ours, tmp_path, case, fix):
    oracle("qemu-img")
    oracle("qemu-io")
    for name in ("theirs", "ours"):
        shutil.copytree(damaged(case), tmp_path / name)

    expected = theirs(tmp_path / "theirs", *FIXES[fix])
    found = ours(tmp_path / "ours", *FIXES[fix])

    assert found == expected
    assert theirs(tmp_path / "ours") == theirs(tmp_path / "theirs")


@each(better=True)
def test_check_when_qemu_img_repairs_badly_does_better(oracle, damaged, ours, tmp_path, case, fix):
    oracle("qemu-img")
    oracle("qemu-io")
    for name in ("theirs", "ours"):
        shutil.copytree(damaged(case), tmp_path / name)
    theirs(tmp_path / "theirs", *FIXES[fix])
    ours(tmp_path / "ours", *FIXES[fix])

    left, left_by_qemu = trouble(tmp_path / "ours"), trouble(tmp_path / "theirs")

    assert left <= left_by_qemu
    assert (tmp_path / "ours" / "test.qcow2").stat().st_size < 16 << 20


def mutate(data, rng):
    """A few entries of the first L2 table and of the refcount block changed, as damage would."""
    image = Bytes(data)
    for _ in range(rng.randint(1, 6)):
        if rng.random() < 0.5:
            image.count(rng.randrange(image.end // image.cluster + 2), rng.choice([0, 1, 2, 3, 255, 256, 65535]))
        else:
            offset = rng.choice([rng.randrange(image.end + 8192), rng.randrange(1 << 60)]) & rng.choice([-4096, -512])
            at = image.entry(rng.randrange(80))
            other = image.get(image.entry(rng.randrange(80)))
            flags = rng.choice([0, COPIED, COPIED, 1, COPIED | 1, COMPRESSED, 1 << 57])
            image.put(at, rng.choice([0, 1, other, other ^ COPIED, offset | flags]) & (1 << 64) - 1)
    return bytes(image.data)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["clean-compressed", "clean-scattered", "clean-snapshots"])
def test_check_when_entries_are_mutated_counts_what_qemu_img_counts(oracle, damaged, ours, tmp_path, kind, seed):
    oracle("qemu-img")
    oracle("qemu-io")
    folder = damaged(next(case for case in CASES if case.name == kind))
    data = mutate((folder / "test.qcow2").read_bytes(), random.Random(f"{kind} {seed}"))
    (tmp_path / "test.qcow2").write_bytes(data)

    expected = theirs(tmp_path)
    found = ours(tmp_path)
    ours(tmp_path, "-r", "all")
    left = trouble(tmp_path)
    (tmp_path / "test.qcow2").write_bytes(data)
    theirs(tmp_path, "-r", "all")

    assert found == expected
    assert left <= trouble(tmp_path)


def test_check_when_an_image_is_encrypted_counts_its_header_and_needs_no_secret(oracle, ours, tmp_path):
    qemu_img = [oracle("qemu-img")]
    secret = ["--object", "secret,id=s,data=swordfish"]
    options = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10,cluster_size=4k"
    create = [*qemu_img, "create", "-q", *secret, "-f", "qcow2", "-o", options, "test.qcow2", "1M"]
    luck.run(create, cwd=tmp_path).check_returncode()
    named = "driver=qcow2,file.filename=test.qcow2,encrypt.key-secret=s"

    check = [*qemu_img, "check", *secret, "--image-opts", named]
    expected = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert ours(tmp_path) == (0, expected, "")


@pytest.mark.parametrize("bitmaps", [1, 3])
def test_check_when_an_image_has_bitmaps_counts_their_clusters(oracle, ours, tmp_path, bitmaps):
    qemu_img = oracle("qemu-img")
    oracle("qemu-io")
    Case(name="bitmaps", damage=nothing, options="cluster_size=512").make(tmp_path / "test.qcow2")
    for number in range(bitmaps):
        subprocess.run([qemu_img, "bitmap", "--add", "test.qcow2", f"b{number}"], cwd=tmp_path, check=True)
    subprocess.run(["qemu-io", "-c", "write -q 0 1M", "test.qcow2"], cwd=tmp_path, check=True)

    found, expected = ours(tmp_path), theirs(tmp_path)

    assert found == expected
    assert found[0] == 0
