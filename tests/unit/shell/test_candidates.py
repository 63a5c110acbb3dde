from __future__ import annotations

import pytest

from pyqio.session.split import split
from pyqio.shell.candidates import Candidate, candidates


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with files of all kinds of names, and the folder images."""
    for name in ("raw.img", "test.img", ".hidden", "my disk.img", "it's.img", "#1.img", "-odd.img", "a,b.img"):
        (tmp_path / name).touch()
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "other.img").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def completed(before, session):
    """The lines that ``before`` may become."""
    found = candidates(before, session)
    return [before[: len(before) - candidate.replaced] + candidate.text for candidate in found]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("rea", ["read", "readv"]),
        ("  trun", ["  truncate"]),
        ("length; trun", ["length; truncate"]),
        ("length;trun", ["length;truncate"]),
        ("length\ntrun", ["length\ntruncate"]),
        ("nothing", []),
        ("nothing ", []),
        ("read 0 512 ", []),
        ("# rea", []),
        ("'rea", ["'read'", "'readv'"]),
        ("time rea", ["time read", "time readv"]),
        ("watch -n 2 trun", ["watch -n 2 truncate"]),
        ("time open -t direct", ["time open -t directsync"]),
        ("help trun", ["help truncate"]),
    ],
)
def test_candidates_when_a_command_is_begun_then_those_it_may_become(session, before, expected):
    assert completed(before, session) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("open -t direct", ["open -t directsync"]),
        ("open -tdirect", ["open -tdirectsync"]),
        ("open -rtdirect", ["open -rtdirectsync"]),
        ("reopen -c writet", ["reopen -c writethrough"]),
        ("truncate -m f", ["truncate -m falloc", "truncate -m full"]),
        ("create -f qco", ["create -f qcow2"]),
        ("create -f qcow2 -o cl", ["create -f qcow2 -o cluster_size="]),
        ("create -f qcow2 -o cluster_size=4k,pre", ["create -f qcow2 -o cluster_size=4k,preallocation="]),
        ("create -f qcow2 -o preallocation=fu", ["create -f qcow2 -o preallocation=full"]),
        ("create -o s", ["create -o size="]),
        ("create -f nosuch -o s", []),
        ("create -f qcow2 -o nosuch=", []),
        ("open -o dri", ["open -o driver="]),
        ("open -o driver=qc", ["open -o driver=qcow2"]),
        ("open -o driver=qcow2,l2-cache-s", ["open -o driver=qcow2,l2-cache-size="]),
        ("open -o driver=qcow2,lazy-refcounts=o", [f"open -o driver=qcow2,lazy-refcounts={v}" for v in ("on", "off")]),
        ("open -o driver=qcow2,overlap-check.main", ["open -o driver=qcow2,overlap-check.main-header="]),
        ("open -o driver=qcow2,cache.d", ["open -o driver=qcow2,cache.direct="]),
        ("open -o driver=qcow2,fi", ["open -o driver=qcow2,file."]),
        ("open -o driver=qcow2,file.lock", ["open -o driver=qcow2,file.locking="]),
        ("open -o driver=blkverify,te", ["open -o driver=blkverify,test."]),
        ("open -o test.driver=qc", ["open -o test.driver=qcow2"]),
        ("open -o driver=qcow2,dr", []),
        ("open 'json:{\"dr", ['open \'json:{"driver"']),
        ('open \'json:{"driver": "qc', ['open \'json:{"driver": "qcow2"']),
        (
            'open \'json:{"driver": "qcow2", "file": {"lock',
            ['open \'json:{"driver": "qcow2", "file": {"locking"'],
        ),
        ('open \'json:{"driver": [', []),
        ("open json:", []),
    ],
)
def test_candidates_when_a_value_is_begun_then_those_it_may_become(session, before, expected):
    assert completed(before, session) == expected


def test_candidates_when_line_is_empty_then_every_command(session):
    assert {"read", "open", "demo"} < set(completed("", session))


def test_candidates_when_shell_is_qemu_io_then_none_of_our_own(qemu_session):
    assert {"demo", "create"} & set(completed("", qemu_session)) == set()


def test_candidates_when_a_hyphen_is_typed_then_flags_and_what_they_mean(session):
    found = list(candidates("length; read -", session))

    assert Candidate("-v", 1, "-v", "dump buffer to standard output") in found


def test_candidates_when_a_switch_is_given_then_it_is_not_offered_again(session):
    assert "read -v -v" not in completed("read -v -", session)


def test_candidates_when_options_have_ended_then_none_is_offered(session):
    assert completed("read -- -", session) == []


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("open ra", ["open raw.img"]),
        ("open -r -t none te", ["open -r -t none test.img"]),
        ("open images/", ["open images/other.img"]),
        ("open ~/ra", ["open ~/raw.img"]),
        ("open .h", ["open .hidden"]),
        ("open blkv", ["open blkverify:"]),
        ("open blkverify:ra", ["open blkverify:raw.img"]),
        ("open blkverify:raw.img:te", ["open blkverify:raw.img:test.img"]),
        ("open blkverify:raw.img:images/o", ["open blkverify:raw.img:images/other.img"]),
        ("open my", ["open my\\ disk.img"]),
        ("open my\\ d", ["open my\\ disk.img"]),
        ("open my\\", ["open my\\ disk.img"]),
        ('open "my', ['open "my disk.img"']),
        ("open 'my d", ["open 'my disk.img'"]),
        ("open blkverify:raw.img:'my", ["open blkverify:raw.img:'my disk.img'"]),
        ("open it", ["open it\\'s.img"]),
        ("open 'it", ["open 'it'\\''s.img'"]),
        ('open "it', ['open "it\'s.img"']),
        ("open 'imag", ["open 'images/"]),
        ("open no/such/folder/", []),
        ("write -s te", ["write -s test.img"]),
        ("read 0 512 > ra", ["read 0 512 > raw.img"]),
        ("read 0 512 | cmp - ra", ["read 0 512 | cmp - raw.img"]),
        ("open -o file.filename=ra", ["open -o file.filename=raw.img"]),
        ("open -o file.filename=a", ["open -o file.filename=a,,b.img"]),
        ("open -o file.filename=a,,", ["open -o file.filename=a,,b.img"]),
        ('open \'json:{"file": {"filename": "te', ['open \'json:{"file": {"filename": "test.img"']),
    ],
)
def test_candidates_when_a_file_is_begun_then_files_spelled_as_the_word_is(folder, session, before, expected):
    assert completed(before, session) == expected


def test_candidates_when_nothing_is_typed_then_files_that_the_tokenizer_takes_for_themselves(folder, session):
    taken = [split(line)[0].words[1] for line in completed("open ", session)]

    assert taken == ["#1.img", "./-odd.img", "a,b.img", "images/", "it's.img", "my disk.img", "raw.img", "test.img"]


def test_candidates_when_folder_is_large_then_the_first_of_a_thousand_and_the_last(tmp_path, session):
    for number in range(1100):
        (tmp_path / f"{number:04}.img").touch()

    found = completed(f"open {tmp_path}/", session)

    assert (len(found), found[0], found[-1]) == (1000, f"open {tmp_path}/0000.img", f"open {tmp_path}/1099.img")


@pytest.fixture
def opened(session, tmp_path):
    """A session on a pair that is read-only, with a snapshot, a bookmark and an alias."""
    raw, test = tmp_path / "raw.img", tmp_path / "test.qcow2"
    raw.write_bytes(bytes(65536))
    session.run_line(f"create -q -f qcow2 {test} 64k; open {test}; snapshot -c before; close")
    session.run_line(f"open -r blkverify:{raw}:{test}; mark here 512; alias head 'read -v 0 $1'")
    yield session
    session.close()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("read --child te", ["read --child test", "read --child test.file"]),
        ("read --child=ra", ["read --child=raw"]),
        ("goto h", ["goto here"]),
        ("hea", ["head"]),
        ("unalias ", ["unalias head"]),
        ("set the", ["set theme"]),
        ("set theme co", ["set theme colorblind"]),
        ("read -t u64", ["read -t u64le", "read -t u64be"]),
        ("help blk", ["help blkverify"]),
    ],
)
def test_candidates_when_the_session_knows_the_values_then_those(opened, before, expected):
    assert completed(before, opened) == expected


def test_candidates_when_image_has_snapshots_then_their_names(opened, tmp_path):
    opened.run_line(f"close; open {tmp_path}/test.qcow2")

    assert completed("snapshot -a b", opened) == ["snapshot -a before"]


def test_candidates_when_a_setting_is_begun_then_what_it_is_for(session):
    assert [found.meaning for found in candidates("set toolb", session)] == [
        "a line at the bottom of the shell on what is open"
    ]
