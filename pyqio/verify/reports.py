"""Where report files are: numbered ones in $XDG_STATE_HOME/pyqio/reports/, or under a name that the user gives.

Each is for its user alone (0600) and is replaced as a whole.  A request that finds the same thing again writes its
file anew, and of the numbered ones the newest KEPT stay.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pyqio.base import folders
from pyqio.base.errors import UsageError, reason
from pyqio.verify.case_file import LARGEST, case, case_values
from pyqio.verify.untrusted import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyqio.verify.case_file import Case

KEPT: Final = 100

_HEAD: Final = 512
"""Bytes in which the digest of a finding is looked for."""


class BadReport(UsageError):
    """A report that cannot be read, or is none; ``str()`` says why in a line."""


def save(report: Case, path: str = "") -> str:
    """Write a report to ``path``, or to a file of its own in the state folder; returns its name.  Raises OSError."""
    data = _encoded(report)
    if path:
        _replace(path, data)
        return path
    folder = folders.state("reports")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    numbers = _numbers(folder)
    same = next((number for number in reversed(numbers) if _is_about(_path(folder, number), report.finding)), None)
    if same is not None:
        _replace(_path(folder, same), data)
        return _path(folder, same)
    for number in numbers[: max(0, len(numbers) + 1 - KEPT)]:
        os.unlink(_path(folder, number))
    return _add(folder, (numbers[-1] if numbers else 0) + 1, data)


def newest() -> str:
    """The report that was written last in the state folder.  Raises BadReport where there is none."""
    folder = folders.state("reports")
    paths = [_path(folder, number) for number in _numbers(folder)]
    if not paths:
        raise BadReport(f"there is no report in {folder}")
    return max(paths, key=_changed)


def every() -> list[str]:
    """The reports in the state folder, the oldest number first."""
    folder = folders.state("reports")
    return [_path(folder, number) for number in _numbers(folder)]


def load(path: str) -> Case:
    """Read a report.  Raises BadReport."""
    import json

    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            data = os.read(fd, LARGEST + 1)
            while data and len(data) <= LARGEST and (more := os.read(fd, LARGEST)):
                data += more
        finally:
            os.close(fd)
    except (OSError, ValueError) as error:
        raise BadReport(f"{path}: {reason(error)}") from None
    if len(data) > LARGEST:
        raise BadReport(f"{path} is no report: it is larger than {LARGEST} bytes")
    try:
        return case(json.loads(data))
    except Malformed as error:
        raise BadReport(f"{path} is no report: {error}") from None
    except (ValueError, RecursionError):
        raise BadReport(f"{path} is no report: it is no JSON") from None


def _encoded(report: Case) -> bytes:
    """JSON with a member a line, so that a person can look into it."""
    import json

    encode = json.JSONEncoder().encode
    members = (f"{encode(name)}: {encode(value)}" for name, value in case_values(report).items())
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def _path(folder: str, number: int) -> str:
    return os.path.join(folder, f"{number}.json")


def _numbers(folder: str) -> Sequence[int]:
    """The numbers of the reports in the folder, ascending."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdecimal() and len(stem) < 10)


def _is_about(path: str, finding: str) -> bool:
    try:
        with open(path, "rb") as file:
            return finding.encode() in file.read(_HEAD)
    except OSError:
        return False


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _add(folder: str, number: int, data: bytes) -> str:
    """Write a new report under the first number from ``number`` on that nobody takes in the same moment."""
    fresh = _written(os.path.join(folder, "new"), data)
    try:
        while True:
            try:
                os.link(fresh, _path(folder, number))
            except FileExistsError:
                number += 1
            else:
                return _path(folder, number)
    finally:
        os.unlink(fresh)


def _replace(path: str, data: bytes) -> None:
    """Put ``data`` in the place of the file; what is no file, as /dev/stdout, is written to."""
    if os.path.lexists(path) and not os.path.isfile(path):
        with open(path, "wb") as target:
            target.write(data)
        return
    fresh = _written(path, data)
    try:
        os.replace(fresh, path)
    except OSError:
        os.unlink(fresh)
        raise


def _written(path: str, data: bytes) -> str:
    """A file beside ``path`` that has all of ``data``, or none at all."""
    fresh = f"{path}.{os.getpid()}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
    except OSError:
        os.unlink(fresh)
        raise
    return fresh
