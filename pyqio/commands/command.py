"""What a command is, and how its line becomes an object.

A command is a Record.  A field ``Annotated[type, Flag(...), Kind]`` is an option
(without a kind: a switch), a field ``Annotated[type, Kind]`` an operand; operands with a default may be left out, and
one whose default is () takes all that are left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    NamedTuple,
    TypeVar,
    get_args,
    get_type_hints,
)

from pyqio.base.options import REQUIRED
from pyqio.base.record import Record
from pyqio.commands import getopt
from pyqio.commands.kinds import Argument, Line
from pyqio.commands.rejected import Answered, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyqio.commands.context import Context
    from pyqio.commands.kinds import Evaluate
    from pyqio.commands.results import Result
    from pyqio.verify.journal import Effect

T = TypeVar("T", bound="type[Command]")

_MOST_SEEN: Final = 64
"""Spellings of options that a command remembers."""

SPECS: Final[dict[str, Spec]] = {}
"""Every command of the families that are loaded, by name and by alias."""


class Flag:
    """An option: a letter, a long word (--child), or both.

    ``also``: another field and the value that the option gives it.  ``answer``: a line that is all that the command
    then says, whatever follows.  ``group``: only one option of it may be given, and once.  ``own``: qemu-io's command
    of this name has no such option.  ``frees``: beside it operands may be left out, and are None then.
    """

    def __init__(
        self,
        letter: str,
        meaning: str,
        *,
        long: str = "",
        also: tuple[str, object] | None = None,
        answer: str = "",
        group: str = "",
        own: bool = False,
        frees: bool = False,
    ) -> None:
        self.letter = letter
        self.long = long
        self.meaning = meaning
        self.also = also
        self.answer = answer
        self.group = group
        self.own = own
        self.frees = frees

    @property
    def key(self) -> str:
        """What the option is called where it has one name: its letter, else its long word with the hyphens."""
        return self.letter or f"--{self.long}"

    @property
    def spellings(self) -> list[str]:
        """All that may be typed for it."""
        return [*([f"-{self.letter}"] if self.letter else []), *([f"--{self.long}"] if self.long else [])]


class Option(NamedTuple):
    """A flag in its place: the field that it sets, and the kind of its argument, None for a switch."""

    flag: Flag
    field: str
    kind: Argument | None


class Operand(NamedTuple):
    """An operand in its place."""

    field: str
    kind: Argument
    required: bool
    repeated: bool


class Command(Record, ABC):
    """A command line that has been understood."""

    spec: ClassVar[Spec]

    @classmethod
    def check_options(cls, options: Mapping[str, Any], operands: int) -> None:
        """Refuse options that do not go together, or not with so many operands, before these are parsed.

        ``options``: values by field, of those given only.  Raises Rejected.
        """

    @abstractmethod
    def run(self, context: Context) -> Iterable[Result]:
        """Carry the command out; results may come as they arise.  Raises Rejected."""

    def effect(self) -> Effect | None:
        """What it does to the image's bytes, None where it leaves them alone."""
        return None

    def following(self) -> str | None:
        """The line that goes on where this one ends, None where there is no such."""
        return None

    def line(self) -> str:
        """A line that stands for this command; values of its fields must be what may be typed for them."""
        from shlex import quote

        words = [self.spec.name]
        given = vars(self)
        for flag, field, kind in self.spec.options.values():
            if given.get(field, False) is not False:
                words += [flag.spellings[0]] if kind is None else [flag.spellings[0], str(given[field])]
        for operand in self.spec.operands:
            if operand.field in given:
                words += map(str, given[operand.field]) if operand.repeated else [str(given[operand.field])]
        return " ".join(map(quote, words))


