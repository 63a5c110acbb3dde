"""Encrypted qcow2 images, made and read by both sides."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest

from tests import luck

SECRET = ("--object", "secret,id=sec0,data=sesame")
PYQIO = (sys.executable, "-m", "pyqio")
OPEN = ("--image-opts", "driver=qcow2,encrypt.key-secret=sec0,file.filename=x")

QUICK = "encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=50"
MADE = (
    QUICK,
    "encrypt.format=aes,encrypt.key-secret=sec0",
    "encryption=on,encrypt.key-secret=sec0,compat=0.10",
    f"{QUICK},encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,cluster_size=512",
    f"{QUICK},encrypt.cipher-alg=aes-192,encrypt.hash-alg=sha1,cluster_size=2M,compat=0.10",
    f"{QUICK},encrypt.ivgen-alg=plain,encrypt.hash-alg=sha512,extended_l2=on,cluster_size=16k",
    f"{QUICK},encrypt.cipher-mode=ctr,data_file=data,refcount_bits=1",
    f"{QUICK},preallocation=metadata,lazy_refcounts=on",
)
REFUSED = (
    "encrypt.format=luks",
    "encrypt.format=luks,encrypt.key-secret=nosuch",
    "encrypt.format=foo,encrypt.key-secret=sec0",
    "encrypt.key-secret=sec0",
    "encrypt.cipher-alg=aes-128",
    f"{QUICK},encrypt.cipher-alg=foo,encrypt.cipher-mode=foo",
    f"{QUICK},encrypt.cipher-mode=foo",
    f"{QUICK},encrypt.hash-alg=foo",
    f"{QUICK},encrypt.cipher-alg=3des",
    f"{QUICK},encrypt.cipher-alg=cast5-128",
    f"{QUICK},encrypt.foo=1",
    f"{QUICK},encrypt.iter-time=x",
    f"encryption=on,{QUICK}",
    "encryption=off,encrypt.format=aes,encrypt.key-secret=sec0",
    "encryption=on",
    "encryption=off,encrypt.key-secret=sec0",
    "encrypt.format=aes",
    "encrypt.format=aes,encrypt.key-secret=nosuch",
    "encrypt.format=aes,encrypt.key-secret=sec0,encrypt.cipher-alg=aes-128",
)
BAD_OPENS = (
    "",
    "encrypt.key-secret=nosuch",
    "encrypt.key-secret=wrong",
    "encrypt.format=luks",
    "encrypt.format=aes",
    "encrypt.format=luks,encrypt.key-secret=sec0",
    "encrypt.format=aes,encrypt.key-secret=sec0",
    "encrypt.format=foo,encrypt.key-secret=sec0",
)
WRITES = (
    "write -P 1 0 70000",
    "write -z 4k 100",
    "write -P 2 300000 200000",
    "write -z 384k 64k",
    "discard 448k 8k",
    "write -P 3 1048064 512",
)
READS = (
    "length",
    "read -P 1 0 4k",
    "read -P 0 4k 100",
    "read -P 1 5k 60k",
    "read -P 2 300000 93216",
    "read -P 0 384k 64k",
    "read -P 3 1048064 512",
    "map",
    "info",
)


def run(*command, cwd, check=True):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0 or not check, (command, done.stdout, done.stderr)
    return done


def real_create(options, folder):
    return luck.run(("qemu-img", "create", "-f", "qcow2", *SECRET, "-o", options, "x", "1M"), cwd=folder)


def own_create(options, folder):
    return run(*PYQIO, *SECRET, "-c", f"create -f qcow2 -o {options} x 1M", cwd=folder, check=False)


def commands(lines):
    return [word for line in lines for word in ("-c", line)]


def shown(done):
    return re.sub(r"[^\n]* ops; [^\n]*\n", "", done.stdout), done.stderr, done.returncode


def check(folder):
    done = run("qemu-img", "check", "--output=json", *SECRET, *OPEN, cwd=folder, check=False)
    found = json.loads(done.stdout)
    return found.get("corruptions", 0), found.get("leaks", 0), found["check-errors"]


@pytest.fixture
def folder(oracle, tmp_path):
    oracle("qemu-img")
    oracle("qemu-io")
    return tmp_path


@pytest.mark.parametrize("options", MADE[:3])
def test_image_when_the_real_one_made_and_wrote_it_reads_the_same_here(folder, options):
    assert real_create(options, folder).returncode == 0
    run("qemu-io", *SECRET, *commands(WRITES), *OPEN, cwd=folder)

    real = run("qemu-io", *SECRET, *commands(READS), *OPEN, cwd=folder)
    ours = run(*PYQIO, *SECRET, *commands(READS), *OPEN, cwd=folder)
    run(*PYQIO, *SECRET, *commands(WRITES), *OPEN, cwd=folder)

    assert shown(ours) == shown(real)
    assert check(folder) == (0, 0, 0)


@pytest.mark.parametrize("options", MADE)
def test_image_when_made_and_written_here_reads_the_same_there(folder, options):
    assert own_create(options, folder).returncode == 0
    clean = check(folder)
    run(*PYQIO, *SECRET, *commands(WRITES), *OPEN, cwd=folder)

    real = run("qemu-io", *SECRET, *commands(READS), *OPEN, cwd=folder)
    ours = run(*PYQIO, *SECRET, *commands(READS), *OPEN, cwd=folder)

    assert shown(ours) == shown(real)
    assert (clean, check(folder)) == ((0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize("options", REFUSED)
def test_create_when_options_are_wrong_says_the_same(folder, options):
    real = real_create(options, folder)
    (folder / "x").unlink(missing_ok=True)

    ours = own_create(options, folder)

    assert ours.stderr.replace("pyqio: ", "qemu-img: ") == real.stderr
    assert (ours.stdout, ours.returncode) == (real.stdout, real.returncode)


@pytest.mark.parametrize("name", ["luks", "aes", "none"])
def test_open_when_options_are_wrong_says_the_same(folder, name):
    given = {"luks": f"-o {QUICK}", "aes": "-o encrypt.format=aes,encrypt.key-secret=sec0", "none": ""}[name]
    run(*PYQIO, *SECRET, "-c", f"create -q -f qcow2 {given} x 1M", cwd=folder)
    objects = (*SECRET, "--object", "secret,id=wrong,data=open")

    told = []
    for program in (("qemu-io",), PYQIO):
        opened = [
            run(*program, *objects, "-c", "length", "--image-opts", f"driver=qcow2,file.filename=x,{options}",
                cwd=folder, check=False)
            for options in BAD_OPENS
        ]  # fmt: skip
        told.append([(done.stdout, done.stderr.replace("pyqio: ", "qemu-io: "), done.returncode) for done in opened])

    assert told[1] == told[0]


def test_reopen_when_options_change_says_the_same(folder):
    own_create(MADE[0], folder)
    lines = [f"reopen {options}" for options in ("-o encrypt.key-secret=sec0", "-o encrypt.format=aes", "-r", "-w")]

    told = [
        run(*program, *SECRET, *commands(lines), "-c", "write 0 512", *OPEN, cwd=folder, check=False).stderr
        for program in (("qemu-io",), PYQIO)
    ]

    assert told[1].replace("pyqio: ", "qemu-io: ") == told[0]


def test_overlay_when_its_backing_file_is_encrypted_shows_it(folder):
    own_create(MADE[0], folder)
    run(*PYQIO, *SECRET, "-c", "write -P 7 0 1M", *OPEN, cwd=folder)
    backing = "json:" + json.dumps({"driver": "qcow2", "encrypt.key-secret": "sec0", "file.filename": "x"})
    line = f"create -q -f qcow2 -b {shlex.quote(backing)} -F qcow2 top"
    run(*PYQIO, *SECRET, "-c", line, cwd=folder)

    real = run("qemu-io", *SECRET, "-c", "read -P 7 0 1M", "top", cwd=folder)
    ours = run(*PYQIO, *SECRET, "-c", "read -P 7 0 1M", "top", cwd=folder)

    assert shown(ours)[0] == shown(real)[0] == "read 1048576/1048576 bytes at offset 0\n"
