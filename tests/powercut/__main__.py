"""``python -m tests.powercut [--seeds A:B] [--at CHANGE] [--number N] [--keep FOLDER]``: power cuts, as many as wanted.

Every failure begins with the line that shows it again.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys

from tests.powercut.failing import Failing
from tests.powercut.geometry import DATA_FILE, IMAGE
from tests.powercut.run import Run


def main() -> int:
    """The exit status: 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.powercut", description=__doc__)
    parser.add_argument("--seeds", default="0:100", help="from the first to before the second (default: %(default)s)")
    parser.add_argument("--at", type=int, help="cut after this change of the disk only")
    parser.add_argument("--number", type=int, default=6, help="of cuts a workload (default: %(default)s)")
    parser.add_argument("--keep", help="write the last bad image to this folder")
    parser.add_argument("--failing", action="store_true", help="no power cuts, but requests that fail: each in turn")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split(":"))
    if arguments.failing:
        return _failing(range(first, last), arguments.at)
    states = failures = 0
    for seed in range(first, last):
        run = Run(seed, at=arguments.at, number=arguments.number)
        if arguments.keep:
            run.keep = lambda left: _keep(arguments.keep, left)
        run.go()
        states, failures = states + run.states, failures + len(run.failures)
        for failure in run.failures:
            print(failure, flush=True)
    print(f"{last - first} workloads, {states} states, {failures} failures")
    return int(failures > 0)


def _failing(seeds: range, at: int | None) -> int:
    runs = failures = 0
    for seed in seeds:
        for number in itertools.count() if at is None else [at]:
            both = [Failing(seed, number, lasting=lasting).go() for lasting in (False, True)]
            runs += 2
            for failure in (failure for run in both for failure in run.failures):
                failures += 1
                print(failure, flush=True)
            if not both[0].failed:
                break
    print(f"{len(seeds)} workloads, {runs} runs, {failures} failures")
    return int(failures > 0)


def _keep(folder: str, left: list[bytearray]) -> None:
    for name, data in zip((IMAGE, DATA_FILE), left, strict=False):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    sys.exit(main())
