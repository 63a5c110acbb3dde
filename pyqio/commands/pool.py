"""A few threads for asynchronous requests.

Requests run side by side, but are told of in an order that does not depend on luck, the one that qemu-io's own event
loop mostly shows: by rank, and the latest first within a rank, since it looks at its newest request first.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyqio.commands.results import Result

THREADS: Final = 16

# Ranks of asynchronous requests, and how far a command lets them come (see Spec.polls).
NONE: Final = 0
REFUSED: Final = 1  # the request was refused without any input or output
QUICK: Final = 2  # it waits for the page cache at most
SYNCED: Final = 3  # it waits for stable storage


class Request:
    """One asynchronous request: a job that returns results, or the error that it raised."""

    __slots__ = ("_error", "_job", "_results", "done", "rank")

    def __init__(self, job: Callable[[], Sequence[Result]], rank: int) -> None:
        self._job = job
        self.rank = rank
        self.done = threading.Event()
        self._results: Sequence[Result] = ()
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the job, in a thread of the pool."""
        try:
            self._results = self._job()
        except BaseException as error:  # handed to whoever asks for the results
            self._error = error
        self.done.set()

    def results(self) -> Sequence[Result]:
        """What the job returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._results


class Pool:
    """Threads are started as they are needed and end with the process."""

    def __init__(self) -> None:
        self.pending: list[Request] = []
        self._queue: deque[Request] = deque()
        self._ready = threading.Condition()
        self._threads = self._idle = 0

    def submit(self, job: Callable[[], Sequence[Result]], rank: int) -> None:
        """Run ``job`` beside the session."""
        request = Request(job, rank)
        self.pending.append(request)
        with self._ready:
            self._queue.append(request)
            if self._idle >= len(self._queue):
                self._ready.notify()
            elif self._threads < THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name=f"aio-{self._threads}", daemon=True).start()

    def reap(self, rank: int = SYNCED) -> list[Request]:
        """Wait for the requests of this rank and below, and take them out, in the order to tell of them."""
        taken = sorted((r for r in reversed(self.pending) if r.rank <= rank), key=lambda request: request.rank)
        for request in taken:
            request.done.wait()
        self.pending = [request for request in self.pending if request.rank > rank]
        return taken

    def completed(self) -> list[Request]:
        """Take out the requests that are done, without waiting."""
        taken = [request for request in self.pending if request.done.is_set()]
        self.pending = [request for request in self.pending if request not in taken]
        return taken

    def _work(self) -> None:
        while True:
            with self._ready:
                self._idle += 1
                while not self._queue:
                    self._ready.wait()
                self._idle -= 1
                request = self._queue.popleft()
            request.run()
