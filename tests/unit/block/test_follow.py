"""Names that an image has for other files, and what --follow makes of them."""

from __future__ import annotations

import os

import pytest

import pyqio
from pyqio.base.errors import OpenError
from pyqio.base.types import OpenFlags
from pyqio.block.graph import Graph
from pyqio.drivers.formats.qcow2.naming import data_child

SIZE = 65536


@pytest.fixture
def overlay(tmp_path, monkeypatch):
    """``overlay(name)``: the path of an image in a folder of its own whose backing file is ``name``.

    In the folder are ``base`` and ``sub/base``, filled with 0xba, and ``link``, which leads out of it to ``outside``.
    """
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "base", folder / "sub" / "base", tmp_path / "outside"):
        path.write_bytes(b"\xba" * SIZE)
    (folder / "link").symlink_to("../outside")
    (folder / "inner").symlink_to("sub/base")
    monkeypatch.chdir(tmp_path)

    def make(name):
        image = os.path.join("images", "x.qcow2")
        options = {"backing_file": name.format(folder=folder), "backing_fmt": "raw"}
        pyqio.create(image, SIZE, format="qcow2", options=options)
        return image

    return make


INSIDE = ("base", "./base", "sub/base", "sub/../base", "inner", "../images/base")
OUTSIDE = ("../outside", "link", "{folder}/base", 'json:{{"driver":"file","filename":"outside"}}')


@pytest.mark.parametrize("name", INSIDE)
def test_open_when_the_backing_file_is_in_the_directory_then_same_dir_reads_it(overlay, name):
    with pyqio.open(overlay(name), follow="same-dir") as image:
        assert image.pread(0, 4) == b"\xba" * 4


@pytest.mark.parametrize("name", OUTSIDE)
def test_open_when_the_backing_file_is_elsewhere_then_same_dir_refuses_it(overlay, name):
    with pytest.raises(OpenError, match=r"^Could not open backing file: follow=same-dir does not open"):
        pyqio.open(overlay(name), follow="same-dir")


@pytest.mark.parametrize("name", INSIDE + OUTSIDE)
def test_open_when_nothing_is_followed_then_every_name_is_refused(overlay, name):
    with pytest.raises(OpenError, match=r"names; say backing.file.filename=NAME, or backing= for none$"):
        pyqio.open(overlay(name), follow="none")


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({"backing": None}, 0),
        ({"backing": ""}, 0),
        ({"backing.file.filename": "outside"}, 0xBA),
        ({"backing": {"driver": "raw", "file": {"filename": "outside"}}}, 0xBA),
    ],
)
def test_open_when_the_user_says_what_lies_below_then_nothing_is_refused(overlay, options, seen):
    with pyqio.open(overlay("base"), options=options, follow="none") as image:
        assert image.pread(0, 4) == bytes([seen]) * 4


def test_open_when_only_the_driver_is_said_then_the_name_is_still_the_image_s(overlay):
    with pytest.raises(OpenError, match="follow=none"):
        pyqio.open(overlay("base"), options={"backing.driver": "raw"}, follow="none")


def test_open_when_a_backing_file_names_another_then_that_is_refused_too(overlay, tmp_path):
    overlay("../outside")
    top = tmp_path / "images" / "top"
    pyqio.create(top, SIZE, format="qcow2", options={"backing_file": "x.qcow2", "backing_fmt": "qcow2"})

    with pytest.raises(OpenError, match=r"follow=same-dir does not open '\.\./outside'"):
        pyqio.open(top, follow="same-dir")


def test_open_when_the_image_is_named_from_its_own_directory_then_it_is_the_same(overlay, monkeypatch):
    monkeypatch.chdir(os.path.dirname(overlay("base")))

    with pyqio.open("x.qcow2", follow="same-dir") as image:
        assert image.pread(0, 1) == b"\xba"


@pytest.mark.parametrize(("name", "remarks"), [("base", 0), ("../outside", 1), ("link", 1)])
def test_open_when_the_backing_file_is_elsewhere_then_it_is_said(overlay, name, remarks):
    graph = Graph()

    graph.open(overlay(name)).close()

    assert graph.remarks == [
        f"the image names a file that is not in its directory, and it was opened: {name!r}"
    ] * remarks  # fmt: skip


def test_open_when_a_name_would_act_on_a_terminal_then_it_is_shown_escaped(overlay):
    with pytest.raises(OpenError, match=r"'\.\./\\n\\x1b\[31m'"):
        pyqio.open(_renamed(overlay("../outside"), b"../outside", b"../\n\x1b[31m\0"), follow="same-dir")


@pytest.mark.parametrize("name", ['json:{"driver":"null-co"}', "nbd:unix:x", "fat:/etc", "a:b"])
def test_data_file_when_its_name_looks_like_a_protocol_then_it_is_a_file_s(tmp_path, name):
    spec, _ = data_child(name, os.fspath(tmp_path / "x.qcow2"))

    with pytest.raises(OpenError, match="No such file or directory"):
        Graph().open_node(spec, OpenFlags(), probing=False)


@pytest.mark.parametrize(
    ("name", "inside"), [("images/base", True), ("base", False), ("outside", False), ("images/link", False)]
)
def test_data_file_when_its_name_is_relative_then_it_starts_in_the_working_directory(overlay, name, inside):
    spec, found = data_child(name, overlay("base"))

    assert spec == {"filename": name}
    assert found.is_inside is inside


def _renamed(path, before, after):
    with open(path, "r+b") as file:
        data = file.read()
        file.seek(data.index(before))
        file.write(after.ljust(len(before), b"\0")[: len(before)])
    return path
