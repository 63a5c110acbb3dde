"""Images, files and disks that are not as they should be: one clear line, the right status, no traceback."""

from __future__ import annotations

import os
import random
import subprocess

import pytest

from tests.oracle.conftest import find_oracle

READ = ("-c", "read 0 512")


def assert_one_clear_line(done, *words):
    """One line on stderr that names what is wrong, nothing on stdout, exit status 1."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.fixture
def qcow2(tmp_path):
    """A sound qcow2 image of 4 MiB with data in it, made by qemu-img and qemu-io."""
    path = tmp_path / "test.qcow2"
    subprocess.run([find_oracle("qemu-img"), "create", "-q", "-f", "qcow2", path, "4M"], check=True)
    command = [find_oracle("qemu-io"), "-f", "qcow2", "-c", "write -P 0x5a 0 1M", path]
    subprocess.run(command, check=True, capture_output=True)
    return path


def check_image(path, *, ok=(0,)):
    """qemu-img's verdict: 0 clean, 2 corrupt, 3 leaked clusters."""
    done = subprocess.run([find_oracle("qemu-img"), "check", path], capture_output=True, text=True)
    assert done.returncode in ok, done.stdout + done.stderr


def test_open_when_file_is_missing_then_says_so(pyqio):
    assert_one_clear_line(pyqio(*READ, "missing.img"), "missing.img", "No such file or directory")


def test_open_when_folder_is_missing_then_says_so(pyqio):
    assert_one_clear_line(pyqio(*READ, "no/such/x.img"), "no/such/x.img", "No such file or directory")


def test_open_when_name_is_a_folder_then_says_so(pyqio, tmp_path):
    assert_one_clear_line(pyqio(*READ, str(tmp_path)), str(tmp_path))


def test_open_when_name_is_a_fifo_then_does_not_hang(pyqio, tmp_path):
    os.mkfifo(tmp_path / "fifo")

    assert_one_clear_line(pyqio(*READ, "fifo"), "fifo")


def test_open_when_name_is_too_long_then_says_so(pyqio):
    assert_one_clear_line(pyqio(*READ, "x" * 5000), "File name too long")


def test_open_when_file_may_not_be_read_then_says_so(pyqio, pattern_image):
    pattern_image.chmod(0)
    unprivileged = (find_oracle("setpriv"), "--bounding-set=-dac_override,-dac_read_search")
    prefix = unprivileged if os.geteuid() == 0 else ()

    assert_one_clear_line(pyqio(*READ, "raw.img", prefix=prefix), "raw.img", "Permission denied")


def test_open_when_driver_is_unknown_then_says_so(pyqio, pattern_image):
    assert_one_clear_line(pyqio("-f", "qcow9", *READ, "raw.img"), "qcow9")


def test_open_when_test_side_is_missing_then_names_it(pyqio, pattern_image):
    assert_one_clear_line(pyqio(*READ, "blkverify:raw.img:missing.img"), "missing.img", "No such file or directory")


def test_open_when_test_side_is_not_named_then_says_so(pyqio, pattern_image):
    assert_one_clear_line(pyqio(*READ, "blkverify:raw.img"), "blkverify")


def test_open_when_empty_file_is_named_qcow2_then_says_so(pyqio, tmp_path):
    (tmp_path / "empty").touch()

    assert_one_clear_line(pyqio("-f", "qcow2", *READ, "empty"), "empty")


def test_read_when_raw_file_is_empty_then_fails(pyqio, tmp_path):
    (tmp_path / "empty").touch()

    done = pyqio("-f", "raw", *READ, "empty")

    assert (done.stdout, done.returncode) == ("read failed: Input/output error\n", 1)
    assert done.stderr == "pyqio: 512 bytes at offset 0 are not inside the image's 0 bytes\n"


@pytest.mark.parametrize("seed", range(8))
def test_open_when_qcow2_header_is_garbage_then_one_line(pyqio, tmp_path, seed):
    noise = random.Random(seed).randbytes(65536)
    (tmp_path / "noise").write_bytes(b"QFI\xfb" + bytes([0, 0, 0, 2 + seed % 2]) + noise)

    assert_one_clear_line(pyqio("-f", "qcow2", *READ, "noise"), "noise")


