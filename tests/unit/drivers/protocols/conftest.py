"""Files that the tests of the file driver open."""

from __future__ import annotations

import pytest

from pyqio.base.types import Cache, OpenFlags
from pyqio.block.graph import Graph

DIRECT = Cache(writeback=True, direct=True)
WRITEBACK = Cache(writeback=True)


def open_file(
    path, *, cache=WRITEBACK, read_only=False, auto_read_only=False, discard="unmap", aio="threads", **options
):
    flags = OpenFlags(read_only=read_only, auto_read_only=auto_read_only, cache=cache, discard=discard, aio=aio)
    return Graph().open(None, {"driver": "file", "filename": str(path), **options}, flags)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"x" * 65536)
    return path


@pytest.fixture
def sparse(tmp_path):
    """Data from 64 to 128 KiB, holes before and after, and an end that is no whole sector."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.seek(65536)
        file.write(b"d" * 65536)
        file.truncate(1_048_700)
    return path
