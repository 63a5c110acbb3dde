"""The objects that machines get, one line of JSON each: the one place that names them and what is in them.

``help json``, the manual page and the JSON Schema are written from this table.  Where QEMU has the same thing, the
names are those of its QAPI reference (ImageCheck, SnapshotInfo, ImageInfo).
"""

from typing import Final

from pyqio.commands.shapes import data, disks, pairs, session
from pyqio.commands.shapes.fields import KINDS, Field, Shape

__all__ = ["KINDS", "SHAPES", "Field", "Shape"]

SHAPES: Final = (*data.SHAPES, *pairs.SHAPES, *disks.SHAPES, *session.SHAPES)
"""Every object, by its ``type``.  Tables and sets of named values have the command's own word as type."""
