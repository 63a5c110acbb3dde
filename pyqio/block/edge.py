"""Edges of the graph, and the permissions that flow down them.

Whoever uses a node says what it needs (PERM_* bits taken) and what it lets others do at the same time (shared).
The sums over a node's users go to its driver, which says what that means for each of its children; a protocol at
the bottom turns them into locks that other processes see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyqio.base.errors import PermissionConflict
from pyqio.base.types import (
    PERM_ALL,
    PERM_CONSISTENT_READ,
    PERM_RESIZE,
    PERM_WRITE,
    PERM_WRITE_UNCHANGED,
    ChildRole,
)

if TYPE_CHECKING:
    from pyqio.block.node import Node

NAMES = {
    PERM_CONSISTENT_READ: "consistent read",
    PERM_WRITE: "write",
    PERM_WRITE_UNCHANGED: "write unchanged",
    PERM_RESIZE: "resize",
}


class Edge:
    """One use of ``node``: by ``parent`` under the name ``key``, or by a user of the graph (parent None)."""

    __slots__ = ("key", "node", "parent", "perm", "role", "shared")

    def __init__(self, parent: Node | None, key: str, role: ChildRole, node: Node) -> None:
        self.parent = parent
        self.key = key
        self.role = role
        self.node = node
        self.perm = 0
        self.shared = PERM_ALL


def default_permissions(role: ChildRole, perm: int, shared: int, *, writable: bool) -> tuple[int, int]:
    """What a parent takes and shares on a child of ``role`` when its own users take ``perm`` and share ``shared``.

    As seen from outside on QEMU 7.2's locks: a format owns its metadata alone, a filter passes through.
    """
    if role is ChildRole.FILTERED:
        return perm, shared
    if role is ChildRole.BACKING:
        # Who lets others write above lets them write below: what changes in a backing file is as good as that.
        others = PERM_WRITE | PERM_RESIZE if shared & PERM_WRITE else 0
        return PERM_CONSISTENT_READ, PERM_CONSISTENT_READ | PERM_WRITE_UNCHANGED | others
    if role is ChildRole.DATA:
        writes = writable and perm & (PERM_WRITE | PERM_WRITE_UNCHANGED | PERM_RESIZE)
        return PERM_CONSISTENT_READ | (PERM_WRITE | PERM_RESIZE if writes else 0), shared & ~PERM_RESIZE
    taken = PERM_CONSISTENT_READ | (PERM_WRITE | PERM_RESIZE if writable else 0)
    return taken, shared & ~(PERM_WRITE | PERM_RESIZE)


def attach(edge: Edge, perm: int, shared: int) -> None:
    """Put ``edge`` into the graph.  Raises PermissionConflict and leaves the graph as it was."""
    edge.node.parents.append(edge)
    try:
        change(edge, perm, shared)
    except BaseException:
        edge.node.parents.remove(edge)
        raise


def change(edge: Edge, perm: int, shared: int) -> None:
    """Change what an edge takes and shares, all the way down.  Raises PermissionConflict, all or nothing."""
    before = edge.perm, edge.shared
    edge.perm, edge.shared = perm, PERM_ALL if edge.node.flags.force_share else shared
    try:
        _check(edge)
        apply(edge.node)
    except BaseException:
        edge.perm, edge.shared = before
        apply(edge.node)
        raise


def apply(node: Node) -> None:
    """Hand the sum of a node's users to its driver and to its children."""
    perm, shared = 0, PERM_ALL
    for edge in node.parents:
        perm |= edge.perm
        shared &= edge.shared
    node.driver.set_permissions(perm, shared)
    for edge in node.children.values():
        change(edge, *default_permissions(edge.role, perm, shared, writable=not node.read_only))


def _check(edge: Edge) -> None:
    if edge.perm & (PERM_WRITE | PERM_WRITE_UNCHANGED | PERM_RESIZE) and edge.node.read_only:
        raise PermissionConflict("Block node is read-only")
    for other in edge.node.parents:
        if other is not edge and (clash := edge.perm & ~other.shared | other.perm & ~edge.shared):
            what = NAMES[clash & -clash]
            user = f"node '{other.parent.name}' as '{other.key}'" if other.parent else "another user"
            raise PermissionConflict(f"Conflicts with use by {user}, which does not allow '{what}' on {edge.node.name}")
