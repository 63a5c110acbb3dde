"""Whole screens of the shell, as its user sees them: screens/*.txt; ``SCREENS=write pytest`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SCREENS = Path(__file__).parent / "screens"
TAB = "\t"

KEYS = {
    "start": "",
    "flags": "read -" + TAB,
    "mistake": "length; write -P 300 0 512\r",
    "mismatch": "read 0 4k\r",
}
TERMINALS = {
    "80x24": {"size": (80, 24)},
    "200x50": {"size": (200, 50), "NO_COLOR": "1"},
    "dumb": {"size": (80, 24), "TERM": "dumb"},
}
LOOKS = [(name, kind) for name in KEYS for kind in TERMINALS if (name, kind) != ("flags", "dumb")]


@pytest.mark.parametrize(("name", "kind"), LOOKS)
def test_screen_when_keys_are_pressed_then_as_it_was(screen, damaged_pair, name, kind):
    shell = screen(damaged_pair, **TERMINALS[kind])
    shell.send(KEYS[name])
    lines = "".join(f"{line}\n" for line in shell.settled())
    kept = SCREENS / f"{name}-{kind}.txt"
    if os.environ.get("SCREENS") == "write":
        kept.write_text(lines)

    assert lines == kept.read_text()
