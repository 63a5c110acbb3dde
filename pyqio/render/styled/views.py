"""Results of qemu-io's commands as tables and named values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.commands.results import Column, Facts, Table
from pyqio.render.figures import human
from pyqio.render.plain import kind_word
from pyqio.render.snapshots import cells

if TYPE_CHECKING:
    from pyqio.commands.results import CreateOptions, Info, Snapshots


def info(result: Info) -> Facts:
    """What a format says of itself."""
    if result.sides:
        return _pair(result)
    values: dict[str, Any] = {"format": result.format}
    if result.cluster_size:
        values["cluster size"] = human(result.cluster_size)
    if result.vm_state_offset:
        values["vm state offset"] = f"{result.vm_state_offset:#x}"
    return Facts(name="info", values=values | dict(result.specific))


def _pair(result: Info) -> Facts:
    """The sides of a verified pair; what the format above them says is of no use to anybody."""
    sides = {key: dict(side) | {"size": human(side["size"])} for key, side in result.sides.items()}
    return Facts(name="info", values={"format": "blkverify, a verified pair", **sides, "more": "info --child test"})


def snapshots(result: Snapshots) -> Table:
    """The snapshots inside an image."""
    columns = (
        Column("id"),
        Column("tag"),
        Column("vm_size", "number"),
        Column("date"),
        Column("vm_clock", "number"),
        Column("icount", "number"),
    )
    rows = list(map(cells, result.snapshots))
    return Table(name="snapshots", columns=columns, rows=rows, empty="There is no snapshot.")


def create_options(result: CreateOptions) -> Table:
    """What ``create -o`` takes."""
    columns = (Column("option"), Column("value"), Column("meaning"))
    rows = [(name, kind_word(option.kind), option.meaning) for name, option in sorted(result.options.items())]
    note = "" if result.whole else "With the name of the new image also the options of its protocol are shown."
    return Table(name="create-options", columns=columns, rows=rows, note=note)
