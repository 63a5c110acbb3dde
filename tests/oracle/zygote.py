"""A preloaded pyqio that forks a process for each run, which saves the start of an interpreter.

Reads one JSON object a line from standard input - argv, cwd and the files for stdin, stdout and stderr - and answers
with the status of the process, negative for a signal, as subprocess does.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys

TIMEOUT = 30
"""Seconds after which a run is ended by SIGALRM."""


def preload() -> None:
    """Import what any run may need, the terminal libraries excepted."""
    import pyqio

    for module in pkgutil.walk_packages(pyqio.__path__, "pyqio."):
        if not module.name.startswith(("pyqio.shell", "pyqio.render.rich", "pyqio.__main__")):
            importlib.import_module(module.name)


def serve() -> int:
    """The status of a child's run, in the child; 0 at the end of the requests, in the zygote."""
    preload()
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in requests:
        pid = os.fork()
        if not pid:
            return run(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return 0


def run(request: dict) -> int:
    """Be pyqio, started as ``argv``."""
    signal.alarm(TIMEOUT)
    os.chdir(request["cwd"])
    create = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for target, name in enumerate(("stdin", "stdout", "stderr")):
        fd = os.open(request[name], create if target else os.O_RDONLY)
        os.dup2(fd, target)
        os.close(fd)
    sys.argv = request["argv"]
    from pyqio.cli.main import main

    return main()


if __name__ == "__main__":
    sys.exit(serve())
