"""JSON that somebody may have edited: each value is taken for what it has to be, and within bounds, or refused."""

from __future__ import annotations

from typing import Any, Final

LONGEST: Final = 4096
"""Characters of the longest text."""
LARGEST: Final = 2**64


class Malformed(Exception):
    """A value that is missing or is not what it has to be; ``str()`` says which."""


def mapping(value: Any, what: str) -> dict[str, Any]:
    """``value``, which is to be an object."""
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no object")
    return value


def number(values: dict[str, Any], name: str, most: int = LARGEST) -> int:
    """A whole number from 0 to ``most``."""
    value: Any = values.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed(f"{name} is no number from 0 to {most}")
    return value


def moment(values: dict[str, Any], name: str) -> float:
    """A number of seconds."""
    value: Any = values.get(name)
    if type(value) not in (int, float) or not 0 <= value < 2**40:
        raise Malformed(f"{name} is no number of seconds")
    return float(value)


def text(values: dict[str, Any], name: str) -> str:
    """A text, of which no more than LONGEST characters are taken."""
    value: Any = values.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value[:LONGEST]


def sequence(values: dict[str, Any], name: str, most: int) -> list[Any]:
    """A list, of which no more than ``most`` members are taken."""
    value: Any = values.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{name} is no list")
    return value[:most]


def data(values: dict[str, Any], name: str, most: int) -> bytes:
    """Bytes, written in hexadecimal; no more than ``most`` of them are taken."""
    value: Any = values.get(name)
    try:
        return bytes.fromhex(value[: 2 * most])
    except (TypeError, ValueError):
        raise Malformed(f"{name} is not in hexadecimal") from None
