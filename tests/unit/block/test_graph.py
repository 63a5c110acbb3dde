"""Opening, reopening and closing: what is found, what is refused, and that nothing stays open."""

from __future__ import annotations

import os

import pytest

from pyqio.base.errors import BlockError, OpenError, OptionError
from pyqio.base.types import CACHE_MODES, OpenFlags
from pyqio.block.graph import MAX_DEPTH, Graph


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def raw_file(tmp_path):
    path = tmp_path / "raw.img"
    path.write_bytes(b"\xcd" * 4096)
    return str(path)


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_open_of_a_name_guesses_raw_and_says_so(graph, raw_file):
    with graph.open(raw_file) as image:
        assert image.node.driver.name == "raw"
        assert image.pread(0, 4) == b"\xcd" * 4
    assert graph.guessed_raw == [raw_file]


def test_open_with_a_driver_guesses_nothing(graph, raw_file):
    graph.open(raw_file, {"driver": "raw"}).close()

    assert graph.guessed_raw == []


def test_open_by_json_name_builds_the_nodes_it_describes(graph, raw_file):
    name = f'json:{{"driver":"raw","offset":512,"file":{{"driver":"file","filename":"{raw_file}"}}}}'

    with graph.open(name) as image:
        assert image.length() == 4096 - 512
        assert image.node.children["file"].node.driver.name == "file"


def test_open_by_options_alone_takes_dotted_groups(graph, raw_file):
    with graph.open(None, {"driver": "raw", "file": {"driver": "file", "filename": raw_file}}) as image:
        assert image.length() == 4096


@pytest.mark.parametrize(
    ("filename", "options", "message"),
    [
        (None, {}, "Must specify either driver or file"),
        (None, {"driver": "nonesuch"}, "Unknown driver 'nonesuch'"),
        (None, {"driver": "raw"}, 'A block device must be specified for "file"'),
        (None, {"driver": "raw", "file": "nobody"}, "Cannot find device='nobody' nor node-name='nobody'"),
        (None, {"driver": "raw", "file": 3}, "Expected a node or its options"),
        (None, {"driver": "raw", "file": {"": "base", "driver": "memory"}}, "Expected a node or its options"),
        (
            None,
            {"driver": "memory", "size": "1k", "bar": "1"},
            "Block protocol 'memory' doesn't support the option 'bar'",
        ),
        (
            None,
            {"driver": "raw", "bar": "1", "file": {"driver": "memory", "size": "1k"}},
            "does not support the option 'bar'",
        ),
        ("foo:bar", {}, "Unknown protocol 'foo'"),
        ("json:{", {}, "Could not parse the JSON options"),
        ("/nonexistent/x", {}, "Could not open '/nonexistent/x': No such file or directory"),
    ],
)
def test_open_of_what_cannot_be_opened_says_why_and_leaves_nothing_open(graph, filename, options, message):
    before = open_files()

    with pytest.raises(OpenError) as caught:
        graph.open(filename, options)

    assert message in str(caught.value)
    assert graph.nodes == {}
    assert open_files() == before


def test_unknown_option_after_the_file_was_opened_closes_it_again(graph, raw_file):
    before = open_files()

    with pytest.raises(OpenError, match="Block format 'raw' does not support the option 'bar'"):
        graph.open(raw_file, {"driver": "raw", "bar": 1})

    assert open_files() == before
    assert graph.nodes == {}


def test_close_closes_every_node(graph, raw_file):
    before = open_files()

    graph.open(raw_file).close()

    assert graph.nodes == {}
    assert open_files() == before


def test_node_shared_by_name_stays_until_its_last_user_leaves(graph):
    base = graph.open(None, {"driver": "memory", "size": "1M", "node-name": "base"})
    view = graph.open(None, {"driver": "raw", "file": "base"})

    base.pwrite(0, b"shared")
    base.close()

    assert view.pread(0, 6) == b"shared"
    view.close()
    assert graph.nodes == {}


def test_duplicate_node_name_is_refused(graph):
    with graph.open(None, {"driver": "memory", "size": "1M", "node-name": "n"}), pytest.raises(OpenError, match="'n'"):
        graph.open(None, {"driver": "memory", "size": "1M", "node-name": "n"})


