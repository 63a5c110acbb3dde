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
    "-f qcow2 -b base -F raw -o backing_file=q,backing_fmt=qcow2 x",
    "-f qcow2 -b q -F qcow2 -o preallocation=off,compat=0.10 x",
    "-f qcow2 -b file:base -F raw x",
    '-f qcow2 -b \'json:{"driver":"qcow2","file.filename":"q"}\' -F qcow2 x',
    "-f qcow2 -u -b q -F raw x 2M",
    "-f qcow2 -u x 1M",
    "-q -f qcow2 x 1M",
    "-f qcow2 file:x 1M",
    "-f qcow2 -o extended_l2=on x 1M",
    "-f qcow2 -o extended_l2=on,cluster_size=16k,refcount_bits=4 x 70G",
    "-f qcow2 -o extended_l2=on,preallocation=metadata x 3M",
    "-f qcow2 -o extended_l2=on,preallocation=falloc x 1M",
    "-f qcow2 -o extended_l2=on,preallocation=metadata -b base -F raw x 3M",
    "-f qcow2 -o extended_l2=on,preallocation=falloc -b base -F raw x",
    "-f qcow2 -o extended_l2=on,preallocation=full,cluster_size=128k -b base -F raw x 5M",
    "-f qcow2 -o compression_type=zstd x 1M",
    "-f qcow2 -o compression_type=zlib,compat=0.10 x 1M",
    "-f qcow2 -o encryption=off x 1M",
    "-f qcow2 -o data_file=d x 70000",
    "-f qcow2 -o data_file=d,data_file_raw=off,cluster_size=512 x 1M",
    "-f qcow2 -o data_file=d,data_file_raw=on x 3000000",
    "-f qcow2 -o data_file=d,data_file_raw=on,preallocation=off x 0",
    "-f qcow2 -o data_file=d,preallocation=metadata,refcount_bits=2 x 3000000",
    "-f qcow2 -o data_file=d,preallocation=falloc x 3000000",
    "-f qcow2 -o data_file=d,data_file_raw=on,preallocation=full x 3000000",
    "-f qcow2 -o data_file=d,extended_l2=on,compression_type=zstd,lazy_refcounts=on x 3M",
    "-f qcow2 -o data_file=d,extended_l2=on,preallocation=falloc -b base -F raw x 3M",
    "-f qcow2 -o data_file=base x 1M",
    "-f qcow2 -o data_file=d -b base -F raw x",
    "-f qcow2 -o data_file=a,,b x 1M",
    "-f qcow2 -o nocow=on,extent_size_hint=4M x 1M",
    "-f qcow2 -o lazy_refcounts x 1M",
    "-f qcow2 -o lazy_refcounts=yes -o refcount_bits=0x10 x 1M",
    "-f qcow2 -o cluster_size=2M,extended_l2=on x 64P",
    "-f raw -o nocow=on,size=1M x",
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
    "-f qcow2 -b '' x 1M",
    "-f qcow2 -b x -F raw x 1M",
    "-f qcow2 -u -b nosuch -F raw x",
    "-f qcow2 -u -b nosuch x 1M",
    "-f qcow2 -u -b nosuch -F bogus x 1M",
    "-f qcow2 -b base -F bogus x 1M",
    "-f qcow2 -b base -F qcow2 x 1M",
    "-f qcow2 -F raw x 1M",
    "-f raw -F raw x 1M",
    "-f raw -o backing_file=base x 1M",
    "-f null-co x 1M",
    "-f qcow2 nosuch:x 1M",
    "-f qcow2 -o size=1M x 1M",
    "-f qcow2 -o size=foo x",
    "-f qcow2 -o '' x 1M",
    "-f qcow2 -o cluster_size=1k, x 1M",
    "-f qcow2 -o cluster_size=1k,,,refcount_bits=2 x 1M",
    "-f qcow2 -o =1 x 1M",
    "-f qcow2 -o help=on x 1M",
    "-f qcow2 -o refcount_bits=16k x 1M",
    "-f qcow2 -o refcount_bits=-1 x 1M",
    "-f qcow2 -o refcount_bits=18446744073709551632 x 1M",
    "-f qcow2 -o cluster_size=18446744073709551616 x 1M",
    "-f qcow2 -o cluster_size=9223372036854775808 x 1M",
    "-f qcow2 -o nocow=foo x 1M",
    "-f qcow2 -o extent_size_hint=5G x 1M",
    "-f qcow2 -o extended_l2=on,cluster_size=8k x 1M",
    "-f qcow2 -o extended_l2=on,cluster_size=3k,compat=0.10 x 1M",
    "-f qcow2 -o preallocation=metadata -b base -F raw x 1M",
    "-f qcow2 -o data_file=d,data_file_raw=on -b base -F raw x 1M",
    "-f qcow2 -o data_file_raw=on,compat=0.10 x 1M",
    "-f qcow2 -o data_file=d,compat=0.10 x 1M",
    "-f qcow2 -o data_file= x 1M",
    "-f qcow2 -o data_file=nodir/d x 1M",
    "-f qcow2 -o data_file=folder x 1M",
    "-f qcow2 -o data_file=json:foo x 1M",
    "-f qcow2 -o data_file=d,cluster_size=3k x 1M",
    "-f qcow2 -o compression_type=zstd,compat=0.10 x 1M",
    "-f qcow2 -o encryption=on,encrypt.format=luks x 1M",
    "-f qcow2 -o encrypt.format=bogus x 1M",
    "-f qcow2 -o encrypt.iter-time=5 x 1M",
    "-f qcow2 -o encrypt.foo=luks x 1M",
    "-f qcow2 x 9223372036854775807",
    "-f qcow2 -o cluster_size=2M x 9223372036854774784",
    f"-f qcow2 -o cluster_size=512 -u -b {'n' * 400} -F raw x 1M",
    f"-f qcow2 -u -b {'n' * 1200} -F raw x 1M",
)

