"""The library's two verbs: open an image, create one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.base.errors import OpenError, UsageError
from pyqio.base.options import nest
from pyqio.base.types import CACHE_MODES, OpenFlags
from pyqio.base.units import parse_size
from pyqio.block import registry
from pyqio.block.creation import prepare
from pyqio.block.follow import FOLLOW_MODES
from pyqio.block.graph import Graph
from pyqio.block.secrets import Secrets

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from pyqio.block.image import Image


def open(  # noqa: A001
    filename: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,  # noqa: A002
    options: Mapping[str, Any] | None = None,
    read_only: bool = False,
    cache: str = "writethrough",
    discard: str = "unmap",
    force_share: bool = False,
    snapshot: bool = False,
    copy_on_read: bool = False,
    follow: str = "all",
    secrets: Mapping[str, bytes] | None = None,
) -> Image:
    """Open an image and return it as a context manager.

    ``filename``: a path, ``blkverify:raw:test``, ``json:{...}``; None where ``options`` say it all.
    ``format``: the name of a driver; guessed from the image's first bytes where it is None, and a guessed raw image
    then refuses to be made another format by a write to its first sector.
    ``options``: driver options, nested or with dotted keys (``{"file.locking": "off"}``).
    ``cache``: writethrough (each write is on stable storage when it returns), writeback, none, directsync, unsafe.
    ``discard``: unmap or ignore.  ``force_share``: do not lock, for looking at an image that is in use.
    ``snapshot``: writes go to a temporary overlay.  ``copy_on_read``: keep what is read from the backing file.
    ``follow``: which files that an image names, such as its backing file, are opened.  all; same-dir: those with plain
    relative names in the image's directory or below it; none.  An image with another is refused, unless ``options``
    say which file to open in its place (``backing.file.filename``), or ``{"backing": None}``.
    ``secrets``: passwords by the names that options have for them (``{"key-secret": "sec0"}``).

    Raises OpenError (FormatError for a damaged image), UsageError for an argument that has no meaning.
    """
    if cache not in CACHE_MODES:
        raise UsageError(f"invalid cache mode '{cache}', want one of {', '.join(CACHE_MODES)}")
    if discard not in ("unmap", "ignore"):
        raise UsageError(f"invalid discard mode '{discard}', want unmap or ignore")
    if follow not in FOLLOW_MODES:
        raise UsageError(f"invalid follow mode '{follow}', want one of {', '.join(FOLLOW_MODES)}")
    flags = OpenFlags(read_only=read_only, cache=CACHE_MODES[cache], discard=discard, force_share=force_share)
    spec = nest(options or {})
    if format is not None:
        spec["driver"] = format
    name = None if filename is None else str(filename)
    graph = Graph(follow=follow, secrets=Secrets(secrets))
    return graph.open(name, spec, flags, snapshot=snapshot, copy_on_read=copy_on_read)


def create(
    filename: str | os.PathLike[str],
    size: int | str | None = None,
    *,
    format: str = "raw",  # noqa: A002
    options: Mapping[str, Any] | None = None,
    secrets: Mapping[str, bytes] | None = None,
) -> Mapping[str, Any]:
    """Make a new image of ``size`` bytes (or a text such as "16G"); returns every option with the value in force.

    Without a size the image is as large as its backing file.

    ``options`` are the format's, by qemu-img's names (``cluster_size``, ``backing_file``, ...).
    ``secrets``: passwords by the names that options have for them (``{"key-secret": "sec0"}``).
    Raises OpenError; a failed create leaves no file behind.
    """
    driver = registry.find(format)
    if driver is None:
        raise OpenError(f"Unknown file format '{format}'")
    length = parse_size(size) if isinstance(size, str) else size
    texts = {name: _text(value) for name, value in (options or {}).items()}
    return prepare(driver, str(filename), texts, size=length, secrets=Secrets(secrets)).run()


def _text(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
