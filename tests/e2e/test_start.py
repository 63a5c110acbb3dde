"""What a short run does not pay for."""

from __future__ import annotations

import pytest

HEAVY = {
    "cryptography",
    "hashlib",
    "prompt_toolkit",
    "rich",
    "asyncio",
    "argparse",
    "logging",
    "inspect",
    "concurrent",
    "pathlib",
    "json",
}

DUMP = """
import sys
from pyqio.cli.main import main
status = main()
print(*sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("image", ["raw.img", "blkverify:raw.img:copy.img"])
def test_run_when_commands_are_given_then_no_heavy_module_is_loaded(pyqio, pattern_image, python, image):
    (pattern_image.parent / "copy.img").write_bytes(pattern_image.read_bytes())

    done = pyqio("-I", "-c", DUMP, "-c", "read 0 512", image, program=python)

    assert (set(done.stderr.split()) & HEAVY, done.returncode) == (set(), 0)


def test_run_when_commands_are_given_then_only_the_drivers_in_use_are_loaded(pyqio, pattern_image, python):
    dump = DUMP.replace('name.split(".")[0]', "name")

    done = pyqio("-I", "-c", dump, "-f", "raw", "-c", "read 0 512", "raw.img", program=python)

    drivers = {name for name in done.stderr.split() if name.startswith("pyqio.drivers.f") and name.count(".") > 2}
    assert drivers == {"pyqio.drivers.formats.raw"}
