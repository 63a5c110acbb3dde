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
def _modules(role: Role) -> dict[str, str]:
    # pkgutil would list them too, but it loads inspect for that, which takes as long as all of this package.
    folder = _FOLDERS[role]
    package = importlib.import_module(folder)
    names = (entry.removesuffix(".py") for path in package.__path__ for entry in os.listdir(path))
    return {name: f"{folder}.{name}" for name in names if name.isidentifier() and name[0] != "_"}


@cache
def _drivers_in(module: str) -> dict[str, type[Driver]]:
    loaded = importlib.import_module(module)
    found = (value for value in vars(loaded).values() if isinstance(value, type) and issubclass(value, Driver))
    return {driver.name: driver for driver in found if "name" in vars(driver)}


def find(name: str) -> type[Driver] | None:
    """The driver of this name, or None."""
    words = name.split("-")
    for role in Role:
        for module in ("_".join(words), words[0]):
            if module in _modules(role) and (driver := _drivers_in(_modules(role)[module]).get(name)):
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


def every(*roles: Role) -> Iterable[type[Driver]]:
    """All drivers, or those of some roles, by name; imports their modules."""
    modules = (module for role in roles or Role for module in _modules(role).values())
    found = {name: driver for module in modules for name, driver in _drivers_in(module).items()}
    return [found[name] for name in sorted(found)]
