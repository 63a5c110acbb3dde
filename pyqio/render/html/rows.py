"""Bytes of both sides of a pair, one below the other, as markup: what differs is marked on both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.render.html.markup import text

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW: Final = 16
_MIDDLE: Final = 7
_SPACES: Final = b"\t\n\v\f\r "


def rows(offset: int, raw: bytes, test: bytes) -> str:
    """A block of the bytes from ``offset`` on, which is the start of a row; a row where the sides agree comes once."""
    digits = max(8, len(f"{offset + len(raw):x}"))
    return f"<pre>{''.join(_lines(offset, raw, test, digits))}</pre>\n"


def _lines(offset: int, raw: bytes, test: bytes, digits: int) -> Iterator[str]:
    for at in range(0, max(len(raw), len(test)), _ROW):
        ours, theirs = raw[at : at + _ROW], test[at : at + _ROW]
        if ours == theirs:
            yield _line(" ", offset + at, digits, ours, ours)
        else:
            yield _line("R", offset + at, digits, ours, theirs)
            yield _line("T", offset + at, digits, theirs, ours)


def _line(side: str, offset: int, digits: int, data: bytes, other: bytes) -> str:
    unlike = [other[at : at + 1] != data[at : at + 1] for at in range(len(data))]
    hexes = [_marked(byte, f"{byte:02x}", differs) for byte, differs in zip(data, unlike, strict=True)]
    hexes += ["  "] * (_ROW - len(data))
    chars = [_marked(byte, _char(byte), differs) for byte, differs in zip(data, unlike, strict=True)]
    cells = "".join(cell + ("  " if at == _MIDDLE else " ") for at, cell in enumerate(hexes))
    gutter = f'<b class="{side}">{side}</b>' if side.strip() else " "
    return f'{gutter} <i class="off">{offset:0{digits}x}</i>  {cells} {"".join(chars)}\n'


def _marked(byte: int, shown: str, differs: bool) -> str:  # noqa: FBT001
    cell = f'<i class="{_kind(byte)}">{text(shown)}</i>'
    return f"<mark>{cell}</mark>" if differs else cell


def _char(byte: int) -> str:
    return chr(byte) if 0x20 <= byte < 0x7F else "."


def _kind(byte: int) -> str:
    """The class of a byte: NUL, white space, printable, other ASCII, high."""
    if byte in _SPACES:
        return "w"
    return "z" if not byte else "h" if byte >= 0x80 else "p" if 0x20 < byte < 0x7F else "a"
