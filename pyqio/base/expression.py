"""Offsets and lengths as arithmetic: ``0x400+2*64k``, ``$-1s``, ``.+3c``, ``(bad+512)%64k``.

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/" | "%") signed }
    signed  = { "+" | "-" } atom
    atom    = NUMBER | NAME | "." | "$" | "(" sum ")"

A NUMBER has the suffixes of ``units.parse_size``, or ``s`` for sectors, or ``c`` for clusters; after 0x the letters
b, c and e are digits.  What names, ``.``, ``$`` and clusters stand for is asked of whoever knows.  ``/`` and ``%`` are
whole and round down, as in Python.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import UsageError
from pyqio.base.types import SECTOR_SIZE
from pyqio.base.units import INT64_MAX, SizeError, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = "."
END: Final = "$"
CLUSTER: Final = "1c"
"""The name under which the size of a cluster is asked for."""

NO_NUMBER: Final = "not a number, and not an operator"
"""What is wrong with a text like ``12x``."""

_LONGEST: Final = 512
"""Characters of an expression."""
_DEEPEST: Final = 32
"""Brackets within one another."""
_UINT64_MAX: Final = 2**64 - 1


class ExpressionError(UsageError):
    """An expression that has no value.

    ``what`` is wrong with ``text`` at its character ``at``, counted from 0; that may be its end.  ``too_large``: it
    is well formed, but no number of 64 bits.
    """

    def __init__(self, text: str, at: int, what: str, *, too_large: bool = False) -> None:
        self.text = text
        self.at = at
        self.what = what
        self.too_large = too_large
        super().__init__(f"{what}, at character {at + 1} of '{text}'")


def evaluate(text: str, lookup: Callable[[str], int], *, largest: int = INT64_MAX) -> int:
    """The value of ``text``, from 0 to ``largest``.

    ``lookup`` gives the value of a name, of HERE, END or CLUSTER, or raises UsageError.  Raises ExpressionError.
    """
    if len(text) > _LONGEST:
        raise ExpressionError(text[:_LONGEST] + "...", _LONGEST, f"more than {_LONGEST} characters")
    value = _Parser(text, lookup).parse()
    if value < 0:
        raise ExpressionError(text, 0, f"the result is negative: {value}")
    if value > largest:
        raise ExpressionError(text, 0, f"the result is too large: {value}", too_large=True)
    return value


def is_name(text: str) -> bool:
    """Whether ``text`` may name a value."""
    match = _tokens().fullmatch(text)
    return match is not None and match["name"] is not None


@cache
def _tokens() -> re.Pattern[str]:
    return re.compile(
        r"(?P<number>(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?)[bBkKmMgGtTpPeEsScC]?)(?![\w.$])"
        r"|(?P<name>[A-Za-z_]\w*)(?![.$])|(?P<place>[.$])(?![\w.$])|(?P<sign>[-+*/%()])",
        re.ASCII,
    )


class _Parser:
    """One expression; ``at`` is the character that is looked at, never a blank."""

    def __init__(self, text: str, lookup: Callable[[str], int]) -> None:
        self._text = text
        self._lookup = lookup
        self._depth = 0
        self._at = 0
        self._move(0)

    def parse(self) -> int:
        value = self._sum()
        if self._at < len(self._text):
            raise self._error("nothing was opened that ')' closes" if self._sign == ")" else "an operator is missing")
        return value

    def _sum(self) -> int:
        value = self._product()
        while (sign := self._sign) in ("+", "-"):
            start = self._at
            self._move(1)
            other = self._product()
            value = self._bounded(value + other if sign == "+" else value - other, start)
        return value

    def _product(self) -> int:
        value = self._signed()
        while (sign := self._sign) in ("*", "/", "%"):
            start = self._at
            self._move(1)
            other = self._signed()
            if other == 0 and sign != "*":
                raise self._error("division by zero", start)
            result = value * other if sign == "*" else value // other if sign == "/" else value % other
            value = self._bounded(result, start)
        return value

    def _signed(self) -> int:
        negative = False
        while (sign := self._sign) in ("+", "-"):
            negative ^= sign == "-"
            self._move(1)
        return -self._atom() if negative else self._atom()

    def _atom(self) -> int:
        match = _tokens().match(self._text, self._at)
        if match is None or (match["sign"] and match["sign"] != "("):
            known = match or self._at == len(self._text)
            raise self._error("a number is missing" if known else NO_NUMBER)
        if match["sign"]:
            return self._bracket()
        start = self._at
        value = self._number(match["number"]) if match["number"] else self._ask(match[0])
        self._move(len(match[0]))
        return self._bounded(value, start)

    def _bracket(self) -> int:
        start = self._at
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"more than {_DEEPEST} brackets within one another")
        self._move(1)
        value = self._sum()
        if self._sign != ")":
            raise self._error(
                "this bracket is not closed" if self._at == len(self._text) else "an operator is missing",
                start if self._at == len(self._text) else None,
            )
        self._move(1)
        self._depth -= 1
        return value

    def _number(self, text: str) -> int:
        hexadecimal = text[:2] in ("0x", "0X")
        unit = "" if hexadecimal and text[-1] in "cC" else text[-1].lower()
        try:
            if unit == "s":
                return parse_size(text[:-1]) * SECTOR_SIZE
            if unit == "c":
                return parse_size(text[:-1]) * self._ask(CLUSTER)
            return parse_size(text, largest=_UINT64_MAX)
        except SizeError as error:
            what = "the number is too large" if error.too_large else "a part of a byte"
            raise self._error(what, too_large=error.too_large) from None

    def _ask(self, name: str) -> int:
        try:
            return self._lookup(name)
        except UsageError as error:
            raise self._error(str(error)) from None

    @property
    def _sign(self) -> str:
        return self._text[self._at : self._at + 1]

    def _move(self, characters: int) -> None:
        self._at += characters
        while self._sign.isspace():
            self._at += 1

    def _bounded(self, value: int, at: int) -> int:
        if not -_UINT64_MAX <= value <= _UINT64_MAX:
            raise self._error("more than 64 bits", at, too_large=True)
        return value

    def _error(self, what: str, at: int | None = None, *, too_large: bool = False) -> ExpressionError:
        return ExpressionError(self._text, self._at if at is None else at, what, too_large=too_large)
