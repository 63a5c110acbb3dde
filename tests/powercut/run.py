"""Power cuts during one workload."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pyqio.base.errors import BlockError
from tests.powercut.disk import cuts
from tests.powercut.geometry import Machine
from tests.powercut.judge import judge
from tests.powercut.workload import Workload, Wrong

if TYPE_CHECKING:
    from collections.abc import Callable

STATES_A_CUT = 2
"""States of the disks that are judged for each moment of a cut."""


class Run:
    """A workload, and the power cut at some moments of it: after changes that it makes to its disks.

    ``number``: of moments, chosen by the seed; ``at``: after this change only.  ``ask_qemu``: the share of the states
    that qemu-img judges too.  ``failures``: what was found, one text each that begins with how to see it again.
    ``states``: how many were judged.
    """

    def __init__(self, seed: int, *, number: int, at: int | None = None, ask_qemu: float = 1) -> None:
        self.seed = seed
        self.ask_qemu = ask_qemu
        self.states = 0
        self.failures: list[str] = []
        self.keep: Callable[[list[bytearray]], None] = lambda left: None
        self._number = number
        self._moments = set() if at is None else {at}

    def go(self) -> Run:
        """Run it to the end, once for the number of changes, and once for the cuts."""
        workload = Workload(self.seed)
        self._run(workload)
        if self.failures:
            return self
        if not self._moments:
            changes = range(1, workload.machine.power.changes + 1)
            chosen = random.Random(self.seed).sample(changes, min(self._number, len(changes)))
            self._moments = set(chosen)
        workload = Workload(self.seed)
        workload.machine.power.on_change = lambda: self._look(workload)
        self._run(workload)
        return self

    def _run(self, workload: Workload) -> None:
        try:
            workload.run()
        except (Wrong, BlockError) as error:
            self._failed(workload, "the workload itself", error)

    def _look(self, workload: Workload) -> None:
        number = workload.machine.power.changes
        if number not in self._moments:
            return
        rng = random.Random(f"{self.seed} {number}")
        for kind, left in cuts(workload.machine.disks, rng, STATES_A_CUT):
            self.states += 1
            try:
                machine = Machine(workload.geometry, left)
                judge(machine, workload.guest, rng, ask_qemu=rng.random() < self.ask_qemu)
            except (Wrong, BlockError) as error:
                self._failed(workload, kind, error)
                self.keep(left)

    def _failed(self, workload: Workload, kind: str, error: Exception) -> None:
        self.failures.append(
            f"python -m tests.powercut --seeds {self.seed}:{self.seed + 1} --at {workload.machine.power.changes}\n"
            f"  {kind}: {error}\n  {workload.geometry}\n  {'; '.join(workload.history[-12:])}"
        )