WRONG = (
    "encryption=on,encrypt.format=luks",
    "data_file=nodir/d",
    "compat=bogus",
    "backing_fmt=bogus",
    "encrypt.format=bogus",
    "preallocation=bogus",
    "compression_type=lz4",
    "cluster_size=3k",
    "backing_file=nosuch,backing_fmt=raw,preallocation=full",
    "lazy_refcounts=on,compat=v2",
    "refcount_bits=3",
    "data_file_raw=on",
    "compression_type=zstd,compat=v2",
)
"""Options that are wrong in different ways, the first complaint first."""

KEYS = ("virtual-size", "format", "cluster-size", "backing-filename", "backing-filename-format", "dirty-flag")


@pytest.fixture
def folders(oracle, tmp_path):
    oracle("qemu-img")
    for name in ("real", "ours"):
        (tmp_path / name / "folder").mkdir(parents=True)
        (tmp_path / name / "base").write_bytes(b"\xcd" * 1_000_000 + bytes(1024 * 576 - 448))
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", tmp_path / name / "q", "3M"], check=True)
    return tmp_path / "real", tmp_path / "ours"


def create_both(arguments, folders):
    real, ours = folders
    quoted = "create " + " ".join(f"'{word}'" for word in shlex.split(arguments))
    command = [sys.executable, "-m", "pyqio", "-c", quoted]
    theirs = subprocess.run(["qemu-img", "create", *shlex.split(arguments)], cwd=real, capture_output=True, text=True)
    return theirs, subprocess.run(command, cwd=ours, capture_output=True, text=True)


def image_tool(*arguments, folder):
    return subprocess.run(["qemu-img", *arguments], cwd=folder, capture_output=True, text=True)


def contents(folder):
    """The bytes of every file; of those that are too large to be read, the first MiB."""
    found = {}
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                found[path.name] = path.stat().st_size, file.read(1 << 20 if path.stat().st_size > 1 << 28 else -1)
    return found


def described(image, folder):
    info = json.loads(image_tool("info", "-f", image, "--output=json", "x", folder=folder).stdout)
    return {key: info.get(key) for key in KEYS} | info.get("format-specific", {}).get("data", {})


@pytest.mark.parametrize("arguments", GOOD)
def test_create_when_options_are_good_makes_what_qemu_img_makes(arguments, folders):
    image = "qcow2" if "qcow2" in arguments else "raw"

    theirs, own = create_both(arguments, folders)

    assert (own.returncode, own.stdout, own.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert described(image, folders[1]) == described(image, folders[0])
    assert contents(folders[1]) == contents(folders[0])


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
    assert contents(folders[1]).keys() == contents(folders[0]).keys()


@pytest.mark.parametrize("at", range(len(WRONG) - 1))
def test_create_when_two_things_are_wrong_speaks_of_what_qemu_img_speaks_of(at, folders):
    pairs = [f"-u -f qcow2 -o {first} -o {WRONG[at]} x 1M" for first in WRONG[at + 1 :]]

    answers = [create_both(arguments, folders) for arguments in pairs]

    assert [own.stdout + own.stderr.rstrip("\n") for _, own in answers] == [
        theirs.stdout + theirs.stderr.replace("qemu-img: ", "pyqio: ").rstrip("\n") for theirs, _ in answers
    ]


@pytest.mark.parametrize(
    "arguments",
    ["-f qcow2 -o help", "-f qcow2 -o cluster_size=4k,? x", "-f raw -o help", "-f file -o help", "-f null-co -o help"],
)
def test_create_when_asked_for_help_says_what_qemu_img_says(arguments, folders):
    theirs, own = create_both(arguments, folders)

    assert (own.returncode, own.stdout) == (theirs.returncode, theirs.stdout)
    assert own.stderr == theirs.stderr.replace("qemu-img: ", "pyqio: ")
