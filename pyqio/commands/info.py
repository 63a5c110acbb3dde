"""info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.types import Role
from pyqio.block import paths
from pyqio.commands.child import Child, image_at
from pyqio.commands.command import Command, command
from pyqio.commands.results import Info

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyqio.block.driver import Driver
    from pyqio.block.node import Node
    from pyqio.commands.context import Context
    from pyqio.commands.results import Result


@command("info", "i", summary="prints information about the current file")
class ShowInfo(Command):
    """Say what the format knows of itself."""

    child: Child = ""

    def run(self, context: Context) -> Sequence[Result]:
        """The top node's own knowledge, and no other's."""
        image = image_at(context, self.child)
        driver = image.node.driver
        if _knows_nothing(image.node):
            return [Info(format=driver.name, protocol=_is_protocol(driver), cluster_size=None)]
        specific = dict(image.info())
        cluster_size = specific.pop("cluster-size", 0)
        vm_state_offset = specific.pop("vm-state-offset", 0)
        return [
            Info(
                format=driver.name,
                protocol=_is_protocol(driver),
                cluster_size=cluster_size,
                vm_state_offset=vm_state_offset,
                specific=specific,
                sides=_sides(image.node),
            )
        ]


def _sides(node: Node) -> Mapping[str, Mapping[str, Any]]:
    """Both sides of a pair, nothing where there is none."""
    children = paths.top(node).children
    if not {"raw", "test"} <= children.keys():
        return {}
    sides = {key: children[key].node for key in ("raw", "test")}
    return {
        key: {"format": side.driver.name, "size": side.length(), "filename": side.filename}
        for key, side in sides.items()
    }


def _is_protocol(driver: Driver) -> bool:
    return driver.role is Role.PROTOCOL or driver.prefix is not None


def _knows_nothing(node: Node) -> bool:
    """QEMU's null drivers have no such knowledge, not even that there are no clusters; raw hands the question on."""
    while node.driver.name == "raw":
        node = node.children["file"].node
    return node.driver.name in ("null-co", "null-aio")
