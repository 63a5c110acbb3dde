from __future__ import annotations

import pytest

from pyqio.shell.candidates import Candidate, candidates


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with raw.img, test.img, .hidden and the folder images."""
    for name in ("raw.img", "test.img", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "other.img").touch()
    monkeypatch.chdir(tmp_path)


def texts(before, **more):
    return [candidate.text for candidate in candidates(before, **more)]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("rea", ["read", "readv"]),
        ("  trun", ["truncate"]),
        ("length; trun", ["truncate"]),
        ("length;trun", ["truncate"]),
        ("nothing", []),
        ("nothing ", []),
        ("help wr", ["write", "writev"]),
        ("read -P", []),
        ("open -t direct", ["directsync"]),
        ("reopen -c write", ["writeback", "writethrough"]),
        ("truncate -m f", ["falloc", "full"]),
        ("read 0 512 ", []),
        ("create -f qco", ["qcow2"]),
        ("create -f qcow2 -o cl", ["cluster_size="]),
        ("create -f qcow2 -o cluster_size=4k,pre", ["cluster_size=4k,preallocation="]),
        ("create -f qcow2 -o preallocation=f", ["preallocation=falloc", "preallocation=full"]),
        ("create -f qcow2 -o lazy_refcounts=", ["lazy_refcounts=on", "lazy_refcounts=off"]),
        ("create -o s", ["size="]),
        ("create -f nosuch -o s", []),
        ("create -f qcow2 -o nosuch=", []),
    ],
)
def test_candidates_when_a_word_is_begun_then_the_words_it_may_become(before, expected):
    assert [text for text in texts(before) if not text.startswith("-")] == expected


def test_candidates_when_line_is_empty_then_every_command():
    assert {"read", "open", "demo"} < set(texts(""))


def test_candidates_when_shell_is_qemu_io_then_none_of_our_own():
    assert {"demo", "create"} & set(texts("", own=False)) == set()


def test_candidates_when_a_hyphen_is_typed_then_flags_and_what_they_mean():
    found = list(candidates("length; read -"))

    assert Candidate("-v", 1, "dump buffer to standard output") in found


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("open ", [("images/", 0), ("raw.img", 0), ("test.img", 0)]),
        ("open ra", [("raw.img", 2)]),
        ("open -r -t none te", [("test.img", 2)]),
        ("open images/", [("other.img", 0)]),
        ("open .h", [(".hidden", 2)]),
        ("open blkverify:ra", [("raw.img", 2)]),
        ("open blkverify:raw.img:", [("images/", 0), ("raw.img", 0), ("test.img", 0)]),
        ("open blkverify:raw.img:images/o", [("other.img", 1)]),
        ("open 'ra", [("raw.img", 2)]),
        ("open no/such/folder/", []),
        ("write -s te", [("test.img", 2)]),
    ],
)
def test_candidates_when_a_file_is_begun_then_files_after_the_last_colon(folder, before, expected):
    assert [(text, replaced) for text, replaced, _ in candidates(before)] == expected