def test_nesting_deeper_than_the_limit_is_refused(graph):
    spec = {"driver": "memory", "size": "1M"}
    for _ in range(MAX_DEPTH):
        spec = {"driver": "raw", "file": spec}

    with pytest.raises(OpenError, match="nodes below one another"):
        graph.open(None, spec)


def test_snapshot_keeps_writes_out_of_the_image_and_leaves_no_file(graph, raw_file, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))

    with graph.open(raw_file, {"driver": "raw"}, OpenFlags(), snapshot=True) as image:
        image.pwrite(0, b"scribble")
        assert image.pread(0, 10) == b"scribble\xcd\xcd"

    assert (tmp_path / "raw.img").read_bytes() == b"\xcd" * 4096
    assert list(scratch.iterdir()) == []


def test_force_share_without_read_only_is_refused(graph, raw_file):
    with pytest.raises(OpenError, match="force-share=on can only be used with read-only images"):
        graph.open(raw_file, {"force-share": "on"})


def test_copy_on_read_of_a_read_only_image_is_refused(graph, raw_file):
    with pytest.raises(OpenError, match="Can't use copy-on-read on read-only device"):
        graph.open(raw_file, {}, OpenFlags(read_only=True), copy_on_read=True)


def test_reopen_read_only_and_back_reaches_the_file(graph, raw_file):
    with graph.open(raw_file, {"driver": "raw"}) as image:
        image.reopen(read_only=True)
        with pytest.raises(BlockError):
            image.pwrite(0, b"x")

        image.reopen(read_only=False)
        image.pwrite(0, b"x")

        assert image.pread(0, 2) == b"x\xcd"


def test_reopen_with_an_option_that_does_not_exist_changes_nothing(graph, raw_file):
    with graph.open(raw_file, {"driver": "raw"}) as image:
        before = image.node.flags

        with pytest.raises((OptionError, BlockError)):
            image.reopen(read_only=True, cache=CACHE_MODES["writeback"], options={"bar": "1"})

        assert image.node.flags == before
        image.pwrite(0, b"y")


def test_open_with_options_for_the_file_keeps_the_name_that_was_typed(graph, raw_file):
    with graph.open(raw_file, {"file": {"node-name": "below"}}) as image:
        assert image.node.children["file"].node.name == "below"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"node-name": "other"}, "Cannot change the option 'node-name'"),
        ({"driver": "qcow2"}, "Cannot change the option 'driver'"),
        ({"file": {"driver": "memory"}}, "Cannot change the option 'driver'"),
    ],
)
def test_reopen_as_something_else_is_refused(graph, raw_file, options, message):
    with graph.open(raw_file, {"driver": "raw"}) as image, pytest.raises(OptionError, match=message):
        image.reopen(options=options)


def test_reopen_may_repeat_what_is(graph, raw_file):
    with graph.open(raw_file, {"driver": "raw", "node-name": "n"}) as image:
        image.reopen(options={"driver": "raw", "node-name": "n", "file": {"driver": "file"}})

        assert image.pread(0, 1) == b"\xcd"


def test_open_when_the_child_of_a_writable_node_is_read_only_is_refused(graph, raw_file):
    spec = {"driver": "raw", "file": {"driver": "file", "filename": raw_file, "read-only": True}}

    with pytest.raises(OpenError, match=r"^Block node is read-only$"):
        graph.open(None, spec)

    assert graph.nodes == {}


@pytest.mark.parametrize(("key", "given"), [("raw", "other"), ("raw", "test-node"), ("test", "nosuch")])
def test_reopen_when_a_child_is_named_and_is_another_node_is_refused(graph, raw_file, key, given):
    spec = {
        "driver": "blkverify",
        "raw": {"driver": "null-co", "node-name": "raw-node", "size": 512},
        "test": {"driver": "null-co", "node-name": "test-node", "size": 512},
    }
    image = graph.open(None, spec)

    with pytest.raises(OptionError, match=f"^Cannot change the option '{key}'$"):
        image.reopen(options={key: given})
