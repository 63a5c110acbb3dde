"""LUKS volumes, made and read by both sides."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from tests import luck

SECRET = ("--object", "secret,id=sec0,data=sesame")
OPEN = "driver=luks,key-secret=sec0,file.filename=x"
PYQIO = (sys.executable, "-m", "pyqio")

CIPHERS = (
    "cipher-alg=aes-256",
    "cipher-alg=aes-192",
    "cipher-alg=aes-128,hash-alg=sha1",
    "cipher-alg=aes-256,ivgen-alg=plain,hash-alg=sha512",
    "cipher-alg=aes-256,ivgen-alg=essiv,hash-alg=ripemd160",
    "cipher-alg=aes-256,ivgen-alg=plain64,ivgen-hash-alg=sha1",
    "cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=md5,hash-alg=md5",
    "cipher-alg=aes-256,cipher-mode=cbc,ivgen-alg=plain64,hash-alg=sha384",
    "cipher-alg=aes-128,cipher-mode=ctr,hash-alg=sha224",
    "cipher-alg=aes-256,cipher-mode=ctr,ivgen-alg=essiv",
    "cipher-alg=aes-256,cipher-mode=ecb",
    "cipher-alg=cast5-128,cipher-mode=cbc",
    "cipher-alg=cast5-128,cipher-mode=ctr",
    "cipher-alg=cast5-128,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=md5",
)

WRITES = ("write -P 1 0 64k", "write -P 2 65000 5000", "write -z 4k 8k", "write -P 3 1048064 512", "truncate 2M")
READS = (
    "length",
    "read -P 1 0 4k",
    "read -P 0 4k 8k",
    "read -P 1 12k 52712",
    "read -P 2 65000 5000",
    "read -P 3 1048064 512",
    "info",
    "map",
)

BAD_OPENS = (
    "driver=luks,file.filename=x",
    "driver=luks,file.filename=x,key-secret=nosuch",
    "driver=luks,file.filename=x,key-secret=wrong",
    "driver=luks,file.filename=x,key-secret=latin",
    "driver=luks,file.filename=x,key-secret=group",
    "driver=luks,file.filename=x,key-secret=sec0,foo=1",
    "driver=luks,file.filename=raw,key-secret=sec0",
    "driver=luks,file.filename=raw",
)

CREATES = (
    "x 1M",
    "-o key-secret=nosuch x 1M",
    "-o key-secret=latin x 1M",
    "-o key-secret=sec0,cipher-alg=foo,hash-alg=foo x 1M",
    "-o key-secret=sec0,cipher-mode=foo x 1M",
    "-o key-secret=sec0,ivgen-alg=foo x 1M",
    "-o key-secret=sec0,ivgen-hash-alg=foo x 1M",
    "-o key-secret=sec0,hash-alg=foo x 1M",
    "-o key-secret=sec0,cipher-alg=3des x 1M",
    "-o key-secret=sec0,cipher-alg=cast5-128 x 1M",
    "-o key-secret=sec0,cipher-mode=cbc,ivgen-alg=essiv,ivgen-hash-alg=sha1 x 1M",
    "-o key-secret=sec0,foo=1 x 1M",
    "-o key-secret=sec0,iter-time=x x 1M",
    "-o key-secret=sec0 nodir/x 1M",
    "-o key-secret=sec0 x",
    "-b base -F raw x 1M",
)

SIZES = (("", "511"), (",preallocation=full", "1M"), (",preallocation=metadata", "3M"))


def run(*command, cwd, check=True):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0 or not check, (command, done.stdout, done.stderr)
    return done


def real_create(options, folder, name="x", size="1M"):
    done = luck.run(("qemu-img", "create", "-q", "-f", "luks", *SECRET, "-o", options, name, size), cwd=folder)
    assert done.returncode == 0, done.stderr


def own_create(options, folder, name="x", size="1M"):
    run(*PYQIO, *SECRET, "-c", f"create -q -f luks -o {options} {name} {size}", cwd=folder)


def commands(lines):
    return [word for line in lines for word in ("-c", line)]


def shown(done):
    return re.sub(r"[^\n]* ops; [^\n]*\n", "", done.stdout), done.stderr, done.returncode


@pytest.fixture
def folder(oracle, tmp_path):
    oracle("qemu-img")
    oracle("qemu-io")
    return tmp_path


@pytest.mark.parametrize("cipher", CIPHERS[2::5])
def test_volume_when_the_real_one_made_and_wrote_it_reads_the_same_here(folder, cipher):
    real_create(f"key-secret=sec0,iter-time=50,{cipher}", folder)
    run("qemu-io", *SECRET, *commands(WRITES), "--image-opts", OPEN, cwd=folder)

    real = run("qemu-io", *SECRET, *commands(READS), "--image-opts", OPEN, cwd=folder)
    ours = run(*PYQIO, *SECRET, *commands(READS), "--image-opts", OPEN, cwd=folder)

    assert shown(ours) == shown(real)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_volume_when_made_and_written_here_reads_the_same_there(folder, cipher):
    own_create(f"key-secret=sec0,iter-time=10,{cipher}", folder)
    run(*PYQIO, *SECRET, *commands(WRITES), "--image-opts", OPEN, cwd=folder)

    real = run("qemu-io", *SECRET, *commands(READS), "--image-opts", OPEN, cwd=folder)
    ours = run(*PYQIO, *SECRET, *commands(READS), "--image-opts", OPEN, cwd=folder)

    assert shown(ours) == shown(real)


@pytest.mark.parametrize("options", BAD_OPENS)
def test_volume_when_it_cannot_be_opened_says_the_same(folder, options):
    own_create("key-secret=sec0,iter-time=10", folder)
    (folder / "raw").write_bytes(bytes(1 << 16))
    given = ("wrong,data=open", "latin,data=/w==,format=base64")
    objects = [*SECRET, *(w for text in given for w in ("--object", f"secret,id={text}"))]
    objects += ["--object", "throttle-group,id=group"]

    real = run("qemu-io", *objects, "--image-opts", options, cwd=folder, check=False)
    ours = run(*PYQIO, *objects, "--image-opts", options, cwd=folder, check=False)

    told = [line for line in ours.stderr.splitlines() if "throttle-group" not in line]
    assert [line.replace("pyqio: ", "qemu-io: ") for line in told] == real.stderr.splitlines()
    assert ours.returncode == real.returncode == 1


@pytest.mark.parametrize("arguments", CREATES)
def test_create_when_something_is_wrong_says_the_same(folder, arguments):
    objects = [*SECRET, "--object", "secret,id=latin,data=/w==,format=base64"]

    real = run("qemu-img", "create", "-f", "luks", *objects, *shlex.split(arguments), cwd=folder, check=False)
    ours = run(*PYQIO, *objects, "-c", f"create -f luks {arguments}", cwd=folder, check=False)

    assert ours.stderr.replace("pyqio: ", "qemu-img: ") == real.stderr
    assert ours.stdout == real.stdout
    assert ours.returncode == real.returncode == 1
    assert not (folder / "x").exists()


@pytest.mark.parametrize(("options", "size"), SIZES)
def test_create_when_size_and_preallocation_vary_makes_a_file_as_long(folder, options, size):
    real_create(f"key-secret=sec0,iter-time=50{options}", folder, "real", size)
    own_create(f"key-secret=sec0,iter-time=50{options}", folder, "ours", size)

    real, ours = ((folder / name).stat() for name in ("real", "ours"))
    assert ours.st_size == real.st_size
    assert (ours.st_blocks > 3000) == (real.st_blocks > 3000)
