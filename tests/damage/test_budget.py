"""That the budget sees what it is there for."""

from __future__ import annotations

import itertools

import pytest

from tests.damage import budget
from tests.damage.mutants import Mutant
from tests.damage.worker import try_all


def _loop():
    for _ in itertools.count():
        pass


@pytest.mark.parametrize(
    ("misbehave", "seen"),
    [
        (lambda: [][1], "IndexError"),
        (lambda: bytearray(budget.BYTES + 1), "MemoryError"),
        (_loop, "more than 1 s"),
        (lambda: open("stray", "w", encoding="ascii"), "files that nobody asked for: ['stray']"),  # noqa: SIM115
    ],
    ids=["error", "memory", "time", "file"],
)
def test_findings_when_an_open_misbehaves_then_tell(monkeypatch, misbehave, seen):
    monkeypatch.setattr(budget, "SECONDS", 1)
    monkeypatch.setattr(budget, "open_image", lambda path, **how: misbehave())

    found = try_all([("case", Mutant(b"QFI", "story"))], {})

    assert all(line.startswith("case\n  story\n") for line in found)
    assert any(seen in line for line in found)
