"""New images: the options that there are for one, and what is settled before its driver makes it.

The rules, their order and the words are those of ``qemu-img create``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyqio.base.errors import OpenError, OptionError, UsageError
from pyqio.base.kinds import UINT64_MAX, Bool, Integer, Kind, Size
from pyqio.base.record import Record
from pyqio.base.types import OpenFlags
from pyqio.base.units import INT64_MAX, SizeError
from pyqio.block.filename import Typed, beside, parse_protocol
from pyqio.block.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.block.driver import Driver
    from pyqio.block.image import Image

_NO_SIZE: Final = """\
expects a non-negative number below 2^64
Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-
and exabytes, respectively."""


class CreateOption(NamedTuple):
    """An option of ``create -o``; None as ``default``: without one."""

    kind: Kind
    meaning: str
    default: Any = None


class Creation(Record):
    """A new image that has not been made yet.

    ``size``: guest bytes.  ``options``: by name as typed, without the size.
    """

    driver: type[Driver]
    filename: str
    size: int
    options: Mapping[str, str]
    secrets: Secrets

    def shown(self) -> Mapping[str, Any]:
        """Every option in force, in the order in which they are shown: numbers as read, all else as typed.

        Raises OpenError, OptionError.
        """
        table = options_of(self.driver, self.filename)
        values = {**parse(table, self.options), "size": self.size}
        return {name: _shown(table[name], values[name], self.options.get(name)) for name in table if name in values}

    def run(self) -> Mapping[str, Any]:
        """Make it; see Driver.create."""
        return self.driver.create(self.filename, self.size, self.options, secrets=self.secrets)


def options_of(driver: type[Driver], filename: str | None = None) -> Mapping[str, CreateOption]:
    """What -o takes: the format's options, and those of the protocol that ``filename`` names.  Raises OpenError."""
    protocol = None if filename is None else parse_protocol(Typed(filename))[0]
    own = driver.creation()
    if not own:
        raise OpenError(f"Format driver '{driver.name}' does not support image creation")
    if protocol is None:
        return own
    outer = protocol.creation()
    if not outer:
        raise OpenError(f"Protocol driver '{protocol.name}' does not support image creation")
    return {**own, **{name: option for name, option in outer.items() if name not in own}}


def parse(table: Mapping[str, CreateOption], options: Mapping[str, str]) -> dict[str, Any]:
    """The values that are given or have a default, in the table's order.  Raises OptionError."""
    given = {}
    for name, text in options.items():
        if name not in table:
            raise OptionError(f"Invalid parameter '{name}'")
        given[name] = _parse(name, table[name].kind, text)
    values = {name: given.get(name, option.default) for name, option in table.items()}
    return {name: value for name, value in values.items() if value is not None}


def prepare(
    driver: type[Driver],
    filename: str,
    options: Mapping[str, str],
    *,
    size: int | None = None,
    backing_file: str | None = None,
    backing_format: str | None = None,
    unsafe: bool = False,
    secrets: Secrets = NO_SECRETS,
) -> Creation:
    """Settle what ``qemu-img create`` settles: size and backing file; without a size it is the backing file's.

    ``backing_file`` and ``backing_format`` go before the options of these names.  ``unsafe``: the backing file is not
    opened.  Raises OpenError, OptionError.
    """
    table = options_of(driver, filename)
    values = parse(table, options)
    chosen = {name: text for name, text in options.items() if name != "size"}
    if "size" in options:
        if size is not None:
            raise OpenError("The image size must be specified only once")
        size = values["size"]
    for what, name, text in (
        ("file", "backing_file", backing_file),
        ("file format", "backing_fmt", backing_format),
    ):
        if text is not None:
            if name not in table:
                raise OpenError(f"Backing {what} not supported for file format '{driver.name}'")
            chosen[name] = text
    if "backing_file" in chosen:
        size = _settle_backing(filename, chosen, size, unsafe=unsafe, secrets=secrets)
    if size is None:
        raise OpenError("Image creation needs a size parameter")
    return Creation(driver=driver, filename=filename, size=size, options=chosen, secrets=secrets)


def _settle_backing(
    filename: str, options: Mapping[str, str], size: int | None, *, unsafe: bool, secrets: Secrets
) -> int | None:
    """The size, which may be the backing file's.  Raises OpenError."""
    name, named_format = options["backing_file"], options.get("backing_fmt")
    if not name:
        raise OpenError("Expected backing file name, got empty string")
    if name == filename:
        raise OpenError("Error: Trying to create an image with the same filename as the backing file")
    found = None
    if not unsafe:
        with _open_backing(beside(name, filename), named_format, secrets) as image:
            found = image.node.driver.name
            size = image.length() if size is None else size
    if named_format is None:
        hint = f"\nDetected format of {found}." if found else ""
        raise OpenError(f"Backing file specified without backing format{hint}")
    return size


def _open_backing(name: str, named_format: str | None, secrets: Secrets) -> Image:
    from pyqio.block.graph import Graph

    spec = {} if named_format is None else {"driver": named_format}
    try:
        return Graph(secrets=secrets).open(Typed(name), spec, OpenFlags(read_only=True))
    except OpenError as error:
        raise OpenError(f"{error.message}\nCould not open backing image.", errno=error.errno) from error


def _parse(name: str, kind: Kind, text: str) -> Any:
    if isinstance(kind, Integer):
        return _parse_number(name, text)
    try:
        return kind.parse(text)
    except SizeError as error:
        if error.too_large:
            raise OptionError(f"Value '{text}' is out of range for parameter '{name}'") from error
        raise OptionError(f"Parameter '{name}' {_NO_SIZE}") from error
    except UsageError as error:
        raise OptionError(f"Parameter '{name}' {error}") from error


def _parse_number(name: str, text: str) -> int:
    """As strtoull(3) takes it: what is negative is a very large number."""
    try:
        number = int(text, 0)
    except ValueError:
        raise OptionError(f"Parameter '{name}' expects a number") from None
    if not -UINT64_MAX <= number <= UINT64_MAX:
        raise OptionError(f"Value '{text}' is too large for parameter '{name}'")
    return number & UINT64_MAX


def _shown(option: CreateOption, value: Any, text: str | None) -> Any:
    if isinstance(option.kind, Size | Integer):
        return value - UINT64_MAX - 1 if value > INT64_MAX else value
    return value if text is None else text if isinstance(option.kind, Bool) else value
