"""Help as plain text: qemu-io's to the byte, and pyqio's own by group, with examples and what to read next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyqio.commands.results import Helped, HelpedAll, HelpedTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyqio.commands.command import Option, Spec

_WIDTH: Final = 79
_COLUMN: Final = 14


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
    yield one_line(spec, result.name)
    if not own:
        yield spec.about.replace("{flags}", _flags(spec.qemu_options.values()))
        return
    about = spec.about if "{flags}" in spec.about or not spec.options else f"{spec.about}\n{{flags}}"
    if text := about.replace("{flags}", _flags(spec.options.values())).rstrip("\n"):
        yield f"{text}\n"
    yield "\n"
    names = [name for name in (spec.name, *spec.aliases) if name != result.name]
    if names:
        yield f" The same as: {', '.join(names)}\n"
    if result.see_also:
        yield _wrapped(" See also: ", ", ".join(result.see_also))


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


def _flags(options: Iterable[Option]) -> str:
    return "".join(map(_flag, options))


def _flag(option: Option) -> str:
    """A line on an option."""
    spellings = list(option.flag.spellings)
    if option.kind and option.flag.long:
        spellings[-1] += f" {option.kind.name.upper()}"
    return f" {', '.join(spellings)}{', ' if not option.flag.long else ' '}-- {option.flag.meaning}\n"


def _wrapped(head: str, text: str) -> str:
    """``text`` behind ``head`` and below itself, with the end of the line."""
    from textwrap import fill

    return fill(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False) + "\n"
