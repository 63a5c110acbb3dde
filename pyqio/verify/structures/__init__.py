"""Typed views: what bytes mean, as values or as structures of a format, bounded and whatever is in them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyqio.base.structure import Structure
    from pyqio.verify.structures.source import Source


class View(NamedTuple):
    """A structure: the module and function that take it apart.

    ``metadata``: of a format, so that it is looked for in the file below the guest's disk (the driver's name).
    """

    meaning: str
    module: str
    function: str
    metadata: str = ""


STRUCTURES: Final = {
    "gpt": View("GUID partition table, header and entries", "partitions", "gpt"),
    "l1": View("qcow2 L1 table", "qcow2", "l1", "qcow2"),
    "l2": View("qcow2 L2 table", "qcow2", "l2", "qcow2"),
    "luks": View("LUKS header and key slots", "luks", "luks", "luks"),
    "mbr": View("master boot record", "partitions", "mbr"),
    "qcow2-header": View("qcow2 header with its extensions", "qcow2", "header", "qcow2"),
    "refblock": View("qcow2 refcount block", "qcow2", "refcount_block", "qcow2"),
    "reftable": View("qcow2 refcount table", "qcow2", "refcount_table", "qcow2"),
}


def view(name: str, source: Source, offset: int | None, length: int | None) -> Iterable[Structure]:
    """The structure ``name`` at ``offset`` (by default where it belongs) of ``length`` bytes.  Raises BlockError."""
    where = STRUCTURES[name]
    found: Iterable[Structure] = getattr(
        importlib.import_module(f"pyqio.verify.structures.{where.module}"), where.function
    )(source, offset, length)
    return found
