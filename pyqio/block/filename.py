"""What a user types for an image: a path, ``protocol:...``, or ``json:{...}``."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from pyqio.base.errors import OpenError
from pyqio.base.options import nest
from pyqio.block import registry

if TYPE_CHECKING:
    import json
    import re
    from collections.abc import Mapping

    from pyqio.block.driver import Driver


class Typed(str):
    """A name as a person types it: a prefix before a colon is a protocol.

    A plain str in its place, as JSON and ``key=value`` options give it, is the name of a file, whatever is in it.
    """

    __slots__ = ()


def protocol_prefix(filename: str) -> str | None:
    """The word before the first colon, None where there is none or a slash comes first."""
    prefix, colon, _ = filename.partition(":")
    return prefix if colon and "/" not in prefix else None


def beside(name: str, image: str) -> str:
    """A backing file's ``name`` as seen from the directory of ``image``; names with a protocol stay as they are."""
    return name if protocol_prefix(name) is not None else os.path.join(os.path.dirname(image), name)


def parse_protocol(filename: str) -> tuple[type[Driver], Mapping[str, Any]]:
    """The protocol driver that a name asks for, and the options that the name stands for.

    Raises OpenError for a protocol that does not exist or a name of the wrong shape.
    """
    prefix = protocol_prefix(filename) if isinstance(filename, Typed) else None
    if prefix is None:
        return registry.require("host_device" if _is_device(filename) else "file"), {"filename": str(filename)}
    driver = registry.find_prefix(prefix)
    if driver is None:
        raise OpenError(f"Unknown protocol '{prefix}'")
    return driver, driver.parse_filename(filename)


def parse_json(filename: str) -> dict[str, Any]:
    """The nested options of ``json:{...}``; strings may be in single quotes, as QEMU takes them.  Raises OpenError."""
    import json
    import re

    strings = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    text = re.sub(strings, _requote, filename.removeprefix("json:"), flags=re.DOTALL)
    try:
        given = json.loads(text)
        if isinstance(given, dict):
            return nest(given)
    except json.JSONDecodeError as error:
        raise OpenError(f"Could not parse the JSON options: {_json_complaint(text, error)}") from None
    except RecursionError as error:
        raise OpenError(f"Could not parse the JSON options: {error}") from None
    raise OpenError("Invalid JSON object given")


def _json_complaint(text: str, error: json.JSONDecodeError) -> str:
    """What is wrong, in QEMU's words where it has some that say it."""
    if not text:
        return "Expecting a JSON value"
    if error.pos >= len(text):
        return "JSON parse error, premature EOI"
    if error.msg == "Extra data":
        return "Expecting at most one JSON value"
    if error.msg.startswith("Expecting ':'"):
        return "JSON parse error, missing : in object pair"
    return f"JSON parse error, {error}"


def _is_device(filename: str) -> bool:
    try:
        mode = os.stat(filename).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISBLK(mode) or stat.S_ISCHR(mode)


def _requote(string: re.Match[str]) -> str:
    text = string[0]
    return text if text[0] == '"' else '"' + text[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
