from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import pyqio.commands
from pyqio.commands import index
from pyqio.commands.command import SPECS

QEMU_COMMANDS = [
    "abort",
    "aio_flush",
    "aio_read",
    "aio_write",
    "alloc",
    "break",
    "close",
    "discard",
    "flush",
    "help",
    "info",
    "length",
    "map",
    "open",
    "quit",
    "read",
    "readv",
    "remove_break",
    "reopen",
    "resume",
    "sigraise",
    "sleep",
    "truncate",
    "wait_break",
    "write",
    "writev",
]
QEMU_ALIASES = {"a": "alloc", "c": "close", "d": "discard", "f": "flush", "i": "info", "l": "length", "o": "open",
                "q": "quit", "r": "read", "t": "truncate", "w": "write", "?": "help"}  # fmt: skip


def test_every_when_own_commands_are_left_out_then_qemu_ios():
    assert [spec.name for spec in index.every(own=False)] == QEMU_COMMANDS


def test_find_when_alias_is_given_then_the_command():
    assert {alias: index.find(alias).name for alias in QEMU_ALIASES} == QEMU_ALIASES


def test_find_when_name_is_unknown_then_none():
    assert index.find("raed") is None


def test_modules_when_all_families_are_loaded_then_the_index_names_each_command_and_its_place():
    for module in pkgutil.iter_modules(pyqio.commands.__path__):
        importlib.import_module(f"pyqio.commands.{module.name}")

    homes = {name: spec.cls.__module__.rpartition(".")[2] for name, spec in SPECS.items()}

    assert homes == index.MODULES


@pytest.mark.parametrize("spec", index.every(), ids=lambda spec: spec.name)
def test_spec_when_command_is_declared_then_synopsis_and_fields_agree(spec):
    synopsis = spec.synopsis or ""
    undocumented = {"read": "p", "write": "p", "reopen": ""}.get(spec.name, "")

    missing = [letter for letter in spec.qemu_options if letter not in synopsis and letter not in undocumented]

    assert missing == []


@pytest.mark.parametrize(
    "module", ["dataclasses", "inspect", "asyncio", "argparse", "logging", "prompt_toolkit", "rich"]
)
def test_modules_when_one_read_runs_then_nothing_heavy_is_loaded(tmp_path, module):
    (tmp_path / "raw.img").write_bytes(bytes(512))
    program = (
        "import sys; from pyqio.cli.main import main;"
        "status = main(['pyqio', '-f', 'raw', '-c', 'read -q 0 512', 'raw.img']);"
        f"sys.exit(status or {module!r} in sys.modules or 'pyqio.commands.create' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path)

    assert done.returncode == 0