class Spec:
    """What is known of a command before it is typed.

    ``synopsis`` and ``summary`` make the one-line help, ``about`` is the rest of the long one, with {flags} in the
    place of the list of flags.
    ``minimum`` and ``maximum``: how many words may follow the name, None for any number.  ``needs_image``: it works
    on an open image; ``writes``: which must be writable.  ``polls``: how much of the asynchronous requests comes to
    its end while the command runs (see pool).  ``own``: qemu-io has no such command.
    """

    def __init__(
        self,
        cls: type[Command],
        names: Sequence[str],
        *,
        synopsis: str | None,
        summary: str,
        about: str,
        arguments: tuple[int, int | None],
        needs_image: bool,
        writes: bool,
        polls: int,
        own: bool,
    ) -> None:
        self.cls = cls
        self.name, *self.aliases = names
        self.synopsis = synopsis
        self.summary = summary
        self.about = about
        self.minimum, self.maximum = arguments
        self.needs_image = needs_image
        self.writes = writes
        self.polls = polls
        self.own = own

    @cached_property
    def _fields(self) -> list[tuple[str, Flag | None, Argument | None, Any]]:
        hints = get_type_hints(self.cls, include_extras=True)
        found = []
        for name, hint in hints.items():
            marks = get_args(hint)
            flag = next((m for m in marks if isinstance(m, Flag)), None)
            kind = next((m for m in marks if isinstance(m, Argument)), None)
            found.append((name, flag, kind, getattr(self.cls, name, REQUIRED)))
        return found

    @cached_property
    def options(self) -> dict[str, Option]:
        """The options by their keys, in the order in which help lists them."""
        return {flag.key: Option(flag, name, kind) for name, flag, kind, _ in self._fields if flag}

    @cached_property
    def qemu_options(self) -> dict[str, Option]:
        """Those of them that qemu-io's command of this name has too."""
        return {key: option for key, option in self.options.items() if not option.flag.own}

    @cached_property
    def _own_options(self) -> tuple[Option, ...]:
        return tuple(option for option in self.options.values() if option.flag.own)

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        """The operands, in the order in which they are typed."""
        return tuple(
            Operand(name, kind, default is REQUIRED, default == ())
            for name, flag, kind, default in self._fields
            if kind and not flag
        )

    @cached_property
    def has_effect(self) -> bool:
        """Whether the command may do something to the image's bytes."""
        return self.cls.effect is not Command.effect

    @cached_property
    def carries(self) -> bool:
        """Whether its operands are another command, with options of its own."""
        return any(isinstance(operand.kind, Line) for operand in self.operands)

    @cached_property
    def _with_argument(self) -> frozenset[str]:
        return frozenset(key for key, option in self.options.items() if option.kind)

    @cached_property
    def _long(self) -> dict[str, str]:
        return {f"--{option.flag.long}": key for key, option in self.options.items() if option.flag.long}

    @cached_property
    def _operand_bounds(self) -> tuple[int, int | None]:
        required = sum(operand.required for operand in self.operands)
        unbounded = self.maximum is not None or any(operand.repeated for operand in self.operands)
        return required, None if unbounded else len(self.operands)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether the operands are an offset and a length: such lines are many, and mostly without an option."""
        return len(self.operands) == 2 and all(o.required and not o.repeated for o in self.operands)

    @cached_property
    def _seen(self) -> dict[tuple[str, ...], dict[str, Any]]:
        """The options of earlier lines, as typed, and what they stand for: most lines of a script repeat them."""
        return {(): {}}

    def _remember(self, words: Sequence[str], operands: Sequence[str], values: dict[str, Any]) -> None:
        options = tuple(words[1:-2])
        plain = all(word.isascii() and (word[:1] == "-" != word[1:2] or word.isdecimal()) for word in options)
        if plain and len(self._seen) < _MOST_SEEN and list(operands) == list(words[-2:]):
            self._seen[options] = dict(values)

    def check_count(self, words: Sequence[str], *, own: bool = False) -> None:
        """Refuse a line of too few or too many words, the name among them.  Raises Rejected.

        ``own``: options of pyqio's own may be among them, in which case ``parse`` counts.
        """
        given = len(words) - 1
        if given < self.minimum or (self.maximum is not None and given > self.maximum):
            if own and self._own_options and any(word.startswith("-") for word in words[1:]):
                return
            raise Rejected(f"bad argument count {given} to {words[0]}, expected {self._expected()}", stderr=True)

    def _expected(self) -> str:
        if self.maximum is None:
            return f"at least {self.minimum} arguments"
        if self.minimum == self.maximum:
            return f"{self.minimum} arguments"
        return f"between {self.minimum} and {self.maximum} arguments"

    def parse(self, words: Sequence[str], warn: Callable[[str], None], evaluate: Evaluate | None = None) -> Command:
        """The command that a line of words stands for; ``warn`` is told of doubtful spellings.  Raises Rejected.

        ``evaluate``: what an expression in the place of a number comes to; None: numbers and options are qemu-io's.
        """
        values: dict[str, Any] = {}
        operands: Sequence[str] = words[1:]
        seen = self._seen.get(tuple(words[1:-2])) if len(operands) >= 2 and self._is_plain else None
        if seen is not None:
            (first, kind, _, _), (second, other, _, _) = self.operands
            offset, length = operands[-2:]
            if offset.isdecimal() and length[:1] != "-":
                other = other.beside(seen) if seen else other
                return self.cls(**seen, **{first: kind.parse(offset), second: _parse(other, length, warn, evaluate)})
        if self.options:
            if " -" in " ".join(words):
                operands = self._take_options(words, values, warn, evaluate)
            minimum, maximum = self._bounds_beside(values) if values else self._operand_bounds
            if len(operands) < minimum or (maximum is not None and len(operands) > maximum):
                raise Rejected(usage=True)
            if values:
                self.cls.check_options(values, len(operands))
                self._remember(words, operands, values)
        given = bool(values)
        for at, (field, kind, _, repeated) in enumerate(self.operands):
            if given:
                kind = kind.beside(values)
            if repeated:
                values[field] = tuple(_parse(kind, text, warn, evaluate) for text in operands[at:])
            elif at < len(operands):
                values[field] = _parse(kind, operands[at], warn, evaluate)
            elif at < self._operand_bounds[0]:
                values[field] = None
        return self.cls(**values)

    def _bounds_beside(self, values: Mapping[str, Any]) -> tuple[int, int | None]:
        """How many operands there may be beside options of pyqio's own, which check_count knows nothing of."""
        minimum, maximum = self._operand_bounds
        given = [flag for flag, field, _ in self._own_options if field in values]
        if any(flag.frees for flag in given):
            minimum = 0
        if given and not any(operand.repeated for operand in self.operands):
            maximum = len(self.operands)
        return minimum, maximum

    def _take_options(
        self,
        words: Sequence[str],
        values: dict[str, Any],
        warn: Callable[[str], None],
        evaluate: Evaluate | None,
    ) -> Sequence[str]:
        operands: list[str] = []
        groups = set()
        known = self.qemu_options if evaluate is None and not self.own else self.options
        taken = getopt.options(
            words,
            operands,
            known=known,
            with_argument=self._with_argument,
            mixed=not self.carries,
            long=self._long,
            numbers=self.own,
        )
        for key, argument in taken:
            flag, field, kind = self.options[key]
            if flag.group in groups:
                raise Rejected(f"Only one {flag.group} option may be given", prefixed=True)
            if flag.group:
                groups.add(flag.group)
            value: Any = True if kind is None else _parse(kind, argument, warn, evaluate)
            former = values.get(field)
            values[field] = {**former, **value} if isinstance(former, dict) else value
            if flag.also:
                values[flag.also[0]] = flag.also[1]
            if flag.answer:
                raise Answered(flag.answer)
        return operands


def command(
    *names: str,
    summary: str,
    synopsis: str | None = None,
    about: str = "",
    arguments: tuple[int, int | None] = (0, 0),
    needs_image: bool = True,
    writes: bool = False,
    polls: int = 0,
    own: bool = False,
) -> Callable[[T], T]:
    """Register a class as a command under a name and its aliases; see Spec."""

    def register(cls: T) -> T:
        spec = Spec(
            cls,
            names,
            synopsis=synopsis,
            summary=summary,
            about=about,
            arguments=arguments,
            needs_image=needs_image,
            writes=writes,
            polls=polls,
            own=own,
        )
        cls.spec = spec
        SPECS.update(dict.fromkeys(names, spec))
        return cls

    return register


def _parse(kind: Argument, text: str, warn: Callable[[str], None], evaluate: Evaluate | None) -> Any:
    try:
        if text.isdecimal():
            return kind.parse(text)
        value = kind.parse(text) if evaluate is None else kind.parse_with(text, evaluate)
    except Rejected as error:
        error.text = error.text or text
        raise
    for warning in kind.warnings(text):
        warn(warning)
    return value
