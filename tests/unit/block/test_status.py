from __future__ import annotations

import pytest

from pyqio.api import create
from pyqio.api import open as open_image
from pyqio.block.status import reads_as_zero

CLUSTER = 65536


@pytest.fixture
def chain(tmp_path):
    """The top of three images: zeroes and data in the lowest, nothing in the others, the middle one shorter."""
    names = [str(tmp_path / name) for name in ("low.qcow2", "middle.qcow2", "top.qcow2")]
    create(names[0], 8 * CLUSTER, format="qcow2")
    with open_image(names[0]) as image:
        image.zero(0, 2 * CLUSTER)
        image.pwrite(2 * CLUSTER, b"x" * CLUSTER)
        image.pwrite(6 * CLUSTER, b"x" * CLUSTER)
    for below, name, size in ((names[0], names[1], 5 * CLUSTER), (names[1], names[2], 8 * CLUSTER)):
        create(name, size, format="qcow2", options={"backing_file": below, "backing_fmt": "qcow2"})
    with open_image(names[2]) as image:
        yield image.node


@pytest.mark.parametrize(
    ("offset", "length", "zero"),
    [
        (0, 2 * CLUSTER, True),
        (CLUSTER, CLUSTER + 1, False),
        (2 * CLUSTER, 1, False),
        (3 * CLUSTER, CLUSTER, True),
        (5 * CLUSTER, 3 * CLUSTER, True),
        (7 * CLUSTER, 9 * CLUSTER, True),
        (99 * CLUSTER, CLUSTER, True),
    ],
)
def test_reads_as_zero_when_there_is_a_chain_looks_down_to_where_the_bytes_are(chain, offset, length, zero):
    assert reads_as_zero(chain, offset, length) is zero
