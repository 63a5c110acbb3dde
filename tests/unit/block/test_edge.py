"""Permissions: conflicts between users, and what reaches the bottom."""

from __future__ import annotations

import pytest

from pyqio.base.errors import PermissionConflict
from pyqio.base.types import PERM_ALL, PERM_CONSISTENT_READ, PERM_RESIZE, PERM_WRITE, ChildRole
from pyqio.block.edge import Edge, attach, change, default_permissions


@pytest.fixture
def watched(plain, monkeypatch):
    node = plain()
    seen = []
    monkeypatch.setattr(node.driver, "set_permissions", lambda perm, shared: seen.append((perm, shared)), raising=False)
    return node, seen


def user(node):
    return Edge(None, "root", ChildRole.IMAGE, node)


def test_users_permissions_add_up_and_what_is_shared_is_what_all_share(watched):
    node, seen = watched

    attach(user(node), PERM_CONSISTENT_READ, PERM_ALL)
    attach(user(node), PERM_WRITE, PERM_ALL & ~PERM_RESIZE)

    assert seen[-1] == (PERM_CONSISTENT_READ | PERM_WRITE, PERM_ALL & ~PERM_RESIZE)


def test_second_writer_where_the_first_does_not_share_is_refused_and_leaves_no_trace(watched):
    node, seen = watched
    attach(user(node), PERM_WRITE, PERM_ALL & ~PERM_WRITE)

    with pytest.raises(PermissionConflict, match="does not allow 'write' on under-test"):
        attach(user(node), PERM_WRITE, PERM_ALL)

    assert len(node.parents) == 1
    assert seen[-1] == (PERM_WRITE, PERM_ALL & ~PERM_WRITE)


def test_change_that_is_refused_keeps_what_was(watched):
    node, _ = watched
    first, second = user(node), user(node)
    attach(first, PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE)
    attach(second, PERM_CONSISTENT_READ, PERM_ALL)

    with pytest.raises(PermissionConflict):
        change(second, PERM_WRITE, PERM_ALL)

    assert second.perm == PERM_CONSISTENT_READ


@pytest.mark.parametrize(
    ("role", "perm", "writable", "expected"),
    [
        (ChildRole.FILTERED, 0, True, (0, PERM_ALL)),
        (
            ChildRole.IMAGE,
            0,
            True,
            (PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE, PERM_ALL & ~PERM_WRITE & ~PERM_RESIZE),
        ),
        (ChildRole.IMAGE, 0, False, (PERM_CONSISTENT_READ, PERM_ALL & ~PERM_WRITE & ~PERM_RESIZE)),
        (ChildRole.BACKING, 0, True, (PERM_CONSISTENT_READ, PERM_ALL)),
        (ChildRole.DATA, 0, True, (PERM_CONSISTENT_READ, PERM_ALL & ~PERM_RESIZE)),
        (
            ChildRole.DATA,
            PERM_WRITE,
            True,
            (PERM_CONSISTENT_READ | PERM_WRITE | PERM_RESIZE, PERM_ALL & ~PERM_RESIZE),
        ),
        (ChildRole.DATA, PERM_WRITE, False, (PERM_CONSISTENT_READ, PERM_ALL & ~PERM_RESIZE)),
    ],
)
def test_what_a_parent_takes_follows_from_the_childs_role(role, perm, writable, expected):
    assert default_permissions(role, perm, PERM_ALL, writable=writable) == expected
