"""The options that every node has, and what of them a child inherits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.errors import OpenError, OptionError, UsageError
from pyqio.base.kinds import Bool, Choice, Kind, Text
from pyqio.base.types import ChildRole, OpenFlags

if TYPE_CHECKING:
    from collections.abc import Mapping

_DISCARD = {"ignore": "ignore", "off": "ignore", "unmap": "unmap", "on": "unmap"}

GENERIC: dict[str, Kind] = {
    "node-name": Text("name"),
    "read-only": Bool(),
    "auto-read-only": Bool(),
    "force-share": Bool(),
    "discard": Choice(*_DISCARD),
    "detect-zeroes": Choice("off", "on", "unmap"),
    "cache.direct": Bool(),
    "cache.no-flush": Bool(),
}
"""Name and kind of each; the names are those of QEMU's BlockdevOptions (QEMU QAPI reference)."""

_COMPLAINTS = {"discard": "Invalid discard option", "detect-zeroes": "invalid parameter value: {}"}
"""What QEMU says of a wrong value, where it is not what it says of the others."""


def take_generic(options: dict[str, Any], flags: OpenFlags) -> tuple[str | None, OpenFlags]:
    """Remove the generic options from ``options``; returns the node name, if any, and ``flags`` with them applied.

    Raises OpenError.
    """
    given = {name: _take(options, name, kind) for name, kind in GENERIC.items()}
    chosen = {name: value for name, value in given.items() if value is not None}
    name = chosen.pop("node-name", None)
    direct, no_flush = chosen.pop("cache.direct", None), chosen.pop("cache.no-flush", None)
    cache = flags.cache.replace(
        direct=flags.cache.direct if direct is None else direct,
        no_flush=flags.cache.no_flush if no_flush is None else no_flush,
    )
    if "discard" in chosen:
        chosen["discard"] = _DISCARD[chosen["discard"]]
    flags = flags.replace(cache=cache, **{key.replace("-", "_"): value for key, value in chosen.items()})
    if flags.detect_zeroes == "unmap" and flags.discard != "unmap":
        raise OpenError("setting detect-zeroes to unmap is not allowed without setting discard operation to unmap")
    return name, flags


def wants_read_only(options: Mapping[str, Any]) -> bool:
    """Whether the options of a node ask for a read-only one.  Raises OptionError."""
    return bool(_take(dict(options), "read-only", GENERIC["read-only"]))


def child_flags(flags: OpenFlags, role: ChildRole) -> OpenFlags:
    """What a child inherits: access and cache mode; formats pass only wanted discards on, so below them all count."""
    return flags.replace(
        read_only=flags.read_only or role is ChildRole.BACKING,
        discard="unmap",
        detect_zeroes="off",
        probed=False,
        checking=False,
    )


def _take(options: dict[str, Any], name: str, kind: Kind) -> Any:
    group, dot, key = name.rpartition(".")
    place = options.get(group, {}) if dot else options
    if not isinstance(place, dict) or key not in place:
        return None
    text = place.pop(key)
    try:
        value = kind.parse(text)
    except UsageError as error:
        raise OptionError(_COMPLAINTS.get(name, f"Parameter '{name}' {error}").format(text)) from error
    if dot and not place:
        del options[group]
    return value
