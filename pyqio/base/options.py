"""Options: dotted keys on one side, records with typed fields on the other.

A driver's options are a Record whose fields are ``Annotated[type, Kind]``; an underscore in a field's name is a
hyphen in the option's, two are a dot (``lazy_refcounts`` -> ``lazy-refcounts``, ``a__b`` -> ``a.b``).
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args, get_type_hints

from pyqio.base.errors import OptionError, UsageError
from pyqio.base.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

T = TypeVar("T")
REQUIRED: Final = object()
"""In the place of a default, for an option that must be given."""


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``{"file.filename": "x"}`` as ``{"file": {"filename": "x"}}``; values that are mappings are nested too.

    Where a key is both a value and a group (QEMU has such options), the value is in the group under "".
    """
    nested: dict[str, Any] = {}
    for dotted, value in flat.items():
        *groups, last = dotted.split(".")
        place = nested
        for group in groups:
            place = _group(place, group)
        if isinstance(value, dict):
            _group(place, last).update(nest(value))
        elif isinstance(place.get(last), dict):
            place[last][""] = value
        else:
            place[last] = value
    return nested


def _group(place: dict[str, Any], name: str) -> dict[str, Any]:
    """The group of this name in ``place``, made if it is not there yet."""
    present = place.setdefault(name, {})
    if not isinstance(present, dict):
        present = place[name] = {"": present}
    return present


@cache
def table(options: Any) -> dict[str, tuple[str, Kind, Any]]:
    """Option name -> (field name, kind, default or REQUIRED), in the order of declaration."""
    hints = get_type_hints(options, vars(sys.modules[options.__module__]), include_extras=True)
    found = {}
    for field in options.fields():
        kind = next(arg for arg in get_args(hints[field]) if isinstance(arg, Kind))
        found[field.replace("__", ".").replace("_", "-")] = (field, kind, getattr(options, field, REQUIRED))
    return found


def bind(options: type[T], given: Mapping[str, Any]) -> tuple[T, dict[str, Any]]:
    """An instance of the record ``options`` from ``given``, and what it had no field for.

    Raises OptionError for a value that does not fit or a required option that is missing.
    """
    rest = _flatten(given, set(table(cast("Any", options))))
    values = {}
    for name, (field, kind, default) in table(cast("Any", options)).items():
        if name in rest:
            try:
                values[field] = kind.parse(rest.pop(name))
            except UsageError as error:
                raise OptionError(f"Parameter '{name}' {_predicate(error)}") from error
        elif default is REQUIRED:
            raise OptionError(f"Parameter '{name}' is missing")
    return options(**values), nest(rest)


def rebind(current: T, given: Mapping[str, Any], *, changeable: Collection[str] = ()) -> T:
    """``current`` with what ``given`` changes, for an image that is open.

    Raises OptionError for an option that there is not, or that is not in ``changeable`` and has another value now.
    """
    names = table(cast("Any", type(current)))
    values = {}
    for name, text in flatten(given).items():
        if name not in names:
            raise OptionError(f"Cannot change the option '{name}'")
        field, kind, _ = names[name]
        try:
            values[field] = kind.parse(text)
        except UsageError as error:
            raise OptionError(f"Parameter '{name}' {_predicate(error)}") from error
        if name not in changeable and values[field] != getattr(current, field):
            raise OptionError(f"Cannot change the option '{name}'")
    return cast("T", cast("Any", current).replace(**values))


def flatten(nested: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of ``nest``: every scalar under its dotted key."""
    flat = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat.update({f"{key}.{inner}" if inner else key: v for inner, v in flatten(value).items()})
        else:
            flat[key] = value
    return flat


def _flatten(given: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """Flatten only the groups of which ``names`` has members; the other groups belong to children."""
    groups = {name.partition(".")[0] for name in names if "." in name}
    return {
        k: v
        for key, value in given.items()
        for k, v in (flatten({key: value}) if key in groups else {key: value}).items()
    }


def _predicate(error: UsageError) -> str:
    text = str(error)
    return text if text.startswith("expects") else f"is wrong: {text}"
