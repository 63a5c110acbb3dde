"""Kinds of value: one object names a kind, reads it from text or JSON, and says how it may be completed.

The same objects serve -o options, json: options, command arguments, completion and the manual page.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import UsageError
from pyqio.base.units import parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UINT64_MAX: Final = 2**64 - 1


class Kind(ABC):
    """A kind of value.  ``name`` is what a synopsis shows in its place."""

    name: str

    @abstractmethod
    def parse(self, value: object) -> Any:
        """The value that a text (or a JSON scalar) stands for.  Raises UsageError, which says what is expected."""

    def complete(self, prefix: str) -> Iterable[str]:
        """Values that start with ``prefix``, where they can be listed."""
        return ()


class Text(Kind):
    """Any text."""

    def __init__(self, name: str = "text") -> None:
        self.name = name

    def parse(self, value: object) -> str:
        """The text itself."""
        if not isinstance(value, str):
            raise UsageError("expects a string")
        return value


class Path(Text):
    """The name of an image or of a host file; completed by the shell's own file completion."""

    def __init__(self, name: str = "path") -> None:
        super().__init__(name)


class Size(Kind):
    """A number of bytes, with the suffixes of ``units.parse_size``."""

    def __init__(self, name: str = "size", *, minimum: int = 0, maximum: int = UINT64_MAX) -> None:
        self.name = name
        self.minimum = minimum
        self.maximum = maximum

    def parse(self, value: object) -> int:
        """Bytes; both bounds inclusive."""
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise UsageError("expects a size")
        size = parse_size(value, largest=self.maximum) if isinstance(value, str) else value
        if not self.minimum <= size <= self.maximum:
            raise UsageError(f"expects a size from {self.minimum} to {self.maximum}")
        return size


class Integer(Kind):
    """A whole number without a unit."""

    def __init__(self, name: str = "number", *, minimum: int = 0, maximum: int = UINT64_MAX) -> None:
        self.name = name
        self.minimum = minimum
        self.maximum = maximum

    def parse(self, value: object) -> int:
        """Decimal, or hexadecimal after 0x; both bounds inclusive."""
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise UsageError("expects a number")
        try:
            number = int(value, 0) if isinstance(value, str) else value
        except ValueError:
            raise UsageError("expects a number") from None
        if not self.minimum <= number <= self.maximum:
            raise UsageError(f"expects a number from {self.minimum} to {self.maximum}")
        return number


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str, name: str = "") -> None:
        self.words = words
        self.name = name or "|".join(words)

    def parse(self, value: object) -> str:
        """The word itself."""
        if not isinstance(value, str) or value not in self.words:
            raise UsageError(f"expects one of {', '.join(self.words)}")
        return value

    def complete(self, prefix: str) -> Iterable[str]:
        """The words that start with ``prefix``."""
        return (word for word in self.words if word.startswith(prefix))


class Bool(Choice):
    """``on`` or ``off``, and the other spellings that QEMU takes."""

    _VALUES: Final = {
        "on": True,
        "yes": True,
        "true": True,
        "y": True,
        "off": False,
        "no": False,
        "false": False,
        "n": False,
    }

    def __init__(self) -> None:
        super().__init__("on", "off")

    def parse(self, value: object) -> bool:  # type: ignore[override]
        """True or False."""
        if isinstance(value, bool):
            return value
        if not isinstance(value, str) or value not in self._VALUES:
            raise UsageError("expects 'on' or 'off'")
        return self._VALUES[value]


class Names(Kind):
    """One of a list that is known only at run time (drivers, commands)."""

    def __init__(self, name: str, list_names: Callable[[], Iterable[str]]) -> None:
        self.name = name
        self._list_names = list_names

    def parse(self, value: object) -> str:
        """Any text: whoever looks the name up says whether it exists."""
        return Text(self.name).parse(value)

    def complete(self, prefix: str) -> Iterable[str]:
        """The names that start with ``prefix``."""
        return (name for name in self._list_names() if name.startswith(prefix))
