"""The options of an image's nodes on a command line, ``driver=qcow2,file.filename=x``, and names of images.

All of it is for a person who types: which options a node takes is seen from the drivers that are named so far.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pyqio.base.kinds import Names, Path, Text
from pyqio.base.options import table
from pyqio.block import registry
from pyqio.block.generic import GENERIC
from pyqio.commands.kinds import Argument, FileName, Pairs, Part
from pyqio.commands.rejected import Rejected, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from pyqio.base.kinds import Kind
    from pyqio.block.driver import Driver
    from pyqio.commands.context import Context

_DRIVER: Final = "driver"
_JSON: Final = "json:"


class ImageOptions(Pairs):
    """Options for nodes that are to be opened."""

    def part(self, text: str, context: Context) -> Part:
        """The last key, or its value."""
        start = _plain_commas(text).rfind(",") + 1
        key, equals, _ = text[start:].partition("=")
        given = _given(text[:start])
        if equals:
            return Part(self.kind(key, given, context), start + len(key) + 1, double=",")
        path, _ = self._way(key, given, context)
        keys = _Keys(path and f"{path}.", self.driver(path, given, context), value="=", child=".", given=given)
        return Part(keys, start)

    def doubt(self, text: str, context: Context) -> Rejected | None:
        """A driver that there is not, or an option that the named driver has not."""
        given = _given(f"{text},")
        for key, value in given.items():
            path, name = self._way(key, given, context)
            if name == _DRIVER and (doubt := doubt_driver(value)):
                return doubt
            named = given.get(f"{path}.{_DRIVER}" if path else _DRIVER)
            if named is not None:
                known = list(_Keys(path and f"{path}.", registry.find(named), value="", child=""))
                if key not in known and not _has_group(known, key):
                    return Rejected(f"'{named}' has no option '{name}'{did_you_mean(key, known)}", text=key)
        return None

    def driver(self, path: str, given: Mapping[str, str], context: Context) -> type[Driver] | None:
        """The driver of the node at ``path``, as far as it is clear from the options ``given``."""
        named = given.get(f"{path}.{_DRIVER}" if path else _DRIVER)
        if named is not None:
            return registry.find(named)
        return registry.find("file") if path.rpartition(".")[2] in ("file", "raw", "data-file") else None

    def kind(self, key: str, given: Mapping[str, str], context: Context) -> Kind:
        """What the value of a key is, as far as that is clear from the options ``given``."""
        path, name = self._way(key, given, context)
        unknown = Path() if name == "filename" else Text()
        return _kinds(self.driver(path, given, context)).get(name, unknown)

    def _way(self, key: str, given: Mapping[str, str], context: Context) -> tuple[str, str]:
        """The node that a key is about, and the option's name there, which may have dots of its own."""
        path, name = "", key
        while "." in name:
            group, _, rest = name.partition(".")
            if any(option.startswith(f"{group}.") for option in _kinds(self.driver(path, given, context))):
                break
            path, name = f"{path}.{group}" if path else group, rest
        return path, name


class ReopenOptions(ImageOptions):
    """Options for nodes that are open."""

    def driver(self, path: str, given: Mapping[str, str], context: Context) -> type[Driver] | None:
        """The driver of the node at ``path``."""
        node = context.image.node if context.has_image else None
        for key in path.split(".") if path else ():
            node = node.children[key].node if node and key in node.children else None
        return type(node.driver) if node else None


class ImageName(FileName):
    """The name of an image: a path, ``protocol:...`` or ``json:{...}``."""

    def part(self, text: str, context: Context) -> Part | None:
        """The string that is not closed yet, of a name in JSON."""
        return _json_part(text, context) if text.startswith(_JSON) else None


class DriverName(Names, Argument):
    """The name of a driver."""

    def __init__(self) -> None:
        super().__init__("driver", lambda: (driver.name for driver in registry.every()))

    def meaning(self, value: str) -> str:
        """What kind of driver it is."""
        driver = registry.find(value)
        return driver.role.value if driver else ""


