"""What the shell shows of the session while a line is typed: its prompt, and the line at the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.types import CACHE_MODES
from pyqio.render.figures import human
from pyqio.render.names import columns, shortened, visible
from pyqio.verify.pair import named, pair_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyqio.block.node import Node
    from pyqio.session.state import Session

_END: Final = "> "
_GAP: Final = "  "
_NAME: Final = 30
"""Columns that a file's name takes at most."""
_DEEPEST: Final = 4
_NARROWEST: Final = 4
_HINTS: Final = ("; type 'help' for the commands", "; type 'help'")


def prompt(session: Session) -> tuple[str, str, str]:
    """The prompt, in three parts: before the state, the state, and behind it.

    The state goes in front of a ``> `` at the end, into brackets: ``ro``, or ``blkverify!`` after a mismatch.
    """
    text = str(session.settings["prompt"])
    state = _state(session) if text.endswith(_END) else ""
    return (text.removesuffix(_END), f"[{state}]", _END) if state else (text, "", "")


def _state(session: Session) -> str:
    if not session.has_image:
        return ""
    differs, read_only = bool(session.findings.runs), session.image.read_only
    return ",".join(["blkverify!"] * differs + ["ro"] * read_only)


def toolbar(session: Session, width: int) -> str:
    """As much of what is open as fits into ``width`` columns: the least important goes first."""
    parts = list(_parts(session))
    while len(parts) > 1 and columns(_line(parts)) > width:
        parts.remove(max(parts))
    return shortened(_line(parts), max(width, _NARROWEST))


def _line(parts: list[tuple[int, int, str]]) -> str:
    return _GAP.join(text for _, _, text in sorted(parts, key=lambda part: part[1]))


def _parts(session: Session) -> Iterator[tuple[int, int, str]]:
    """(how soon it may go, its place from the left, text)."""
    if not session.has_image:
        yield 0, 0, "no image is open"
        return
    node = session.image.node
    pending = len(session.pool.pending)
    yield 1, 0, f"{stack(node)}"
    yield 6, 1, shortened(visible(node.filename or node.name), _NAME)
    yield 4, 2, human(node.length())
    yield 3, 3, "ro" if node.read_only else "rw"
    yield 5, 4, f"cache {_cache(node)}"
    if pending:
        yield 2, 5, f"aio {pending}"
    if found := len(session.findings.runs) or len(session.divergences):
        yield 0, 6, f"mismatches {found}"


def stack(node: Node) -> str:
    """The drivers of an image from the top: ``qcow2 on file``, ``blkverify: raw=file test=qcow2``."""
    pair = pair_below(node)
    if pair is not None:
        sides = " ".join(f"{key}={edge.node.driver.name}" for key, edge in pair.children.items())
        return f"{pair.driver.name}: {sides}"
    names: list[str] = []
    below: Node | None = node
    while below is not None and len(names) < _DEEPEST:
        names.append(below.driver.name)
        edge = below.children.get("file")
        below = edge.node if edge else None
    return " on ".join(names)


def _cache(node: Node) -> str:
    """The name of the cache mode, as -t takes it."""
    cache = node.flags.cache
    return next((name for name, mode in CACHE_MODES.items() if mode == cache and name != "off"), "custom")


def banner(session: Session, width: int) -> str:
    """One line of ``width`` columns at most on what is open."""
    if not session.has_image:
        return "no image is open; type 'open PATH', or 'help'"
    image = session.image
    state = ", read-only" if image.read_only else ""
    text = f"{_named(image.node)}, {human(image.length())}{state}"
    hint = next((hint for hint in _HINTS if columns(text + hint) <= width), "")
    return shortened(text, max(width, _NARROWEST)) + hint


def _named(node: Node) -> str:
    """An image and its format; of a pair both sides."""
    pair = pair_below(node)
    if pair is None:
        return f"{visible(node.filename or node.name)}: {node.driver.name}"
    raw, test = (pair.children[key].node for key in ("raw", "test"))
    return f"{pair.driver.name}: {' = '.join(f'{visible(named(n))} ({n.driver.name})' for n in (raw, test))}"
