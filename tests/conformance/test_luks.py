from __future__ import annotations

from pyqio.block import registry
from pyqio.block.secrets import Secrets
from tests.conformance.suite import MIB, Persistent, Reopenable, StoringConformance


class TestLuks(Persistent, Reopenable, StoringConformance):
    """What was never written is garbage in a volume, so these are written full of zeroes when they are made."""

    driver = "luks"
    secrets = Secrets({"sec0": b"sesame"})

    def create(self, folder, size):
        spec = self.make(folder, size)
        with self.open(spec) as image:
            image.zero(0, size)
        return spec

    def make(self, folder, size):
        path = str(folder / "image.luks")
        options = {"key-secret": "sec0", "iter-time": "0"}
        registry.require("luks").create(path, size, options, secrets=self.secrets)
        return {"driver": "luks", "key-secret": "sec0", "file": {"driver": "file", "filename": path}}

    def test_huge_sparse_image_is_written_at_its_very_end(self, tmp_path):
        """A volume is never sparse, so what surrounds the written bytes is not looked at."""
        with self.open(self.make(tmp_path, self.huge)) as image:
            image.pwrite(self.huge - 1000, b"z" * 1000)
            image.pwrite(2**32 - 100, b"w" * 200)

            assert image.pread(self.huge - 1000, 1000) == b"z" * 1000
            assert image.pread(2**32 - 100, 200) == b"w" * 200

    def test_resized_image_keeps_what_was_in_it(self, image):
        image.pwrite(0, b"\xaa" * self.size)

        image.truncate(2 * MIB)
        image.pwrite(2 * MIB - 5, b"after")

        assert image.length() == 2 * MIB
        assert image.pread(0, self.size) == b"\xaa" * self.size
        assert image.pread(2 * MIB - 5, 5) == b"after"
