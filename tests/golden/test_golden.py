"""Each NAME.qio is run as a script by pyqio in an empty folder; NAME.out is all that it prints.

The first line of a script names the program to be (``# pyqio`` or ``# qemu-io``) and its arguments; qemu-io, which has
no comments, is not given that line.  Both outputs go to one file, so that their order counts too;
times and rates are left out.  ``python tests/golden/test_golden.py`` writes the outputs anew.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = sorted(HERE.glob("*.qio"))
PYQIO = Path(sysconfig.get_path("scripts")) / "pyqio"
VOLATILE = [
    (re.compile(rb"ops; .*? \(.*?/sec and .*? ops/sec\)"), b"ops; TIME"),
    (re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), b"YYYY-MM-DD hh:mm:ss"),
    (re.compile(rb"(?m)^(\d+,1),\d+:\d\d:\d\d\.\d\d,.*$"), rb"\1,TIME"),
]


def output_of(script, folder):
    """What the script prints in ``folder``, with its exit status at the end."""
    text = script.read_bytes()
    first, _, rest = text.partition(b"\n")
    name, *arguments = shlex.split(first.decode().removeprefix("#"))
    program = folder / "bin" / name
    program.parent.mkdir()
    program.symlink_to(PYQIO)
    work = folder / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    done = subprocess.run(
        [program, *arguments],
        env=environment | {"HOME": str(folder)},
        input=text if name == "pyqio" else rest,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=work,
        timeout=60,
    )
    output = done.stdout
    for pattern, replacement in VOLATILE:
        output = pattern.sub(replacement, output)
    return output + b"exit status %d\n" % done.returncode


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script_when_run_then_prints_what_it_did(script, tmp_path):
    assert output_of(script, tmp_path) == script.with_suffix(".out").read_bytes()


if __name__ == "__main__":
    for path in SCRIPTS:
        with tempfile.TemporaryDirectory() as name:
            path.with_suffix(".out").write_bytes(output_of(path, Path(name)))
    sys.exit(0)
