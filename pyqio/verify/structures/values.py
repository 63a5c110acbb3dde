"""Single values: how bytes become a number, a text, an identifier or a time, and back."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


class Value(NamedTuple):
    """A type of ``size`` bytes.

    ``decode(data)`` gives the value and what else there is to say of it; ``encode(text)`` raises UsageError.
    """

    meaning: str
    size: int
    decode: Callable[[bytes], tuple[int | str, str]]
    encode: Callable[[str], bytes]


_ORDERS: Final = {"le": "<", "be": ">"}
_ORDER_NAMES: Final = {"le": "little-endian", "be": "big-endian"}
_INTEGERS: Final = {8: "B", 16: "H", 32: "I", 64: "Q"}
_FLOATS: Final = {32: "f", 64: "d"}


def _integer(code: str, size: int) -> Value:
    signed = code[-1].islower()
    low, high = (-(1 << size - 1), (1 << size - 1) - 1) if signed else (0, (1 << size) - 1)

    def decode(data: bytes) -> tuple[int | str, str]:
        (number,) = struct.unpack(code, data)
        return number, f"{number & (1 << size) - 1:#x}"

    def encode(text: str) -> bytes:
        try:
            number = int(text, 0)
        except ValueError:
            raise UsageError(f"'{text}' is not a whole number") from None
        if not low <= number <= high:
            raise UsageError(f"{text} is not between {low} and {high}")
        return struct.pack(code, number)

    return Value(f"{'signed ' if signed else ''}{size}-bit number", size // 8, decode, encode)


def _float(code: str, size: int) -> Value:
    def decode(data: bytes) -> tuple[int | str, str]:
        return repr(struct.unpack(code, data)[0]), ""

    def encode(text: str) -> bytes:
        try:
            return struct.pack(code, float(text))
        except (ValueError, OverflowError):
            raise UsageError(f"'{text}' is not a number that fits {size} bits") from None

    return Value(f"{size}-bit floating-point number", size // 8, decode, encode)


def _time(code: str, size: int) -> Value:
    number = _integer(code, size)

    def decode(data: bytes) -> tuple[int | str, str]:
        from datetime import UTC, datetime, timedelta

        (seconds,) = struct.unpack(code, data)
        try:
            when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        except OverflowError:
            return seconds, "no date of the calendar"
        return seconds, f"{when:%Y-%m-%d %H:%M:%S} UTC"

    return Value(f"{size}-bit seconds since 1970", size // 8, decode, number.encode)


def _identifier(*, mixed: bool) -> Value:
    """16 bytes; ``mixed``: the first three groups are little-endian, as GPT and Microsoft have them."""

    def decode(data: bytes) -> tuple[int | str, str]:
        from uuid import UUID

        return str(UUID(bytes_le=data) if mixed else UUID(bytes=data)), ""

    def encode(text: str) -> bytes:
        from uuid import UUID

        try:
            found = UUID(text)
        except ValueError:
            raise UsageError(f"'{text}' is not of the form 01234567-89ab-cdef-0123-456789abcdef") from None
        return found.bytes_le if mixed else found.bytes

    return Value("GUID, as GPT has them" if mixed else "UUID (RFC 9562), big-endian", 16, decode, encode)


def _text(encoding: str, meaning: str) -> Value:
    def decode(data: bytes) -> tuple[int | str, str]:
        return data.partition(b"\0")[0].decode(encoding, "backslashreplace"), ""

    def encode(text: str) -> bytes:
        try:
            return text.encode(encoding)
        except UnicodeEncodeError:
            raise UsageError(f"'{text}' is no {encoding} text") from None

    return Value(meaning, 0, decode, encode)


def _all() -> dict[str, Value]:
    found = {"u8": _integer("B", 8), "i8": _integer("b", 8)}
    for order, mark in _ORDERS.items():
        name = _ORDER_NAMES[order]
        for bits, code in _INTEGERS.items():
            if bits > 8:
                found[f"u{bits}{order}"] = _integer(mark + code, bits)
                found[f"i{bits}{order}"] = _integer(mark + code.lower(), bits)
        for bits, code in _FLOATS.items():
            found[f"f{bits}{order}"] = _float(mark + code, bits)
        found[f"time32{order}"] = _time(f"{mark}I", 32)
        found[f"time64{order}"] = _time(f"{mark}q", 64)
        for key in [key for key in found if key.endswith(order)]:
            found[key] = found[key]._replace(meaning=f"{found[key].meaning}, {name}")
    found |= {"guid": _identifier(mixed=True), "uuid": _identifier(mixed=False)}
    found |= {"ascii": _text("ascii", "text up to a zero byte"), "utf8": _text("utf-8", "text up to a zero byte")}
    return found


VALUES: Final[dict[str, Value]] = _all()
"""By name; those of size 0 are as long as one asks for."""


def encode(name: str, text: str) -> bytes:
    """The bytes of a value of the type ``name``.  Raises UsageError."""
    return VALUES[name].encode(text)


def decode(name: str, data: bytes) -> tuple[Any, str]:
    """The value in ``data``, and what else there is to say of it."""
    return VALUES[name].decode(data)
