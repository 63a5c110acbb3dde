"""Many damaged images, one after the other, in a process that is held to the budget."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from typing import TYPE_CHECKING

from tests.damage import budget
from tests.damage.fields import walk
from tests.damage.mutants import Mutant, mutant
from tests.powercut.geometry import scratch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def try_mutants(source: str, data: bytes, below: dict[str, bytes], seeds: Iterable[int]) -> list[str]:
    """What is found with these seeds' mutants of a source, each with the line that shows it again."""
    fields = walk(data)
    cases = ((f"python -m tests.damage {source!r} {n}:{n + 1}", mutant(data, fields, f"{source} {n}")) for n in seeds)
    return _in_another_process(cases, below, "same-dir")


def try_all(cases: Iterable[tuple[str, Mutant]], below: dict[str, bytes], *, follow: str = "same-dir") -> list[str]:
    """What is found with images that are given, each with a line that names it.  ``follow``: as of pyqio.open."""
    return _in_another_process(iter(cases), below, follow)


def _in_another_process(cases: Iterator[tuple[str, Mutant]], below: dict[str, bytes], follow: str) -> list[str]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(cases, below, follow, sender))
    process.start()
    sender.close()
    try:
        found: list[str] = receiver.recv()
    except EOFError:
        process.join()
        found = [f"the process ended with status {process.exitcode}"]
    process.join()
    return found


def _run(cases, below, follow, sender) -> None:
    found = []
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        for name, data in below.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        os.chdir(folder)
        os.mkdir("folder")
        os.mkfifo("fifo")
        budget.limit()
        for line, case in cases:
            found += [
                f"{line}\n  {case.story}\n  {wrong}" for wrong in budget.findings("./x", case.data, follow=follow)
            ]
            for name, data in below.items():
                with open(name, "wb") as file:
                    file.write(data)
        os.chdir("/")
    sender.send(found)
