from __future__ import annotations

from tests.conformance.suite import MIB, Persistent, Reopenable, Resizable, StoringConformance


class TestRaw(Persistent, Reopenable, Resizable, StoringConformance):
    driver = "raw"
    offset = 0

    def create(self, folder, size):
        path = folder / "image"
        with path.open("wb") as file:
            file.truncate(self.offset + size)
        return {"driver": "raw", "offset": self.offset, "file": {"driver": "file", "filename": str(path)}}


class TestRawWithOffset(TestRaw):
    offset = 10_000 * 512


class TestRawInsideOfAFile(Persistent, Reopenable, StoringConformance):
    """A part of a file: what stands before and after it stays."""

    driver = "raw"
    huge = 2**36
    before, after = 5 * 512, MIB

    def create(self, folder, size):
        path = folder / "image"
        with path.open("wb") as file:
            file.write(b"B" * self.before)
            file.seek(self.before + size)
            file.write(b"A" * self.after)
        file = {"driver": "file", "filename": str(path)}
        return {"driver": "raw", "offset": self.before, "size": size, "file": file}

    def check(self, folder):
        with (folder / "image").open("rb") as file:
            assert file.read(self.before) == b"B" * self.before
            file.seek(-self.after, 2)
            assert file.read() == b"A" * self.after


class TestRawAtAnOddOffset(TestRawInsideOfAFile):
    """No request is aligned for the file."""

    before = 512 * 100 - 1
