from __future__ import annotations

from tests.conformance.suite import Persistent, Resizable, StoringConformance


class TestBlkverify(Persistent, Resizable, StoringConformance):
    """Two files, which are equal at the end of every test."""

    driver = "blkverify"

    def create(self, folder, size):
        sides = {}
        for side in ("raw", "test"):
            with (folder / side).open("wb") as file:
                file.truncate(size)
            sides[side] = {"driver": "file", "filename": str(folder / side)}
        return {"driver": "blkverify", **sides}

    def check(self, folder):
        raw, test = ((folder / side).open("rb") for side in ("raw", "test"))
        with raw, test:
            assert (folder / "raw").stat().st_size == (folder / "test").stat().st_size
            assert raw.read(2**24) == test.read(2**24)


class TestBlkverifyOfItself(TestBlkverify):
    """A pair whose test side is a pair."""

    def create(self, folder, size):
        with (folder / "third").open("wb") as file:
            file.truncate(size)
        pair = super().create(folder, size)
        return {"driver": "blkverify", "raw": {"driver": "file", "filename": str(folder / "third")}, "test": pair}


class TestBlkverifyOfMemory(StoringConformance):
    """Sides that map, zero and discard differently."""

    driver = "blkverify"

    def create(self, folder, size):
        with (folder / "raw").open("wb") as file:
            file.truncate(size)
        raw = {"driver": "file", "filename": str(folder / "raw")}
        return {"driver": "blkverify", "raw": raw, "test": {"driver": "memory", "size": size}}
