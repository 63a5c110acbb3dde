from __future__ import annotations

from tests.conformance.suite import Resizable, StoringConformance


class TestMemory(Resizable, StoringConformance):
    driver = "memory"

    def create(self, folder, size):
        return {"driver": "memory", "size": size}
