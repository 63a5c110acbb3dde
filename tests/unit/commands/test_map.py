"""map --graph."""

from __future__ import annotations

import pytest


@pytest.fixture
def qcow2(record):
    """A session on an image with data, zeroes, a compressed cluster and holes."""
    recorder = record()
    recorder.run("create -q -f qcow2 t.qcow2 512k", "open t.qcow2")
    recorder.run("write 0 64k", "write -z 64k 64k", "write -c 128k 64k")
    return recorder


def test_map_when_it_is_to_be_drawn_then_each_kind_of_range_has_its_letter(qcow2):
    drawn = qcow2.run("map --graph")[0].splitlines()

    assert drawn[:4] == [f"{at << 16:<#7x}  {letter * 64}" for at, letter in enumerate("#0c.")]


def test_map_when_sides_are_known_to_differ_then_drawn_for_the_pair_and_its_sides(record, tmp_path):
    (tmp_path / "raw.img").write_bytes(bytes(4096))
    (tmp_path / "test.img").write_bytes(bytes(1024) + b"x" + bytes(3071))
    recorder = record()
    recorder.run("open blkverify:raw.img:test.img", "read 0 4k")

    drawn = [recorder.run(line)[0].splitlines()[0] for line in ("map --graph", "map --graph --child test")]

    assert [row.rpartition(" ")[2].index("!") for row in drawn] == [2, 2]
