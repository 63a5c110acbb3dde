"""The real tools that pyqio is held against."""

from __future__ import annotations

import os
import shutil

import pytest


def find_oracle(tool: str) -> str:
    """The path of a real tool.  Without it the test is skipped; under CI it fails, so that no comparison is lost."""
    path = shutil.which(tool)
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{tool} is not installed, and CI must not skip what is compared with it", pytrace=False)
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


@pytest.fixture(scope="session")
def oracle():
    """``oracle("qemu-img")`` is the tool's path, or the end of the test."""
    return find_oracle
