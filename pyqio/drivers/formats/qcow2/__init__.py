"""qcow2: QEMU's copy-on-write disk image (specification: QEMU's docs/interop/qcow2, versions 2 and 3).

An image is a file of clusters, 512 bytes to 2 MiB each, whose use is counted::

    header ---> L1 table ---> L2 tables ---> data clusters        guest offset = L1 index | L2 index | offset
       |                                     zero, compressed, or nothing: then the backing file is read
       +------> refcount table ---> refcount blocks               one count for every cluster of the file
       +------> snapshot table ---> more L1 tables

All numbers on disk are big-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.types import ChildRole, Role
from pyqio.block.driver import Driver
from pyqio.block.secrets import NO_SECRETS, Secrets
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.options import Qcow2Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.block.creation import CreateOption
    from pyqio.block.driver import Opening


class Qcow2(Driver):
    """The format, without what serves an open image: looking whether an image is qcow2 loads no more than this."""

    name = "qcow2"
    role = Role.FORMAT
    children = ("file", "backing", "data-file")
    Options = Qcow2Options

    @classmethod
    def open(cls, options: Qcow2Options, opening: Opening) -> Qcow2:
        """Open the file and the backing file; repair the counts of an image that was not closed.

        To be checked, an image is opened as it is, without its other files.
        """
        if opening.flags.checking:
            from pyqio.drivers.formats.qcow2.checking.opened import Qcow2Checking

            return Qcow2Checking(opening.child("file", ChildRole.IMAGE))
        from pyqio.drivers.formats.qcow2.driver import Qcow2Image

        return Qcow2Image.open(options, opening)

    @classmethod
    def probe(cls, head: bytes, filename: str) -> int:
        """The magic and a version of 2 or more."""
        magic, version = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
        return 100 if len(head) >= 8 and magic == layout.MAGIC and version >= 2 else 0

    @classmethod
    def creation(cls) -> Mapping[str, CreateOption]:
        """Those of ``qemu-img create -f qcow2 -o``."""
        from pyqio.drivers.formats.qcow2.creation import OPTIONS

        return OPTIONS

    @classmethod
    def create(
        cls, filename: str, size: int, options: Mapping[str, str], *, secrets: Secrets = NO_SECRETS
    ) -> Mapping[str, Any]:
        """Make a new image; ``options`` are those of ``qemu-img create -f qcow2 -o``."""
        from pyqio.drivers.formats.qcow2.create import create

        return create(filename, size, options, secrets=secrets)
