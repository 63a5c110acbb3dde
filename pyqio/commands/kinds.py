"""Kinds of command arguments: qemu-io's rules, and its words where they are broken."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from pyqio.base.kinds import Choice, Kind, Path
from pyqio.base.types import CACHE_MODES, Cache
from pyqio.base.units import INT64_MAX, SizeError, has_hex_multiplier, parse_size
from pyqio.block.follow import FOLLOW_MODES
from pyqio.commands.rejected import Rejected, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from pyqio.commands.context import Context

    Evaluate = Callable[[str], int]
    """What an expression comes to, such as ``0x400+2*64k``.  Raises Rejected."""

MAX_REQUEST: Final = 2**31 - 512
"""Bytes in the largest request that qemu-io takes."""

_DIGITS: Final = 40
_C_INTEGER: Final = r"(?a)\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))"

_NO_NUMBER: Final = "non-numeric argument, or extraneous/unrecognized suffix"

AIO_MODES: Final = ("threads", "native", "io_uring")
DISCARD_MODES: Final = {"ignore": "ignore", "off": "ignore", "unmap": "unmap", "on": "unmap"}


_size = lru_cache(maxsize=256)(parse_size)


def _bytes(text: str) -> int:
    """The number of bytes that a text of qemu-io's grammar stands for.  Raises Rejected."""
    try:
        return _size(text)
    except SizeError as error:
        what = "argument too large" if error.too_large else _NO_NUMBER
        raise Rejected(f"Parsing error: {what} -- {text}") from None


class Part(NamedTuple):
    """The end of a text, from ``start`` on, that is of a kind of its own.

    ``double``: characters of it that are typed twice; ``closing``: what ends it.
    """

    kind: Kind
    start: int
    double: str = ""
    closing: str = ""


class Argument(Kind):
    """A kind of command argument; some spellings are taken with a warning.

    ``part``, ``complete_in`` and ``meaning`` are asked while a line is typed, in a thread of their own, and ``doubt``
    before it is run.
    """

    def warnings(self, text: str) -> Iterable[str]:
        """What is said on standard error about a text that is taken all the same."""
        return ()

    def parse_with(self, text: str, evaluate: Evaluate) -> Any:
        """``parse``, where numbers may be expressions.  Raises Rejected."""
        return self.parse(text)

    def beside(self, options: Container[str]) -> Argument:
        """The kind that this one is where the fields ``options`` are given."""
        return self

    def among(self, words: Sequence[str]) -> Argument:
        """The kind that this one is, for completion, on a line with these words."""
        return self

    def part(self, text: str, context: Context) -> Part | None:
        """What of ``text`` is being typed, where that is not all of it: the value of its last key, say."""
        return None

    def doubt(self, text: str, context: Context) -> Rejected | None:
        """What is wrong with a text that ``parse`` takes and that has no chance; None where it may have one."""
        return None

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        """``complete``, where the values depend on the session."""
        return self.complete(prefix)

    def meaning(self, value: str) -> str:
        """What one of the values that ``complete`` gives means: a phrase, "" where there is nothing to say."""
        return ""


class Number(Argument):
    """Bytes, with qemu's suffixes.

    ``maximum``: the largest, inclusive.  ``excess``: what is said of a larger one, {maximum} and {text} replaced.
    """

    def __init__(self, name: str, *, maximum: int = INT64_MAX, excess: str = "") -> None:
        self.name = name
        self.maximum = maximum
        self.excess = excess

    def parse(self, value: Any) -> int:
        """The number of bytes."""
        size = int(value) if value.isdecimal() and len(value) < 19 and value.isascii() else _bytes(value)
        return size if size <= self.maximum else self._refuse(value)

    def parse_with(self, text: str, evaluate: Evaluate) -> int:
        """The number of bytes; an expression where it is no plain number."""
        try:
            size = _size(text)
        except SizeError:
            size = evaluate(text)
        return size if size <= self.maximum else self._refuse(text)

    def _refuse(self, text: str) -> NoReturn:
        raise Rejected(self.excess.format(maximum=self.maximum, text=text))

    def warnings(self, text: str) -> Iterable[str]:
        """Hexadecimal numbers with a suffix."""
        if ("x" in text or "X" in text) and has_hex_multiplier(text):
            return (f"Using a multiplier suffix on hex numbers is deprecated: {text}",)
        return ()

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        """Bookmarks, where a number of an expression would begin."""
        last = re.search(r"(?a)(?:^|(?<=[-+*/%(]))(?:[A-Za-z_]\w*)?$", prefix)
        marks = context.position.marks if last else ()
        return [prefix[: last.start()] + mark for mark in sorted(marks) if last and mark.startswith(last[0])]


