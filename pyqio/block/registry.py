"""Finding drivers by name.

A driver lives in pyqio/drivers/{protocols,formats,filters}/ in a module named after it, hyphens as underscores;
relatives share the module named after their first word (null-co and null-aio live in null).  Modules are
imported when their name is asked for: this is the one place that looks upward, and it does so by name alone.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import TYPE_CHECKING

from pyqio.base.errors import OpenError
from pyqio.base.types import Role
from pyqio.block.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDERS = {
    Role.PROTOCOL: "pyqio.drivers.protocols",
    Role.FORMAT: "pyqio.drivers.formats",
    Role.FILTER: "pyqio.drivers.filters",
}


@cache
def _modules() -> dict[str, str]:
    # pkgutil would list them too, but it loads inspect for that, which takes as long as all of this package.
    found = {}
    for folder in _FOLDERS.values():
        package = importlib.import_module(folder)
        names = (entry.removesuffix(".py") for path in package.__path__ for entry in os.listdir(path))
        found.update({name: f"{folder}.{name}" for name in names if name.isidentifier() and name[0] != "_"})
    return found


@cache
def _drivers_in(module: str) -> dict[str, type[Driver]]:
    loaded = importlib.import_module(module)
    classes = (c for c in vars(loaded).values() if isinstance(c, type) and issubclass(c, Driver))
    return {c.name: c for c in classes if "name" in vars(c)}


def find(name: str) -> type[Driver] | None:
    """The driver of this name, or None."""
    if not name.isascii():
        return None
    words = name.split("-")
    for module in ("_".join(words), words[0]):
        if module in _modules() and (driver := _drivers_in(_modules()[module]).get(name)):
            return driver
    return None


def require(name: str) -> type[Driver]:
    """The driver of this name.  Raises OpenError where there is none."""
    driver = find(name)
    if driver is None:
        raise OpenError(f"Unknown driver '{name}'")
    return driver


def find_prefix(prefix: str) -> type[Driver] | None:
    """The driver whose filenames start with ``prefix:``, or None."""
    driver = find(prefix)
    if driver is not None and driver.prefix == prefix:
        return driver
    return next((d for d in every() if d.prefix == prefix), None)


def every(role: Role | None = None) -> Iterable[type[Driver]]:
    """All drivers (of one role), by name; imports every driver's module."""
    found = {d.name: d for m in _modules().values() for d in _drivers_in(m).values() if role in (None, d.role)}
    return [found[name] for name in sorted(found)]
