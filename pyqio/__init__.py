"""pyqio: a shell, and a library, for testing block drivers.

    import pyqio

    with pyqio.open("blkverify:raw.img:test.qcow2") as image:
        image.pwrite(0, b"hello")
        image.pread(0, 512)

Importing the package loads nothing but this file; the rest comes with the first use of a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyqio.api import create as create
    from pyqio.api import open as open  # noqa: A004
    from pyqio.base.errors import BlockError as BlockError
    from pyqio.base.errors import FormatError as FormatError
    from pyqio.base.errors import MismatchError as MismatchError
    from pyqio.base.errors import OpenError as OpenError
    from pyqio.base.errors import OptionError as OptionError
    from pyqio.base.errors import OutcomeMismatch as OutcomeMismatch
    from pyqio.base.errors import PyqioError as PyqioError
    from pyqio.base.errors import ReadOnly as ReadOnly
    from pyqio.base.errors import Unsupported as Unsupported
    from pyqio.base.errors import UsageError as UsageError
    from pyqio.base.errors import VerifyError as VerifyError
    from pyqio.base.types import Extent as Extent
    from pyqio.base.types import Run as Run
    from pyqio.base.types import SnapshotInfo as SnapshotInfo
    from pyqio.block.image import Image as Image

__version__ = "0.1.0"

_HOMES = {
    "pyqio.api": ("create", "open"),
    "pyqio.base.errors": (
        "BlockError",
        "FormatError",
        "MismatchError",
        "OpenError",
        "OptionError",
        "OutcomeMismatch",
        "PyqioError",
        "ReadOnly",
        "Unsupported",
        "UsageError",
        "VerifyError",
    ),
    "pyqio.base.types": ("Extent", "Run", "SnapshotInfo"),
    "pyqio.block.image": ("Image",),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> object:
    import importlib

    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(module), name)
    raise AttributeError(f"module 'pyqio' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
