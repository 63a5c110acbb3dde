"""What the word of a command may become: its options, their values, its operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyqio.base.kinds import Path
from pyqio.block import registry
from pyqio.commands import index
from pyqio.commands.kinds import Argument, Line, Pairs
from pyqio.shell.files import files
from pyqio.shell.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyqio.base.kinds import Kind
    from pyqio.commands.command import Option, Spec
    from pyqio.commands.context import Context


class Place(NamedTuple):
    """What stands at a place of a command: a value of ``kind`` from the word's character ``start`` on.

    ``option``: an option's name may stand there instead.
    """

    kind: Kind | None
    start: int = 0
    option: bool = False


def options(spec: Spec, context: Context) -> Mapping[str, Option]:
    """The options that the session knows of the command."""
    return spec.options if context.own_commands else spec.qemu_options


def place(spec: Spec, words: Sequence[str], word: str, context: Context) -> Place:
    """What ``word`` is, after the other ``words`` of the command."""
    known = options(spec, context)
    operands = 0
    waiting: Kind | None = None
    ended = False
    for before in words:
        if waiting is not None:
            waiting = None
        elif ended or len(before) < 2 or before[0] != "-":
            operands += 1
        elif before == "--":
            ended = True
        else:
            kind, at = _argument(known, before)
            waiting = kind if at == len(before) else None
    if waiting is not None:
        return Place(waiting)
    if word.startswith("-") and not ended:
        kind, at = _argument(known, word)
        has_value = kind is not None and (at < len(word) or word.endswith("="))
        return Place(kind, at) if has_value else Place(None, option=True)
    at = min(operands, len(spec.operands) - 1)
    if at < 0 or (operands > at and not spec.operands[at].repeated):
        return Place(None)
    return Place(spec.operands[at].kind)


def innermost(words: Sequence[str], context: Context) -> Sequence[str]:
    """The command that ``words`` come to: where one runs another, that other one; () where its name is missing yet."""
    spec = index.find(words[0])
    if spec is None or not spec.carries:
        return words
    for at in range(1, len(words) + 1):
        word = words[at] if at < len(words) else ""
        if isinstance(place(spec, words[1:at], word, context).kind, Line):
            return innermost(words[at:], context) if at < len(words) else ()
    return words


def proposals(spec: Spec, words: Sequence[str], word: str, context: Context) -> Iterator[Proposal]:
    """What ``word`` may become."""
    kind, start, is_option = place(spec, words, word, context)
    if is_option:
        yield from _options(options(spec, context), words, word)
    elif kind is not None:
        kind = kind.among(words) if isinstance(kind, Argument) else kind
        for found in _values(kind, word[start:], context):
            yield found._replace(whole=word[:start] + found.whole)


def _argument(known: Mapping[str, Option], word: str) -> tuple[Kind | None, int]:
    """The kind of the argument that a word of options ends with, and where that begins; its end: in the next word."""
    if word.startswith("--"):
        name, equals, _ = word.partition("=")
        option = next((option for option in known.values() if f"--{option.flag.long}" == name), None)
        return option.kind if option else None, len(name + equals)
    for at, letter in enumerate(word[1:], 2):
        option = known.get(letter)
        if option is not None and option.kind is not None:
            return option.kind, at
    return None, len(word)


def _options(known: Mapping[str, Option], words: Sequence[str], word: str) -> Iterator[Proposal]:
    for option in known.values():
        spellings = option.flag.spellings
        if option.kind is None and not set(spellings).isdisjoint(words):
            continue
        fitting = [spelling for spelling in spellings if spelling.startswith(word)]
        if fitting:
            yield Proposal(fitting[0], ", ".join(fitting), option.flag.meaning)


def _values(kind: Kind, typed: str, context: Context) -> Iterator[Proposal]:
    part = kind.part(typed, context) if isinstance(kind, Argument) else None
    if part is not None:
        head, rest = typed[: part.start], typed[part.start :]
        for sign in part.double:
            rest = rest.replace(sign * 2, sign)
        for found in _values(part.kind, rest, context):
            tail = found.whole
            for sign in part.double:
                tail = tail.replace(sign, sign * 2)
            final = found.final and not part.closing
            tail += part.closing if found.final else ""
            yield Proposal(head + tail, found.shown or found.whole, found.meaning, final=final)
    elif isinstance(kind, Path):
        yield from _image_names(typed)
    elif isinstance(kind, Argument):
        for value in kind.complete_in(typed, context):
            shown = value[typed.rfind(",") + 1 :] if isinstance(kind, Pairs) else value
            yield Proposal(value, shown, kind.meaning(value), final=value[-1:] not in "=.")
    else:
        yield from map(Proposal, kind.complete(typed))


def _image_names(typed: str) -> Iterator[Proposal]:
    """Files, and for an image's name protocols; a pair's name holds several: blkverify:raw:test."""
    prefix, colon, _ = typed.partition(":")
    if not colon and typed:
        for driver in registry.every():
            if driver.prefix and driver.prefix.startswith(typed):
                yield Proposal(f"{driver.prefix}:", "", "protocol", final=False)
    if colon and "/" not in prefix and registry.find_prefix(prefix):
        start = typed.rindex(":") + 1
        yield from (found._replace(whole=typed[:start] + found.whole) for found in files(typed[start:]))
    else:
        yield from files(typed)
