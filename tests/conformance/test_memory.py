from __future__ import annotations

from tests.conformance.suite import Reopenable, Resizable, StoringConformance


class TestMemory(Reopenable, Resizable, StoringConformance):
    driver = "memory"

    def create(self, folder, size):
        return {"driver": "memory", "size": size}
