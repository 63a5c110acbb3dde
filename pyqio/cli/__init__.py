"""The command line."""

from __future__ import annotations

import gc


def main() -> int:
    """Run the program; returns its exit status.

    What is loaded now lives until the end.  Not to look for garbage in it, neither while it grows nor at exit, saves a
    tenth of a short run.
    """
    gc.disable()
    from pyqio.cli.main import main as run

    gc.freeze()
    gc.enable()
    try:
        return run()
    finally:
        gc.freeze()