class Count(Number):
    """The length of a request; ``unless``: the option that lifts the bound."""

    def __init__(self, excess: str, *, unless: str = "") -> None:
        super().__init__("len", maximum=MAX_REQUEST, excess=excess)
        self.unless = unless

    def beside(self, options: Container[str]) -> Argument:
        """Any number beside the option that lifts the bound."""
        return Number(self.name) if self.unless in options else self


SINGLE: Final = Count("length cannot exceed {maximum}, given {text}")
VECTOR: Final = Count("Argument '{text}' exceeds maximum size {maximum}")


class Byte(Argument):
    """The byte that a pattern is made of: a C integer."""

    name = "pattern"

    def parse(self, value: Any) -> int:
        """0 to 255."""
        number = c_integer(value)
        if number is None or not 0 <= number <= 255:
            raise Rejected(f"{value} is not a valid pattern byte")
        return number


class Milliseconds(Argument):
    """A duration: a C integer."""

    name = "milliseconds"

    def parse(self, value: Any) -> int:
        """Milliseconds, cut to 63 bits."""
        number = c_integer(value)
        if number is None or number < 0:
            raise Rejected(f"{value} is not a valid number")
        return min(number, 2**63 - 1)


class CacheMode(Choice, Argument):
    """A name of -t."""

    def __init__(self) -> None:
        super().__init__(*CACHE_MODES, name="cache")

    def parse(self, value: Any) -> Cache:  # type: ignore[override]
        """What the name stands for."""
        return CACHE_MODES[_one_of(value, CACHE_MODES, "cache")]


class DiscardMode(Choice, Argument):
    """A name of -d."""

    def __init__(self) -> None:
        super().__init__(*DISCARD_MODES, name="discard")

    def parse(self, value: Any) -> str:
        """``ignore`` or ``unmap``."""
        return DISCARD_MODES[_one_of(value, DISCARD_MODES, "discard")]


class FollowMode(Choice, Argument):
    """A word of --follow."""

    def __init__(self) -> None:
        super().__init__(*FOLLOW_MODES, name="which")

    def parse(self, value: Any) -> str:
        """The word itself."""
        return _one_of(value, FOLLOW_MODES, "follow")


class AioMode(Choice, Argument):
    """A name of -i."""

    def __init__(self) -> None:
        super().__init__(*AIO_MODES, name="aio")

    def parse(self, value: Any) -> str:
        """The name."""
        return _one_of(value, AIO_MODES, "aio")


class RepairMode(Choice, Argument):
    """A word of check -r."""

    def __init__(self) -> None:
        super().__init__("leaks", "all", name="what")

    def parse(self, value: Any) -> str:
        """The word itself."""
        if value not in ("leaks", "all"):
            message = f"Unknown option value for -r (expecting 'leaks' or 'all'): {value}"
            raise Rejected(message, prefixed=True)
        return str(value)


class SideName(Choice, Argument):
    """A side of a verified pair."""

    def __init__(self) -> None:
        super().__init__("raw", "test", name="side")

    def parse(self, value: Any) -> str:
        """The word itself."""
        return _one_of(value, ("raw", "test"), "side")


class Pairs(Argument):
    """``key=value,key=value`` for the block driver; ``key`` means on and ``nokey`` off, both with a warning."""

    def __init__(self, name: str = "options") -> None:
        self.name = name

    def parse(self, value: Any) -> Mapping[str, str]:
        """The pairs as given, keys still dotted."""
        return dict(self._pair(key, text, bare=bare) for key, text, bare in _split(value))

    def warnings(self, text: str) -> Iterable[str]:
        """Keys without a value."""
        for key, value, bare in _split(text):
            if bare:
                meant, state = self._pair(key, value, bare=True)
                yield f"short-form boolean option '{key}' deprecated\nPlease use {meant}={state} instead"

    @staticmethod
    def _pair(key: str, value: str, *, bare: bool) -> tuple[str, str]:
        return (key[2:], "off") if bare and key.startswith("no") else (key, value)


