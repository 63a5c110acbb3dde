"""``python -m tests.damage SOURCE FIRST:LAST``: mutants of one of the sources, as many as wanted."""

from __future__ import annotations

import sys
import tempfile

from tests.damage.sources import SOURCES, make, neighbours
from tests.damage.worker import try_mutants


def main(names: str, seeds: str) -> int:
    """The exit status: 0 where nothing was found."""
    first, last = map(int, seeds.split(":"))
    found = []
    for name in SOURCES if names == "all" else [names]:
        with tempfile.TemporaryDirectory() as folder:
            data = make(name, folder)
            found += try_mutants(name, data, neighbours(folder), range(first, last))
    print("\n".join(found))
    print(f"{len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
