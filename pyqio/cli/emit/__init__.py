"""Completion scripts, the manual page and the schema of --json, written from the tables that the program works by.

``python -m pyqio.cli.emit`` writes them into the checkout; a test fails where they are behind the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def completions(shell: str) -> str:
    """The completion script for one of options.SHELLS."""
    from importlib import import_module

    script: str = import_module(f"pyqio.cli.emit.{shell}").script()
    return script


def files() -> Iterator[tuple[str, str]]:
    """Every file that is written, by its path in the checkout, and its text."""
    from pyqio.cli.emit import schema
    from pyqio.cli.emit.manual import page

    yield "completions/pyqio.bash", completions("bash")
    yield "completions/_pyqio", completions("zsh")
    yield "completions/pyqio.fish", completions("fish")
    yield "man/pyqio.1", page()
    yield "man/pyqio.schema.json", schema.text()
