"""What is done with a damaged image, and how much it may cost: 5 s and 256 MiB.

Every step ends with success or with an error of pyqio's own in a line; anything else is a finding.
"""

from __future__ import annotations

import os
import resource
import signal
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pyqio.api import open as open_image
from pyqio.base.errors import PyqioError
from tests.damage.sources import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType

    from pyqio.block.image import Image

    Opened = Callable[..., Image | None]

SECONDS: Final = 5
"""Of the processor's time, which does not depend on what else the machine does."""
_PATIENCE: Final = 60
"""Seconds, for what waits and does nothing."""
BYTES: Final = 256 << 20
_LUKS: Final = 2
_LARGEST_FILE: Final = 1 << 40
_EXTENTS: Final = 2000
_MOST_READ: Final = 1 << 20


class TooLong(BaseException):
    """The time is over."""


def limit() -> None:
    """Hold this process to the budget of memory from now on, and its files to a size that fits on any disk."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    signal.signal(signal.SIGPROF, _ring)
    signal.signal(signal.SIGALRM, _ring)


def findings(path: str, data: bytes, *, follow: str = "same-dir") -> list[str]:
    """Everything that is wrong with what happens when an image of ``data`` at ``path`` is used."""
    wrong = []
    folder = os.path.dirname(path)
    others = set(os.listdir(folder)) | {os.path.basename(path)}
    for use in (_look, _write, _check, _repair):
        with open(path, "wb") as file:
            file.write(data)
        _allow(SECONDS, _PATIENCE)
        try:
            for step in use(lambda **how: _opened(path, follow=follow, **how)):
                _attempt(step)
        except TooLong:
            wrong.append(f"{use.__name__}: more than {SECONDS} s\n{traceback.format_exc(limit=-6)}")
        except BaseException:
            wrong.append(f"{use.__name__}: {traceback.format_exc(limit=-6)}")
        finally:
            _allow(0, 0)
        if use is _look and _differs(path, data):
            wrong.append("a read-only image was written to")
    if more := set(os.listdir(folder)) - others:
        wrong.append(f"files that nobody asked for: {sorted(more)}")
    return wrong


def _allow(busy: int, waiting: int) -> None:
    signal.setitimer(signal.ITIMER_PROF, busy)
    signal.setitimer(signal.ITIMER_REAL, waiting)


def _differs(path: str, data: bytes) -> bool:
    with open(path, "rb") as file:
        return file.read() != data


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooLong


def _attempt(step: Callable[[], object]) -> None:
    with suppress(PyqioError):
        step()


def _opened(path: str, **how: Any) -> Image | None:
    encrypted = _crypt_method(path) == _LUKS
    options = {"encrypt.key-secret": "sec0"} if encrypted else {}
    secrets = {"sec0": PASSWORD.encode()}
    with suppress(PyqioError):
        return open_image(path, format="qcow2", cache="writeback", options=options, secrets=secrets, **how)
    return None


def _crypt_method(path: str) -> int:
    with open(path, "rb") as file:
        return int.from_bytes(file.read(36)[32:], "big")


def _look(opened: Opened) -> Iterable[Callable[[], object]]:
    image = opened(read_only=True)
    if image is None:
        return
    yield image.info
    yield image.snapshots
    for offset in _places(image):
        yield lambda offset=offset: image.pread(offset, min(_MOST_READ, image.length() - offset))
        yield lambda offset=offset: image.node.explain(offset, thorough=True)
    yield lambda: [extent for extent, _ in zip(image.block_status(), range(_EXTENTS), strict=False)]
    yield lambda: image.allocated(0, image.length())
    yield image.check
    yield image.close


def _write(opened: Opened) -> Iterable[Callable[[], object]]:
    image = opened()
    if image is None:
        return
    for offset in _places(image):
        yield lambda offset=offset: image.pwrite(offset, b"\x5a" * min(9000, image.length() - offset))
    yield lambda: image.zero(0, min(30000, image.length()), unmap=True)
    yield lambda: image.discard(0, min(200_000, image.length()))
    yield image.flush
    yield lambda: image.snapshot_create("new")
    yield lambda: image.snapshot_apply("1")
    yield lambda: image.snapshot_delete("1")
    yield lambda: image.truncate(image.length() + 8192)
    yield lambda: image.truncate(4096)
    yield image.close


def _check(opened: Opened) -> Iterable[Callable[[], object]]:
    image = opened(read_only=True)
    if image is not None:
        yield lambda: image.check(report=lambda line: None)
        yield image.close


def _repair(opened: Opened) -> Iterable[Callable[[], object]]:
    image = opened()
    if image is not None:
        yield lambda: image.check(fix="all", report=lambda line: None)
        yield lambda: image.pread(0, min(_MOST_READ, image.length()))
        yield image.close


def _places(image: Image) -> list[int]:
    """Beginning, middle and end."""
    length = image.length()
    return sorted({0, length // 2 // 512 * 512, max(0, length - 512) // 512 * 512})
