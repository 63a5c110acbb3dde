"""The list of the snapshots inside an image, as qemu-img 7.2 prints it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyqio.base.types import SnapshotInfo

_LINE: Final = "{} {} {:>8}{:>20}{:>13}{:>11}\n"
_HEADING: Final = "Snapshot list:\n" + _LINE.format(
    "ID       ", "TAG             ", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT"
)
_UNITS: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def snapshot_lines(snapshots: Sequence[SnapshotInfo]) -> Iterator[str]:
    """A heading, and a line for each; what does not fit its column pushes the rest to the right."""
    yield _HEADING
    for snapshot in snapshots:
        id_, name, *rest = cells(snapshot)
        yield _LINE.format(_padded(id_, 9), _padded(name, 16), *rest)


def cells(snapshot: SnapshotInfo) -> tuple[str, ...]:
    """Id, tag, size of the machine's state, date, the machine's clock and its count of instructions ("": unknown)."""
    return (
        snapshot.id,
        snapshot.name,
        _size(snapshot.vm_state_size),
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(snapshot.date_seconds)),
        _clock(snapshot.vm_clock_ns),
        "" if snapshot.icount is None else str(_signed(snapshot.icount)),
    )


def _padded(text: str, width: int) -> str:
    """C counts bytes."""
    return text + " " * (width - len(text.encode(errors="surrogateescape")))


def _clock(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest // 10**6:03}"


def _size(size: int) -> str:
    """Three digits in the unit in which the number is at most 1000."""
    power = 0
    while size >= 1000 << 10 * power and power + 1 < len(_UNITS):
        power += 1
    return f"{size / (1 << 10 * power):.3g} {_UNITS[power]}B"


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
