from __future__ import annotations

from pyqio.commands import index
from pyqio.commands.groups import GROUPS, grouped


def test_groups_when_commands_are_listed_then_each_stands_in_one_group():
    names = [name for group in GROUPS for name in group.commands]

    known = [spec.name for spec in index.every()]
    assert sorted(names) == known, "put new commands into GROUPS of pyqio/commands/groups.py"


def test_grouped_when_own_commands_are_left_out_then_none_of_them():
    assert [spec.name for _, specs in grouped(own=False) for spec in specs if spec.own] == []