_DRIVER_NAME: Final = DriverName()


def doubt_driver(name: str, *, what: str = "driver") -> Rejected | None:
    """What is said of a driver that there is not, None of one that there is."""
    if registry.find(name):
        return None
    hint = did_you_mean(name, [driver.name for driver in registry.every()])
    return Rejected(f"Unknown {what} '{name}'{hint}", text=name)


class _Keys(Argument):
    """What a node takes besides what is ``given``: options, each followed by ``value``, and children, by ``child``."""

    name = "key"

    def __init__(
        self, prefix: str, driver: type[Driver] | None, *, value: str, child: str, given: Container[str] = ()
    ) -> None:
        kinds = {f"{prefix}{name}": kind for name, kind in _kinds(driver).items()}
        self._meanings = {f"{key}{value}": kind.name for key, kind in kinds.items() if key not in given}
        children = driver.children if driver else ("file",)
        self._meanings |= {f"{prefix}{name}{child}": "child" for name in children}

    def __iter__(self) -> Iterator[str]:
        return iter(self._meanings)

    def parse(self, value: Any) -> str:
        return str(value)

    def complete(self, prefix: str) -> Iterable[str]:
        return (key for key in self._meanings if key.startswith(prefix))

    def meaning(self, value: str) -> str:
        return self._meanings.get(value, "")


@cache
def _json_tokens() -> re.Pattern[str]:
    return re.compile(
        r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<open>["'].*)|(?P<sign>[][{},:])|[^][{},:"']+""",
        re.DOTALL,
    )


class _Level(NamedTuple):
    """An object or a list of JSON that is being read; ``key``: the last one, "" before it."""

    keys: bool
    key: str = ""
    after_colon: bool = False


def _json_part(text: str, context: Context) -> Part | None:
    options = ImageOptions()
    levels: list[_Level] = []
    given: dict[str, str] = {}
    for match in _json_tokens().finditer(text, len(_JSON)):
        top = levels[-1] if levels else _Level(keys=False)
        path = ".".join(level.key for level in levels[:-1])
        full = f"{path}.{top.key}" if path else top.key
        if match["open"]:
            quote, start = match[0][0], match.start() + 1
            if top.after_colon:
                return Part(options.kind(full, given, context), start, closing=quote)
            keys = _Keys("", options.driver(path, given, context), value="", child="")
            return Part(keys, start, closing=quote) if top.keys else None
        if match["string"]:
            if top.after_colon:
                given[full] = match[0][1:-1]
            elif levels:
                levels[-1] = top._replace(key=match[0][1:-1])
        elif match[0] in ("{", "["):
            levels.append(_Level(keys=match[0] == "{"))
        elif match[0] in ("}", "]"):
            del levels[-1:]
        elif match[0] in (":", ",") and levels:
            levels[-1] = top._replace(after_colon=match[0] == ":")
    return None


def _kinds(driver: type[Driver] | None) -> dict[str, Kind]:
    """Name and kind of the options of a node."""
    own = {name: kind for name, (_, kind, _) in table(cast("Any", driver.Options)).items()} if driver else {}
    return {_DRIVER: _DRIVER_NAME, **own, **GENERIC}


def _has_group(known: Sequence[str], key: str) -> bool:
    """Whether ``key`` belongs to a child, of which little is known, or heads others."""
    return any(key.startswith(f"{name}.") or name.startswith(f"{key}.") for name in known)


def _plain_commas(text: str) -> str:
    """The text with the commas that belong to values taken out of sight."""
    return text.replace(",,", "\0\0")


def _given(text: str) -> dict[str, str]:
    pairs = (part.replace("\0\0", ",").partition("=") for part in _plain_commas(text).split(","))
    return {key: value for key, equals, value in pairs if equals}