class Word(Argument):
    """Any word: a tag, an event, the name of a command."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parse(self, value: Any) -> str:
        """The word."""
        return str(value)


class ChildPath(Word):
    """The way from the top node to another one: ``raw``, ``test.file`` (see block/paths)."""

    def __init__(self) -> None:
        super().__init__("child")

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        """The paths of the open nodes."""
        from pyqio.block.paths import places

        known = [place.path for place in places(context.image.node)] if context.has_image else []
        return [path for path in known if path.startswith(prefix)]


class MarkName(Word):
    """The name of a bookmark."""

    def __init__(self) -> None:
        super().__init__("name")

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        """Those that there are."""
        return [name for name in sorted(context.position.marks) if name.startswith(prefix)]


class AliasName(Word):
    """The name of an alias."""

    def __init__(self) -> None:
        super().__init__("name")

    def complete_in(self, prefix: str, context: Context) -> Iterable[str]:
        """Those that there are."""
        return [name for name in sorted(context.aliases) if name.startswith(prefix)]


class Line(Argument):
    """The words of a command that another command runs; the options among them are its own."""

    name = "command"

    def parse(self, value: Any) -> str:
        """The word."""
        return str(value)


class ViewType(Argument):
    """The name of a typed view: a value's type, or a structure (see verify/structures)."""

    name = "type"

    def __init__(self, *, structures: bool = True) -> None:
        self.structures = structures

    def parse(self, value: Any) -> str:
        """The name."""
        if value not in self._known():
            hint = did_you_mean(value, self._known()) or "; see 'help types'"
            raise Rejected(f"there is no type '{value}'{hint}", prefixed=True, text=value)
        return str(value)

    def complete(self, prefix: str) -> Iterable[str]:
        """The names that start with ``prefix``."""
        return (name for name in self._known() if name.startswith(prefix))

    def meaning(self, value: str) -> str:
        """What it shows."""
        return self._known().get(value, "")

    def _known(self) -> Mapping[str, str]:
        from pyqio.verify.structures import STRUCTURES
        from pyqio.verify.structures.values import VALUES

        known = {name: value.meaning for name, value in VALUES.items()}
        return known | {name: view.meaning for name, view in STRUCTURES.items() if self.structures}


VALUE_TYPE: Final = ViewType(structures=False)


class FileName(Path, Argument):
    """The name of an image or of a file; a ``~`` in front or after a colon is a home, under pyqio's own name."""

    def parse_with(self, text: str, evaluate: Evaluate) -> Any:
        """The name, with the homes in it."""
        if "~" not in text:
            return self.parse(text)
        import os

        return self.parse(re.sub(r"(?:^|(?<=:))~[^/:]*", lambda home: os.path.expanduser(home[0]), text))


def c_integer(text: str) -> int | None:
    """The number that strtol(3) with base 0 makes of the whole ``text``, None where it does not take it whole."""
    match = re.fullmatch(_C_INTEGER, text)
    if match is None:
        return None
    sign, hexadecimal, octal, decimal = match.groups()
    # Python takes no decimal number of more than some thousand digits; what has so many is beyond any bound in C.
    number = int(hexadecimal, 16) if hexadecimal else int(decimal[:_DIGITS]) if decimal else int(octal or "0", 8)
    return -number if sign == "-" else number


def _one_of(text: str, words: Iterable[str], what: str) -> str:
    if text not in words:
        raise Rejected(f"Invalid {what} option: {text}", prefixed=True)
    return text


def _split(text: str) -> Iterable[tuple[str, str, bool]]:
    for part in text.replace(",,", "\0").split(","):
        if part:
            key, equals, value = part.replace("\0", ",").partition("=")
            yield key, value if equals else "on", not equals
