"""``where`` beside qemu-img map: which image of the chain gives a byte, and at which host offset."""

from __future__ import annotations

import json
import os
import subprocess
from random import Random

import pytest

import pyqio
from pyqio.base.errors import BlockError, OpenError
from pyqio.block import way
from pyqio.commands.results import Way
from pyqio.commands.where import step
from pyqio.render.spans import plain
from pyqio.render.structure import lines_of
from tests.damage import fields, mutants, sources

ABSENT = ("unallocated", "zero")
HOLES = ("hole", "past the end")
PLAIN = [name for name, source in sources.SOURCES.items() if not source.encrypted]
OFFSETS = 24
MUTANTS = 12
IMAGE = "source.qcow2"


def open_source(name, path, **how):
    secret = {"options": {"encrypt.key-secret": "sec0"}, "secrets": {"sec0": sources.PASSWORD.encode()}}
    return pyqio.open(path, format="qcow2", **how, **(secret if sources.SOURCES[name].encrypted else {}))


def mapped(oracle, name, folder):
    """What qemu-img map says, its ranges in order."""
    image, secret = ["-f", "qcow2", IMAGE], []
    if sources.SOURCES[name].encrypted:
        secret = ["--object", f"secret,id=sec0,data={sources.PASSWORD}"]
        image = ["--image-opts", f"driver=qcow2,file.filename={IMAGE},encrypt.key-secret=sec0"]
    words = [oracle("qemu-img"), "map", "--output=json", *secret, *image]
    return json.loads(subprocess.run(words, cwd=folder, check=True, capture_output=True).stdout)


def depth(stops):
    """How many backing files below the top the byte is."""
    return sum(stop.path.split(".")[-1] == "backing" for stop in stops)


@pytest.mark.parametrize("name", sources.SOURCES)
def test_trace_when_compared_with_qemu_img_map_then_the_same_place(oracle, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    sources.make(name, str(tmp_path))
    rng = Random(f"where {name}")
    with open_source(name, IMAGE, read_only=True) as image:
        for found in mapped(oracle, name, tmp_path):
            for offset in {found["start"], *(found["start"] + rng.randrange(found["length"]) for _ in range(2))}:
                stops = way.trace(image.node, offset)
                kept = [stop for stop in stops if stop.node.driver.name == "qcow2" or stop.path == "backing"][-1]
                assert not any(stop.explanation.wrong for stop in stops)
                assert reads_zero(stops, kept) == found["zero"]
                assert found["zero"] or depth(stops) == found["depth"]
                assert place(stops, kept) == place_of(found, offset)


def reads_zero(stops, kept):
    plainly = "encryption" not in kept.explanation.facts
    return kept.explanation.kind in ABSENT or (plainly and stops[-1].explanation.kind in HOLES)


def place(stops, kept):
    """The host offset of a byte that is stored as it is, else None."""
    plainly = kept.explanation.kind == "data" and "encryption" not in kept.explanation.facts
    return stops[-1].offset if plainly and stops[-1].explanation.kind != "past the end" else None


def place_of(found, offset):
    return found["offset"] + offset - found["start"] if "offset" in found and found["data"] else None


@pytest.mark.parametrize("name", PLAIN)
def test_trace_when_a_byte_is_stored_as_it_is_then_the_host_file_has_it_there(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    sources.make(name, str(tmp_path))
    rng = Random(f"bytes {name}")
    with open_source(name, IMAGE, read_only=True) as image:
        offsets = [rng.randrange(image.length()) for _ in range(OFFSETS)]
        traced = {offset: way.trace(image.node, offset) for offset in offsets}
        host = {offset: stops[-1] for offset, stops in traced.items() if stops[-2:-1] and is_plain(stops)}

        assert host
        assert all(read(s.node.filename, s.offset) == image.pread(offset, 1) for offset, s in host.items())


def is_plain(stops):
    return stops[-2].explanation.kind == "data" and stops[-1].explanation.kind in ("data", "hole")


def read(path, offset):
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(1)


@pytest.mark.parametrize("name", PLAIN)
def test_trace_when_the_image_is_damaged_then_says_what_it_sees_and_changes_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    data = sources.make(name, str(tmp_path))
    found = fields.walk(data)
    traced = 0
    for seed in range(MUTANTS):
        mutant = mutants.mutant(data, found, f"where {name} {seed}")
        with open("mutant.qcow2", "wb") as file:
            file.write(mutant.data)
        traced += look(name, mutant.data)

    assert traced
    assert os.path.getsize("mutant.qcow2")


def look(name, data):
    """Trace some bytes of a mutant in all ways; returns how many."""
    try:
        image = open_source(name, "mutant.qcow2")
    except OpenError:
        return 0
    before = read_all()
    offsets = [offset for offset in (0, 5000, 66_000, 81_000, 191_000) if offset < image.length()]
    for offset in offsets:
        stops = way.trace(image.node, offset, thorough=True)
        results = [Way(offset=offset, steps=list(map(step, stops)))]
        results += [structure for stop in stops for structure in stop.explanation.structures]
        assert "".join(plain(lines_of(result, unicode=True)) for result in results)
    assert read_all() == before
    try:
        image.close()
    except BlockError:
        return len(offsets)
    return len(offsets)


def read_all():
    with open("mutant.qcow2", "rb") as file:
        return file.read()
