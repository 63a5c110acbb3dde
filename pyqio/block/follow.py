"""Files that an image names: a backing file, a file of guest data.

An image may come from somebody who is not trusted, and a name in it can be that of any file on the host.  Names that
the user gives are opened in any case.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pyqio.base.errors import OpenError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLLOW_MODES: Final = ("all", "same-dir", "none")
"""What is opened: everything; files in the image's directory or below it, by plain relative names; nothing."""


class Found:
    """The name of a file, as it was found in an image.

    ``path``: what is opened for it.  ``image``: the image's own path.  ``is_plain``: the name is a path, and not a
    protocol's or ``json:``.  ``instead``: what the user can do who does not want the name followed.
    """

    def __init__(self, name: str, *, path: str, image: str, is_plain: bool, instead: str) -> None:
        self._name = name
        self._path = path
        self._image = image
        self._is_plain = is_plain
        self._instead = instead

    @property
    def is_inside(self) -> bool:
        """Whether this is a file in the image's directory or below it, when all symbolic links are followed.

        That holds for this moment only: who may change the directory can change it before the file is opened.
        """
        if not self._is_plain or os.path.isabs(self._name) or not os.path.lexists(self._image):
            return False
        folder = os.path.realpath(os.path.dirname(self._image))
        return os.path.commonpath([folder, os.path.realpath(self._path)]) == folder

    def check(self, mode: str) -> None:
        """Raise OpenError where ``mode``, one of FOLLOW_MODES, does not let this file be opened."""
        if mode == "none" or (mode == "same-dir" and not self.is_inside):
            raise OpenError(f"follow={mode} does not open {self._name!r}, which the image names; {self._instead}")

    def remarks(self) -> Iterator[str]:
        """What a person had better know."""
        if not self.is_inside:
            yield f"the image names a file that is not in its directory, and it was opened: {self._name!r}"
