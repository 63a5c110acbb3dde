"""Secrets: the passwords and keys that a session was given, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.base.errors import OpenError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Secrets:
    """Names and the bytes behind them.

    ``given``: the first ones.  Names are shared with objects that are no secrets; the value of those is None.
    """

    def __init__(self, given: Mapping[str, bytes] | None = None) -> None:
        self._values: dict[str, bytes | None] = dict(given or {})

    def add(self, name: str, value: bytes | None) -> None:
        """Remember a secret, or (None) that the name belongs to another object.  Raises UsageError for a used name."""
        self.refuse_used(name)
        self._values[name] = value

    def refuse_used(self, name: str) -> None:
        """Raise UsageError where the name has been given away."""
        if name in self._values:
            raise UsageError(f"attempt to add duplicate property '{name}' to object (type 'container')")

    def data(self, name: str) -> bytes:
        """The secret's bytes.  Raises OpenError where there is no secret of this name."""
        if name not in self._values:
            raise OpenError(f"No secret with id '{name}'")
        value = self._values[name]
        if value is None:
            raise OpenError(f"Object with id '{name}' is not a secret")
        return value

    def password(self, name: str) -> bytes:
        """The secret's bytes, which have to be a text in UTF-8.  Raises OpenError."""
        data = self.data(name)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise OpenError(f"Data from secret {name} is not valid UTF-8")
        return data


NO_SECRETS: Final = Secrets()
"""For those who were given none."""
