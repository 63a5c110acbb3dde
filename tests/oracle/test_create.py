from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

GOOD = (
    "-f raw x 0",
    "-f raw x 511",
    "-f raw x 1.5k",
    "-f raw x 16G",
    "-f raw -o preallocation=falloc x 1M",
    "-f raw -o preallocation=full x 1M",
    "-f qcow2 x 0",
    "-f qcow2 x 511",
    "-f qcow2 x 1M",
    "-f qcow2 x 16G",
    "-f qcow2 -o size=2M x",
    "-f qcow2 -o compat=0.10 x 1M",
    "-f qcow2 -o compat=v2,cluster_size=4k x 1M",
    "-f qcow2 -o compat=v3,lazy_refcounts=on x 3M",
    "-f qcow2 -o lazy_refcounts=on,refcount_bits=1 x 3M",
    "-f qcow2 -o cluster_size=512,refcount_bits=64 x 64M",
    "-f qcow2 -o cluster_size=2M,refcount_bits=8 x 5G",
    "-f qcow2 -o cluster_size=1k,preallocation=metadata x 3000000",
    "-f qcow2 -o preallocation=falloc x 1M",
    "-f qcow2 -o preallocation=full,compat=0.10 x 1M",
    "-f qcow2 -o preallocation=metadata,refcount_bits=2,cluster_size=512 x 8M",
    "-f qcow2 -b base -F raw x",
    "-f qcow2 -b base -F raw x 5M",
    "-f qcow2 -o backing_file=base,backing_fmt=raw x 512",
)

BAD = (
    "-f bogus x 1M",
    "-f raw x",
    "-f raw -o foo=1 x 1M",
    "-f raw -o preallocation=bogus x 1M",
    "-f raw -b base x 1M",
    "-f raw nodir/x 1M",
    "-f raw folder 1M",
    "-f qcow2 nodir/x 1M",
    "-f qcow2 -o foo=1 x 1M",
    "-f qcow2 -o cluster_size=256 x 1M",
    "-f qcow2 -o cluster_size=4M x 1M",
    "-f qcow2 -o cluster_size=65535 x 1M",
    "-f qcow2 -o cluster_size=1x x 1M",
    "-f qcow2 -o compat=bogus x 1M",
    "-f qcow2 -o refcount_bits=3 x 1M",
    "-f qcow2 -o refcount_bits=128 x 1M",
    "-f qcow2 -o refcount_bits=0 x 1M",
    "-f qcow2 -o compat=0.10,refcount_bits=8 x 1M",
    "-f qcow2 -o compat=0.10,lazy_refcounts=on x 1M",
    "-f qcow2 -o lazy_refcounts=maybe x 1M",
    "-f qcow2 -o preallocation=bogus x 1M",
    "-f qcow2 -o compression_type=lz4 x 1M",
    "-f qcow2 -o cluster_size=512 x 1T",
    "-f qcow2 x 7E",
    "-f qcow2 -b base x",
    "-f qcow2 -b nosuch -F raw x 1M",
    "-f qcow2 -b nosuch -F raw x",
    "-f qcow2 x",
)

KEYS = ("virtual-size", "format", "cluster-size", "backing-filename", "backing-filename-format", "dirty-flag")


@pytest.fixture
def folders(oracle, tmp_path):
    oracle("qemu-img")
    for name in ("real", "ours"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "base").write_bytes(b"\xcd" * 1_000_000 + bytes(1024 * 576 - 448))
    return tmp_path / "real", tmp_path / "ours"


def create_both(arguments, folders):
    real, ours = folders
    command = [sys.executable, "-m", "pyqio", "-c", f"create {arguments}"]
    theirs = subprocess.run(["qemu-img", "create", *shlex.split(arguments)], cwd=real, capture_output=True, text=True)
    return theirs, subprocess.run(command, cwd=ours, capture_output=True, text=True)


def image_tool(*arguments, folder):
    return subprocess.run(["qemu-img", *arguments], cwd=folder, capture_output=True, text=True)


def described(image, folder):
    info = json.loads(image_tool("info", "-f", image, "--output=json", "x", folder=folder).stdout)
    return {key: info.get(key) for key in KEYS} | info.get("format-specific", {}).get("data", {})


@pytest.mark.parametrize("arguments", GOOD)
def test_create_when_options_are_good_makes_what_qemu_img_makes(arguments, folders):
    image = arguments.split()[1]

    theirs, own = create_both(arguments, folders)

    assert (own.returncode, own.stdout, own.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert described(image, folders[1]) == described(image, folders[0])
    assert (
        image_tool("compare", "-f", image, "-F", image, *(folder / "x" for folder in folders), folder=".").returncode
        == 0
    )


@pytest.mark.parametrize("arguments", [line for line in GOOD if "qcow2" in line])
def test_created_qcow2_when_checked_and_written_by_qemu_is_clean(arguments, folders):
    create_both(arguments, folders)

    first = image_tool("check", "-f", "qcow2", "x", folder=folders[1])
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write 0 300", "x"], cwd=folders[1], capture_output=True)
    second = image_tool("check", "-f", "qcow2", "x", folder=folders[1])

    assert first.returncode == 0, first.stdout
    assert second.returncode == 0, second.stdout


@pytest.mark.parametrize("arguments", BAD)
def test_create_when_something_is_wrong_says_what_qemu_img_says(arguments, folders):
    theirs, own = create_both(arguments, folders)

    assert own.stdout == theirs.stdout
    assert own.stderr.rstrip("\n") == theirs.stderr.replace("qemu-img: ", "pyqio: ").rstrip("\n")
    assert own.returncode == theirs.returncode
    assert not (folders[1] / "x").exists()
