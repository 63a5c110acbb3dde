"""A disk whose k-th request fails, for every k of a short workload."""

from __future__ import annotations

import errno
import random

from pyqio.base.errors import BlockError
from tests.powercut.geometry import Machine
from tests.powercut.judge import is_dirty, judge, sound
from tests.powercut.workload import Workload, Wrong

REASONS = (errno.EIO, errno.ENOSPC)


class Failing:
    """``seed``'s workload on a disk whose change or flush ``number`` fails, once or from then on.

    ``failures``: what is wrong, one line each that begins with how to see it again.
    """

    def __init__(self, seed: int, number: int, *, lasting: bool, ask_qemu: bool = True) -> None:
        self.seed = seed
        self.number = number
        self.lasting = lasting
        self.ask_qemu = ask_qemu
        self.failed = False
        self.failures: list[str] = []
        self._requests = 0
        self._reason = random.Random(f"{seed} {number}").choice(REASONS)

    def go(self) -> Failing:
        """Run it: up to the failure, past it, and then on a disk that works again."""
        workload = FailingWorkload(f"failing {self.seed}", 12)
        workload.machine.power.fail = self._fail
        try:
            for _ in range(workload.operations):
                workload.step_that_may_fail()
            workload.machine.power.fail = lambda: None
            workload.step_that_may_fail()
            self._judge(workload)
        except (Wrong, BlockError) as error:
            self.failures.append(
                f"python -m tests.powercut --failing --seeds {self.seed}:{self.seed + 1} --at {self.number}\n"
                f"  {'lasting' if self.lasting else 'once'}, {self._reason}: {error}\n  {workload.geometry}\n"
                f"  {'; '.join(workload.history)}"
            )
        return self

    def _fail(self) -> None:
        at, self._requests = self._requests, self._requests + 1
        if at == self.number or (self.lasting and at > self.number):
            self.failed = True
            raise BlockError(errno=self._reason)

    def _judge(self, workload: FailingWorkload) -> None:
        rng = random.Random(self.seed)
        judge(Machine(workload.geometry, workload.machine.contents), workload.guest, rng, ask_qemu=False)
        if workload.image.node.driver._store.dead:
            raise Wrong("the image was taken for corrupt")
        workload.finish()
        judge(Machine(workload.geometry, workload.machine.contents), workload.guest, rng, ask_qemu=False)
        if is_dirty(workload.machine.contents[0]):
            raise Wrong("the image is dirty after it was closed")
        verdict = sound(workload.machine.contents, "at the end", ask_qemu=self.ask_qemu)
        if verdict.leaks and not workload.lost:
            raise Wrong(f"at the end: {verdict}")


class FailingWorkload(Workload):
    """Requests that may fail: what they were to write is then there or not, sector by sector.

    ``lost``: the image could not be closed, so that what it had in memory is gone; clusters may leak then.
    """

    lost = False

    def step_that_may_fail(self) -> None:
        """One request, or another try to open an image that failed to close."""
        try:
            if self.closed:
                self._recover()
            else:
                self.step()
        except BlockError as error:
            self.history.append(f"failed: {error.message}")
            if self.closed:
                self.lost = True
            else:
                self._take_over()

    def _recover(self) -> None:
        """Open the image; what was never flushed may be gone with the one that failed to close."""
        self.image = self.machine.open()
        self.closed = False
        found = self.image.pread(0, self.image.length())
        if mistakes := self.guest.mistakes(found):
            raise Wrong(f"after the failed close: {'; '.join(mistakes[:3])}")
        self.guest.live[:] = found

    def _take_over(self) -> None:
        """Go on with what a failed request left, where that may be."""
        if self.image.node.driver._store.dead:
            raise Wrong("the image was taken for corrupt")
        fail, self.machine.power.fail = self.machine.power.fail, lambda: None  # looking is not what is tried
        self.compare()
        self.guest.live[:] = self.image.pread(0, self.image.length())
        self.machine.power.fail = fail

    def finish(self) -> None:
        """Flush and close on a disk that works."""
        self.guest.begun.clear()
        self.image.flush()
        self.guest.completed_flush()
        self.compare()
        self._close()
