"""Names that an image has for other files: how they are to be opened."""

from __future__ import annotations

from typing import Any, Final

from pyqio.block.filename import Typed, beside, protocol_prefix
from pyqio.block.follow import Found

_INSTEAD: Final = "say backing.file.filename=NAME, or backing= for none"
_INSTEAD_OF_DATA: Final = "say data-file.filename=NAME"


def backing_child(name: str, image: str) -> tuple[dict[str, Any], Found]:
    """Options for the backing file that ``image`` names, and what there is to say of the name."""
    path = beside(name, image)
    found = Found(name, path=path, image=image, is_plain=protocol_prefix(name) is None, instead=_INSTEAD)
    return {"filename": Typed(path)}, found


def data_child(name: str, image: str) -> tuple[dict[str, Any], Found]:
    """As ``backing_child``, for the file of guest data.

    It is written to, so that its name is a file's, whatever is in it: neither ``json:`` nor a protocol (CVE-2024-4467).
    A relative name starts in the working directory, unlike a backing file's: so do QEMU's programs read it.
    """
    return {"filename": name}, Found(name, path=name, image=image, is_plain=True, instead=_INSTEAD_OF_DATA)
