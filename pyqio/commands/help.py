"""What there is help on: commands, groups of them, and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.commands import index
from pyqio.commands.kinds import Word
from pyqio.commands.rejected import Rejected, did_you_mean
from pyqio.commands.results import Helped, HelpedAll, HelpedTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyqio.commands.command import Spec


class HelpSubject(Word):
    """Whatever ``help`` knows."""

    def __init__(self) -> None:
        super().__init__("command")

    def complete(self, prefix: str) -> Iterable[str]:
        """Commands, groups and topics that start with ``prefix``."""
        return (name for name in subjects() if name.startswith(prefix))

    def meaning(self, value: str) -> str:
        """What the subject is about."""
        from pyqio.commands.groups import GROUPS
        from pyqio.commands.topics import TOPICS

        if spec := index.find(value):
            return spec.summary
        titles = {group.word: group.title for group in GROUPS} | {t.name: t.summary for t in TOPICS.values()}
        return titles.get(value, "a setting")


def subjects() -> list[str]:
    """All that there is help on, by name."""
    from pyqio.commands.groups import GROUPS
    from pyqio.commands.settings import SETTINGS
    from pyqio.commands.topics import TOPICS

    commands = [spec.name for spec in index.every()]
    return sorted({*commands, *(group.word for group in GROUPS), *TOPICS, *SETTINGS})


def overview() -> HelpedAll:
    """All commands by group, and the topics."""
    from pyqio.commands.groups import grouped
    from pyqio.commands.topics import TOPICS

    return HelpedAll(groups=list(grouped(own=True)), topics=[(topic.name, topic.summary) for topic in TOPICS.values()])


def subject(name: str) -> Helped | HelpedAll | HelpedTopic:
    """Help on a command, a topic, a group or a setting, looked for in this order.  Raises Rejected."""
    from pyqio.commands.groups import GROUPS, grouped
    from pyqio.commands.settings import SETTINGS
    from pyqio.commands.topics import TOPICS

    if spec := index.find(name):
        return _command(name, spec)
    if name in SETTINGS:
        name = "settings"
    if topic := TOPICS.get(name):
        return HelpedTopic(name=topic.name, summary=topic.summary, text=topic.text())
    titles = {group.word: group.title for group in GROUPS}
    if name in titles:
        return HelpedAll(groups=[(title, specs) for title, specs in grouped(own=True) if title == titles[name]])
    hint = did_you_mean(name, subjects()) or "; 'help' lists all"
    raise Rejected(f"there is no help on '{name}'{hint}", stderr=True)


def _command(name: str, spec: Spec) -> Helped:
    from pyqio.commands.groups import group_of

    group = group_of(spec)
    return Helped(name=name, spec=spec, group=group.title, see_also=_see_also(spec, group.commands))


def _see_also(spec: Spec, relatives: Sequence[str]) -> list[str]:
    from pyqio.commands.topics import TOPICS

    topics = [topic.name for topic in TOPICS.values() if spec.name in topic.commands]
    return topics + [name for name in relatives if name != spec.name]
