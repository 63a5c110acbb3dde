"""``python -m tests [PYTEST ARGUMENTS]``: every check of the project, cheapest first, up to the first that fails."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))

CHECKS = {
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "--diff", "--quiet", "."],
    "ruff check": [sys.executable, "-m", "ruff", "check", "--quiet", "."],
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"],
    "lint-imports": [str(SCRIPTS / "lint-imports"), "--no-logo"],
}


def check(name: str, command: list[str]) -> bool:
    """Run one quiet check: a line for it, and what it said only where it failed."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    verdict = "FAILED" if done.returncode else "ok"
    print(f"{name:<14} {verdict:<6} {time.monotonic() - started:6.1f} s", flush=True)
    if done.returncode:
        print(done.stdout, end="")
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """The exit status: 0 when everything passed, 1 when a check failed, pytest's own when a test did."""
    if not all(check(name, command) for name, command in CHECKS.items()):
        return 1
    started = time.monotonic()
    # A worker more than there are processors, since one often waits for a terminal; a file stays with one of them,
    # since its tests share what they prepare.
    parallel = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile"]
    status = subprocess.run([sys.executable, "-m", "pytest", *parallel, *arguments], cwd=ROOT).returncode
    print(f"{'pytest':<14} {'FAILED' if status else 'ok':<6} {time.monotonic() - started:6.1f} s", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
