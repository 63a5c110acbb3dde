from __future__ import annotations

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.oracle.differ import Worker
from tests.oracle.geometry import Geometry
from tests.oracle.lines import COMMANDS
from tests.oracle.streams import Stream

IMAGES = Geometry(
    format="qcow2",
    size=1 << 20,
    cluster=4096,
    grain=4096,
    setup=(
        ("truncate", "-s", "1M", "t.raw"),
        ("qemu-img", "create", "-q", "-f", "qcow2", "t.qcow2", "1M"),
        ("mkdir", "folder"),
        ("sh", "-c", "head -c 70000 t.qcow2 >short.img"),
        ("sh", "-c", "printf 'QFI\\373\\0\\0\\0\\7' >seven.img; : >empty"),
    ),
)

INVOCATIONS = (
    "",
    "--help",
    "-h",
    "--bogus t.raw",
    "-x t.raw",
    "-g",
    "-c",
    "--cmd",
    "-f",
    "--help=1",
    "t.raw t.raw",
    "-f bogus t.raw",
    "-t bogus t.raw",
    "-d bogus t.raw",
    "-i bogus t.raw",
    "-i native t.raw",
    "-k -f raw t.raw",
    "-n -k -f raw -c length t.raw",
    "-i threads -f raw -c length t.raw",
    "nosuch",
    "/",
    "folder",
    "-f raw folder",
    "-f qcow2 t.raw",
    "-f qcow2 empty",
    "-f raw -c length empty",
    "-c length empty",
    "seven.img",
    "-r short.img",
    "foo:bar",
    "file:t.qcow2 -c length",
    "file:nosuch",
    "-f raw --image-opts t.raw",
    "--image-opts t.raw",
    "--image-opts driver=raw",
    "--image-opts driver=bogus",
    "--image-opts driver=raw,file.filename=t.raw -c length",
    "--image-opts driver=raw,file.driver=file,file.filename=nosuch",
    "--image-opts driver=qcow2,file.filename=t.qcow2,bogus=1",
    "--image-opts driver=qcow2,file.driver=file,file.filename=t.qcow2,lazy-refcounts=maybe",
    "--image-opts driver=raw,file.filename=t.raw,offset=512,size=1024 -c length",
    "--image-opts driver=raw,file.filename=t.raw,offset=1M,size=512 -c length",
    '\'json:{"driver": "qcow2", "file": "nosuch"}\'',
    '\'json:{"driver": "qcow2", "file.filename": "t.qcow2"}\' -c length',
    "'json:{\"driver\"'",
    "'json:[]'",
    "-c length",
    "-c open -c length",
    "-c 'open nosuch' -c length",
    "-c 'open -o driver=raw t.raw' -c length",
    "t.raw -c length",
    "-- t.raw",
    "-rc length -f raw t.raw",
    "--re -f raw -c 'write 0 512' t.raw",
    "--no -f raw -c length t.raw",
    "--c length -f raw t.raw",
    "--cache=none --format raw --cmd=length t.raw",
    "-U t.raw",
    "-Ur -f raw -c length t.raw",
    "-s -r -f raw -c 'write 0 512' t.raw",
    "-C -r -f raw -c 'read 0 512' t.raw",
    "-s -f raw -c 'write 0 512' -c 'read -P 0xcd 0 512' -c map t.raw",
    "-n -t bogus t.raw",
    "-t writeback -t none -f raw -c length t.raw",
)


@pytest.fixture(scope="module")
def sides(oracle):
    oracle("qemu-io")
    oracle("qemu-img")
    worker = Worker(self_check=False)
    yield worker
    worker.close()


def run_of(*options, commands=()):
    return Stream(
        seed=0,
        geometry=IMAGES,
        options=options,
        image=(),
        commands=tuple(commands),
        arguments=len(commands),
        merged=False,
    )


@pytest.mark.parametrize("arguments", INVOCATIONS)
def test_command_line_when_run_by_both_says_the_same(sides, arguments):
    difference = sides.compare(run_of(*shlex.split(arguments)))

    assert difference is None, difference


@pytest.mark.parametrize("command", [*COMMANDS, "q", "r", "w", "nosuch", ""])
def test_help_of_a_command_when_asked_of_both_says_the_same(sides, command):
    difference = sides.compare(run_of(commands=[f"help {command}", f"{command} -? 1 2 3 4 5 6 7 8 9"]))

    assert difference is None, difference


def test_version_when_started_as_qemu_io_has_qemu_ios_shape(oracle, tmp_path):
    link = tmp_path / "qemu-io"
    link.symlink_to(Path(sysconfig.get_path("scripts")) / "pyqio")

    real, ours = (
        subprocess.run([program, "-V"], capture_output=True, text=True) for program in (oracle("qemu-io"), str(link))
    )

    shape = r"qemu-io version \d+\.\d+\.\d+.*\nCopyright \(c\) .*\n"
    assert re.fullmatch(shape, real.stdout)
    assert re.fullmatch(shape, ours.stdout)
    assert (ours.returncode, ours.stderr) == (real.returncode, real.stderr)


def test_link_when_found_through_path_answers_like_qemu_io(oracle, tmp_path):
    (tmp_path / "qemu-io").symlink_to(Path(sysconfig.get_path("scripts")) / "pyqio")
    ours_first = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = ["qemu-io", "-x"]

    real = subprocess.run(command, executable=oracle("qemu-io"), capture_output=True, text=True)
    ours = subprocess.run(command, capture_output=True, text=True, env=ours_first)

    assert (ours.returncode, ours.stdout, ours.stderr) == (real.returncode, real.stdout, real.stderr)
