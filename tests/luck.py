"""Running qemu-img where it may fail for no reason of ours."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UNLUCKY = "Unable to get accurate CPU usage"
_TRIES = 20


def run(command: Sequence[str | Path], *, cwd: Path | str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, and again where it was unlucky.

    To make an encrypted image qemu-img measures how long a key takes, for which the processor's clock is too coarse
    now and then.
    """
    for _ in range(_TRIES):
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
        if _UNLUCKY not in done.stderr:
            break
    return done
