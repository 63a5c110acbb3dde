"""What a user gets from ``pip install .``: the wheel's contents, and a fresh environment that works."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = {
    "share/man/man1/pyqio.1",
    "share/man/man7/pyqio.7",
    "share/pyqio/pyqio.schema.json",
    "share/bash-completion/completions/pyqio",
    "share/zsh/site-functions/_pyqio",
    "share/fish/vendor_completions.d/pyqio.fish",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment with nothing but the wheel: what -c runs needs no other package."""
    home = tmp_path_factory.mktemp("home")
    venv.create(home, with_pip=True)
    command = [home / "bin" / "pip", "install", "-q", "--no-index", "--no-deps", wheel]
    subprocess.run(command, check=True, capture_output=True)
    return home


def test_wheel_when_built_then_holds_the_package_and_the_shared_files_alone(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    data = {name.split(".data/data/")[1] for name in names if ".data/data/" in name}
    tops = {name.split("/")[0].split("-")[0] for name in names}
    code = {name for name in names if name.startswith("pyqio/") and not name.endswith((".py", "py.typed"))}
    assert data == SHARED
    assert tops == {"pyqio"}
    assert code == set()


def test_wheel_when_built_then_no_shared_file_is_empty(wheel):
    entries = zipfile.ZipFile(wheel).infolist()

    sizes = {e.filename.split(".data/data/")[1]: e.file_size for e in entries if ".data/data/" in e.filename}
    assert min(sizes.values()) > 500


def test_install_when_environment_is_fresh_then_demo_runs(installed, tmp_path):
    done = subprocess.run([installed / "bin" / "pyqio", "-c", "demo"], cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, list(tmp_path.iterdir())) == (0, [])
    assert "contents mismatch in sector" in done.stdout + done.stderr


def test_install_when_environment_is_fresh_then_shared_files_are_where_tools_look(installed):
    assert all((installed / name).is_file() for name in SHARED)
