from __future__ import annotations

import os

from pyqio.base.types import Cache
from tests.conformance.suite import MIB, Persistent, Reopenable, Resizable, StoringConformance


class TestFile(Persistent, Reopenable, Resizable, StoringConformance):
    driver = "file"

    def create(self, folder, size):
        path = folder / "image"
        path.touch()
        os.truncate(path, size)
        return {"driver": "file", "filename": str(path)}


class TestFileDirect(TestFile):
    """O_DIRECT: the file can only be written in whole blocks, so it has to consist of them."""

    cache = Cache(writeback=True, direct=True)
    size = MIB + 3 * 4096
    grain = 4096


class TestFileWritethrough(TestFile):
    cache = Cache()
