"""Names that an image has for other files."""

from __future__ import annotations

import os

from pyqio.block.filename import protocol_prefix


def resolve_name(name: str, image: str) -> str:
    """``name`` as seen from the directory of ``image``; names with a protocol stay as they are."""
    if protocol_prefix(name) is not None or os.path.isabs(name):
        return name
    return os.path.join(os.path.dirname(image), name)
