"""Names with anything in them, shown and typed."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyqio.render.names import columns, quoted, quoted_pieces, shortened, visible

NAMES = [
    "raw.img",
    "a b",
    "it's",
    "-x",
    "$HOME;`id`",
    "new\nline",
    "esc\x1b[31m",
    "back\\slash\t'",
    "\udcff\udc80",
    "日本語",
]
names = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


def said_by_bash(words: str) -> str:
    script = f"printf %s {words}"
    return subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode(
        "utf-8", "surrogateescape"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("raw.img", "raw.img"),
        ("a\n\x1b[1m", "a\\n\\x1b[1m"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("é", "é"),
        ("\u202e", "\\xe2\\x80\\xae"),
    ],
)
def test_visible_when_a_terminal_would_act_on_it_then_escaped(text, shown) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [("raw.img", 7, "raw.img"), ("a-long-name.img", 9, "a-l...img"), ("日本語日本語", 8, "日...語")],
)
def test_shortened_when_too_wide_then_the_middle_gives_way(text, width, short) -> None:
    assert shortened(text, width) == short
    assert columns(short) <= width


@pytest.mark.parametrize("name", NAMES)
def test_quoted_when_read_by_a_shell_then_the_name(name) -> None:
    assert said_by_bash(quoted(name)) == name


@pytest.mark.parametrize("name", [name * 50 for name in NAMES])
def test_quoted_pieces_when_joined_by_a_shell_then_the_name(name) -> None:
    pieces = list(quoted_pieces(name, 40))

    assert said_by_bash("\\\n".join(pieces)) == name
    assert max(map(columns, pieces)) <= 40


@given(names)
def test_quoted_pieces_when_any_name_then_narrow_and_printable(name) -> None:
    pieces = list(quoted_pieces(name, 20))

    assert all(columns(piece) <= 20 and piece.isprintable() for piece in pieces)
