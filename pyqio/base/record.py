"""Plain values with named fields, cheap to define.

To a type checker a Record is a frozen dataclass with keywords only.  At run time it is none: importing dataclasses and
defining thirty of them takes 20 ms, named tuples with annotations 4 ms, and ``pyqio -c`` is to be done within three
starts of the interpreter, which are 30.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, dataclass_transform

if TYPE_CHECKING:
    from typing import Self


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record:
    """A value; its fields are the annotations of its class, their defaults the class's attributes."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**vars(self), **changes})

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({fields})"

    def _values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.fields()}

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Names of the fields, in the order of their declaration."""
        own = (vars(base).get("__annotations__", {}) for base in reversed(cls.__mro__))
        return tuple(name for found in own for name, kind in found.items() if not str(kind).startswith("ClassVar"))
