"""Images with an external data file, opened, written, locked and reopened by us as by qemu-io 7.2."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

PLAIN, RAW = "data_file=d.raw", "data_file=d.raw,data_file_raw=on"
GEOMETRIES = {
    "plain": PLAIN,
    "raw": RAW,
    "small clusters": f"{PLAIN},cluster_size=512",
    "extended": f"{PLAIN},extended_l2=on",
    "raw extended": f"{RAW},extended_l2=on",
    "lazy": f"{PLAIN},lazy_refcounts=on",
}
REQUESTS = (
    *("-c", "write -P 1 0 64k"),
    *("-c", "write -P 2 100k 100k"),
    *("-c", "write -c 64k 64k"),
    *("-c", "map"),
    *("-c", "discard 0 64k"),
    *("-c", "write -z 128k 64k"),
    *("-c", "write -zu 192k 4k"),
    *("-c", "map"),
    *("-c", "truncate 2M"),
    *("-c", "write -P 3 1500k 64k"),
    *("-c", "truncate 1600000"),
    *("-c", "map"),
    *("-c", "read -v 1500k 16"),
    *("-c", "write -b 0 512"),
    *("-c", "info"),
)

OPTIONS = (
    {"data-file": None},
    {"data-file": ""},
    {"data-file": "nosuch"},
    {"data-file": {"driver": "file"}},
    {"data-file": {"driver": "null-co"}},
    {"data-file": {"driver": "raw"}},
    {"data-file": {"read-only": True}},
    {"data-file": {"driver": "file", "filename": "d.raw", "read-only": True}},
    {"data-file": {"driver": "file", "filename": "other"}},
    {"data-file": {"driver": "raw", "file": {"driver": "file", "filename": "other"}}},
    {"data-file": {"filename": "x"}},
    {"data-file": {"filename": "nosuch"}},
    {"data-file": {"filename": "file:d.raw"}},
    {"data-file": {"filename": "d.raw", "nosuch": "1"}},
)

REOPENS = (
    ("-c", "reopen -r", "-c", "write 0 512", "-c", "reopen -w", "-c", "write 0 512"),
    ("-r", "-c", "reopen -w", "-c", "write 0 512", "-c", "reopen -r", "-c", "read 0 512"),
    ("-c", "reopen -o data-file=nosuch"),
    ("-c", "reopen -o data-file="),
    ("-c", "reopen -o data-file.filename=other"),
    ("-c", "reopen -o data-file.driver=raw"),
    ("-c", "reopen -o data-file.discard=unmap", "-c", "discard 0 1M"),
    ("-c", "reopen -o lazy-refcounts=on", "-c", "write 0 512"),
)


@pytest.fixture
def folders(oracle, tmp_path):
    """``folders(options)``: two folders with the same image ``x``, its data file ``d.raw`` and the file ``other``."""

    def make(options):
        for name in ("real", "ours"):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "other").write_bytes(b"\xcd" * (1 << 20))
            command = [oracle("qemu-img"), "create", "-q", "-f", "qcow2", "-o", options, "x", "1M"]
            subprocess.run(command, cwd=folder, check=True)
        return tmp_path / "real", tmp_path / "ours"

    return make


@pytest.fixture
def run(oracle):
    """``run(folder, arguments)``: what the program whose folder this is says, without the times."""
    programs = {"real": [oracle("qemu-io")], "ours": [sys.executable, "-m", "pyqio"]}

    def start(folder, *arguments):
        command = [*programs[folder.name], *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=20)
        lines = [line for line in done.stdout.splitlines() if " ops; " not in line]
        return done.returncode, lines, done.stderr.replace("pyqio: ", "qemu-io: ")

    return start


def image_tool(folder, *arguments):
    return subprocess.run(["qemu-img", *arguments], cwd=folder, capture_output=True, text=True).stdout


@pytest.mark.parametrize("options", GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_requests_when_the_data_is_external_leave_what_qemu_io_leaves(folders, run, options):
    real, ours = folders(options)

    theirs, own = run(real, "-f", "qcow2", *REQUESTS, "x"), run(ours, "-f", "qcow2", *REQUESTS, "x")

    assert own[:2] == theirs[:2]
    assert (ours / "d.raw").read_bytes() == (real / "d.raw").read_bytes()
    for question in (["check", "-f", "qcow2", "--output=json", "x"], ["map", "-f", "qcow2", "--output=json", "x"]):
        assert json.loads(image_tool(ours, *question)) == json.loads(image_tool(real, *question))


@pytest.mark.parametrize("options", OPTIONS, ids=map(json.dumps, OPTIONS))
@pytest.mark.parametrize("made", [PLAIN, "compat=1.1"])
def test_open_when_options_speak_of_the_data_file_answers_like_qemu_io(folders, run, made, options):
    name = "json:" + json.dumps({"driver": "qcow2", "file.filename": "x", **options})

    theirs, own = (run(folder, "-c", "read -v 0 16", "-c", "info", name) for folder in folders(made))

    assert own == theirs


@pytest.mark.parametrize("commands", REOPENS, ids=map(" ".join, REOPENS))
def test_reopen_when_the_data_is_external_answers_like_qemu_io(folders, run, commands):
    real, ours = folders(PLAIN)

    theirs, own = run(real, "-f", "qcow2", *commands, "x"), run(ours, "-f", "qcow2", *commands, "x")

    assert own[:2] == theirs[:2]
    assert own[2].splitlines()[:1] == theirs[2].splitlines()[:1]


@pytest.mark.parametrize("length", [0, 1000, 1 << 20, 2 << 20])
def test_open_when_the_data_file_has_another_length_reads_like_qemu_io(folders, run, length):
    pair = folders(PLAIN)
    for folder in pair:
        run(folder, "-f", "qcow2", "-c", "write -P 7 0 1M", "x")
        with (folder / "d.raw").open("r+b") as file:
            file.truncate(length)

    theirs, own = (run(folder, "-f", "qcow2", "-c", "read -v 500 512", "-c", "write 512k 1k", "x") for folder in pair)

    assert own == theirs
    assert (pair[1] / "d.raw").read_bytes() == (pair[0] / "d.raw").read_bytes()


def test_open_when_the_name_is_relative_starts_in_the_working_directory(folders, run, tmp_path):
    for folder in folders(PLAIN):
        (folder / "below").mkdir()
        (folder / "x").rename(folder / "below" / "x")

    theirs, own = (run(tmp_path / name, "-f", "qcow2", "-c", "info", "below/x") for name in ("real", "ours"))

    assert theirs[0] == 0
    assert own[:2] == theirs[:2]
    assert (
        own[2] == "qemu-io: warning: the image names a file that is not in its directory, and it was opened: 'd.raw'\n"
    )


@pytest.mark.parametrize("flags", [[], ["-r"], ["-r", "-U"]], ids=["writer", "reader", "sharing reader"])
def test_locks_on_the_data_file_are_those_of_qemu_io(oracle, folders, flags):
    real, ours = folders(PLAIN)

    theirs = locks([oracle("qemu-io")], flags, real)
    own = locks([sys.executable, "-m", "pyqio"], flags, ours)

    assert theirs["d.raw"]
    assert own == theirs


def locks(program, flags, folder):
    """The byte ranges of both files that are locked while the image is open."""
    command = [*program, *flags, "-f", "qcow2", "-c", "sleep 10000", "x"]
    inodes = {name: (folder / name).stat().st_ino for name in ("x", "d.raw")}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 9
        before, found = None, {}
        while not all(found.values()) or found != before:
            assert time.monotonic() < deadline
            time.sleep(0.3)
            before, found = found, {name: held(inode) for name, inode in inodes.items()}
        process.kill()
    return found


def held(inode):
    with open("/proc/locks") as table:
        return {tuple(line.split()[3:4] + line.split()[-2:]) for line in table if f":{inode} " in line}
