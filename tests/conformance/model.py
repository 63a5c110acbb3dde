"""Random sessions, compared step by step with a plain bytearray."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.conformance import suite

if TYPE_CHECKING:
    from tests.conformance.suite import StoringConformance

POSITIONS = st.one_of(st.integers(0, 2 * suite.MIB), st.integers(0, 32).map(lambda n: n * 65536))
LENGTHS = st.one_of(st.integers(0, 1500), st.sampled_from([512, 4096, 65536, 65537, 131072, 200_000]))


class Session(RuleBasedStateMachine):
    """One image and its model; every rule does the same to both."""

    def __init__(self, driver: StoringConformance, folder: Path) -> None:
        super().__init__()
        self.driver = driver
        self.folder = folder
        self.spec = driver.create(folder, driver.size)
        self.image = driver.open(self.spec)
        self.model = bytearray(driver.size)

    def inside(self, position: int, length: int) -> tuple[int, int]:
        offset = position % (len(self.model) + 1)
        return offset, min(length, len(self.model) - offset)

    @rule(position=POSITIONS, length=LENGTHS, seed=st.integers(0, 255), fua=st.booleans())
    def write(self, position, length, seed, fua):
        offset, length = self.inside(position, length)
        data = random.Random(seed).randbytes(length)
        self.image.pwrite(offset, data, fua=fua)
        self.model[offset : offset + length] = data

    @rule(position=POSITIONS, length=LENGTHS, unmap=st.booleans())
    def zero(self, position, length, unmap):
        offset, length = self.inside(position, length)
        self.image.zero(offset, length, unmap=unmap)
        self.model[offset : offset + length] = bytes(length)

    @rule(position=POSITIONS, length=LENGTHS)
    def discard(self, position, length):
        offset, length = self.inside(position, length)
        self.image.discard(offset, length)
        found = self.image.pread(offset, length)
        former = self.model[offset : offset + length]
        assert all(new in (0, old) for new, old in zip(found, former, strict=True) if new != old)
        self.model[offset : offset + length] = found

    @rule(position=POSITIONS, length=LENGTHS)
    def read(self, position, length):
        offset, length = self.inside(position, length)
        assert self.image.pread(offset, length) == self.model[offset : offset + length]

    @precondition(lambda self: isinstance(self.driver, suite.Resizable))
    @rule(position=POSITIONS)
    def resize(self, position):
        length = position // self.driver.grain * self.driver.grain
        self.image.truncate(length)
        self.model = self.model[:length].ljust(length, b"\0")

    @precondition(lambda self: isinstance(self.driver, suite.Persistent))
    @rule()
    def close_and_open(self):
        self.image.close()
        self.driver.check(self.folder)
        self.image = self.driver.open(self.spec)

    @rule()
    def flush(self):
        self.image.flush()

    @rule()
    def compare_status(self):
        suite.assert_status_agrees(self.image)

    @invariant()
    def length_is_right(self):
        assert self.image.length() == len(self.model)

    def teardown(self):
        try:
            assert self.image.pread(0, len(self.model)) == self.model
        finally:
            self.image.close()
        self.driver.check(self.folder)


def run_random_sessions(driver: StoringConformance, folder: Path) -> None:
    """Hypothesis tries sessions, and shows the shortest that goes wrong."""
    run_state_machine_as_test(
        lambda: Session(driver, Path(tempfile.mkdtemp(dir=folder))),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
