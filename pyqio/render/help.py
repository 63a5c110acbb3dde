"""Help as plain text: qemu-io's to the byte, and pyqio's own by group, with examples and what to read next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.commands.results import Helped, HelpedAll, HelpedTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyqio.commands.command import Option, Spec

_WIDTH: Final = 79
_COLUMN: Final = 14
_OPTION: Final = 20
_GAP: Final = 3
_EXAMPLE: Final = (" '", ' "', "  ")


def lines(result: Helped | HelpedAll | HelpedTopic, *, own: bool) -> Iterator[str]:
    """The help as text.  ``own``: with what qemu-io has not."""
    match result:
        case Helped():
            yield from command_lines(result, own=own)
        case HelpedAll():
            yield from overview_lines(result)
        case HelpedTopic():
            yield result.text


def command_lines(result: Helped, *, own: bool) -> Iterator[str]:
    """All about one command.  ``own``: with what qemu-io has not."""
    spec = result.spec
    if own:
        yield from _own_lines(result)
    else:
        yield one_line(spec, result.name)
        yield spec.about.replace("{flags}", "".join(map(_qemu_flag, spec.qemu_options.values())))


def _own_lines(result: Helped) -> Iterator[str]:
    """Usage, what it does, examples, options, and what to read next, within the width of a terminal."""
    spec = result.spec
    yield _wrapped(f"{result.name} ", spec.synopsis) if spec.synopsis else f"{result.name}\n"
    about = spec.about.replace("{flags}", "").strip("\n") or f" {spec.summary}"
    for paragraph in about.split("\n\n"):
        yield "\n"
        yield from _folded(paragraph.strip("\n").split("\n"))
    if spec.options:
        yield "\n"
        yield from map(_option, spec.options.values())
    yield "\n"
    names = [name for name in (spec.name, *spec.aliases) if name != result.name]
    if names:
        yield f" The same as: {', '.join(names)}\n"
    if result.see_also:
        yield _wrapped(" See also: ", ", ".join(result.see_also))


def _folded(paragraph: Sequence[str]) -> Iterator[str]:
    """Lines, filled anew where one of them is too long; among examples each begins a line of its own."""
    if max(map(len, paragraph)) <= _WIDTH:
        yield from (f"{line}\n" for line in paragraph)
        return
    examples = paragraph[0].lstrip().startswith("Example")
    parts: list[str] = []
    for line in paragraph:
        if parts and not (examples and (line.startswith(_EXAMPLE) or len(parts) == 1)):
            parts[-1] += f" {line.strip()}"
        else:
            parts.append(line.strip())
    yield from (_wrapped(" ", part) for part in parts)


def _option(option: Option) -> str:
    """An option and its meaning beside it."""
    argument = f" {option.kind.name}" if option.kind else ""
    head = f"  {', '.join(option.flag.spellings)}{argument}"
    if len(head) + _GAP > _OPTION:
        return f"{head}\n{_wrapped(' ' * _OPTION, option.flag.meaning)}"
    return _wrapped(head.ljust(_OPTION), option.flag.meaning)


def overview_lines(result: HelpedAll) -> Iterator[str]:
    """A line for each command; below the groups the topics."""
    for title, specs in result.groups:
        if title:
            yield from _section(title, ((spec.name, spec.summary) for spec in specs))
        else:
            yield from map(one_line, specs)
            yield "\nUse 'help commandname' for extended help.\n"
            return
    if result.topics:
        yield from _section("Topics", result.topics)
    yield "'help NAME' explains a command or a topic, with examples.\n"


def _section(title: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield f"{title}:\n"
    yield from (_wrapped(f"  {name:<{_COLUMN}}", summary) for name, summary in entries)
    yield "\n"


def one_line(spec: Spec, name: str | None = None) -> str:
    """The one-line help of a command, under ``name`` or its own."""
    synopsis = "" if spec.synopsis is None else f" {spec.synopsis}"
    return f"{name or spec.name}{synopsis} -- {spec.summary}\n"


def _qemu_flag(option: Option) -> str:
    """A line on an option, as qemu-io has it."""
    return f" -{option.flag.letter}, -- {option.flag.meaning}\n"


def _wrapped(head: str, text: str) -> str:
    """``text`` behind ``head`` and below itself, with the end of the line."""
    from textwrap import fill

    return fill(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False) + "\n"