@pytest.mark.parametrize("keep", [0, 4, 71, 72, 103])
def test_open_when_qcow2_header_is_cut_then_one_line(pyqio, qcow2, keep):
    os.truncate(qcow2, keep)

    assert_one_clear_line(pyqio("-f", "qcow2", *READ, "test.qcow2"), "test.qcow2")


@pytest.mark.parametrize("clusters", [1, 2, 3, 4, 5])
def test_read_when_qcow2_is_cut_at_a_cluster_then_no_traceback(pyqio, qcow2, clusters):
    os.truncate(qcow2, clusters * 65536)

    done = pyqio("-r", "-f", "qcow2", "-c", "read 0 1M", "test.qcow2")

    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("seed", range(16))
def test_read_when_qcow2_tables_are_damaged_then_no_traceback(pyqio, qcow2, seed):
    rng = random.Random(seed)
    data = bytearray(qcow2.read_bytes())
    for _ in range(20):
        place = rng.randrange(16, 104) if rng.random() < 0.2 else 65536 * rng.randrange(1, 5) + 8 * rng.randrange(32)
        data[place] = rng.randrange(256)
    qcow2.write_bytes(data)

    done = pyqio("-f", "qcow2", "-c", "read 0 4M", "-c", "write 64k 1M", "-c", "map", "-c", "info", "test.qcow2")

    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)


def test_create_when_folder_is_missing_then_leaves_nothing(pyqio, tmp_path):
    done = pyqio("-c", "create -f qcow2 no/x.qcow2 1M")

    assert (done.returncode, "Traceback" in done.stderr, list(tmp_path.iterdir())) == (1, False, [])


@pytest.mark.parametrize("image", ["raw", "qcow2"])
def test_write_when_disk_is_full_then_says_so_and_image_stays_sound(pyqio, small_disk, image):
    created = pyqio("-c", f"create -f {image} small/x.img 16M")

    done = pyqio("-f", image, "-c", "write -P 7 0 4k", "-c", "write -P 9 1M 8M", "-c", "read -P 7 0 4k", "small/x.img")

    assert created.returncode == 0
    assert "write failed: No space left on device\n" in done.stdout
    assert "Pattern verification failed" not in done.stdout
    assert (done.stderr, done.returncode) == ("", 1)
    check_image(small_disk / "x.img", ok=(0, 3, 63))


def test_create_when_disk_is_full_then_leaves_nothing(pyqio, small_disk):
    done = pyqio("-c", "create -f raw -o preallocation=full small/x.img 16M")

    assert (done.returncode, "No space left on device" in done.stderr + done.stdout) == (1, True)
    assert list(small_disk.iterdir()) == []


FAULTY_DISK = """
import errno, os, sys

def failing(call):
    def transfer(fd, data, offset, *flags):
        if 1 << 20 <= offset < 2 << 20:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call(fd, data, offset, *flags)
    return transfer

for name in ("pread", "preadv", "pwrite", "pwritev"):
    setattr(os, name, failing(getattr(os, name)))
from pyqio.cli.main import main
sys.exit(main())
"""
"""pyqio on a disk whose second MiB is broken."""


@pytest.mark.parametrize("verb", ["read", "write"])
def test_request_when_disk_answers_eio_then_says_so_and_goes_on(pyqio, tmp_path, python, verb):
    (tmp_path / "raw.img").write_bytes(bytes(2 << 20))
    commands = ("-f", "raw", "-c", f"{verb} 1M 4k", "-c", "read -q 0 512", "-c", "length", "raw.img")

    done = pyqio("-c", FAULTY_DISK, *commands, program=python)

    assert (done.stdout, done.stderr, done.returncode) == (f"{verb} failed: Input/output error\n2 MiB\n", "", 1)


def test_pair_when_one_side_answers_eio_then_says_which(pyqio, tmp_path, python):
    (tmp_path / "a.img").write_bytes(bytes(2 << 20))
    subprocess.run([find_oracle("qemu-img"), "create", "-q", "-f", "qcow2", tmp_path / "b.qcow2", "2M"], check=True)

    done = pyqio("-c", FAULTY_DISK, "-f", "raw", "-c", "read 1M 4k", "blkverify:a.img:b.qcow2", program=python)

    first = done.stderr.splitlines()[0]
    assert first == "blkverify: read sector_num=2048 nb_sectors=8 return value mismatch 0 != -5"
    assert (done.returncode, "Traceback" in done.stderr) == (3, False)
