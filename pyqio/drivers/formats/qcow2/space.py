"""Where guest data is kept: clusters of the image file, counted; or an external data file, at the guest's offsets.

What is encrypted is so here, on its way to the file and back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pyqio.base.types import MAY_UNMAP

if TYPE_CHECKING:
    from pyqio.drivers.formats.qcow2.store import Store

_SECTOR = 512
_WINDOW = 1 << 20
"""Bytes of zeroes that are encrypted at a time."""


class SectorCipher(Protocol):
    """Encrypts whole sectors of 512 bytes; ``sector`` is the number of the first one."""

    def encrypt(self, sector: int, data: memoryview) -> bytes:
        """What to store for ``data``."""
        ...

    def decrypt(self, sector: int, data: memoryview) -> bytes:
        """What ``data`` was stored for."""
        ...


def load(store: Store, host: int, guest: int, buf: memoryview) -> None:
    """Fill ``buf`` with the guest bytes from ``guest`` on, which are at host offset ``host``."""
    store.data.pread(host, buf)
    if store.cipher is not None:
        buf[:] = store.cipher.decrypt(_sector(store, host, guest), buf)


def save(store: Store, host: int, guest: int, buf: memoryview) -> None:
    """Store the guest bytes from ``guest`` on at host offset ``host``."""
    if not store.geometry.external:
        store.guard.check(host, len(buf))
    if store.cipher is not None:
        buf = memoryview(store.cipher.encrypt(_sector(store, host, guest), buf))
    store.data.pwrite(host, buf)


def save_zeroes(store: Store, host: int, guest: int, length: int) -> None:
    """As ``save``, of zeroes."""
    if store.cipher is None:
        if not store.geometry.external:
            store.guard.check(host, length)
        store.data.pwrite_zeroes(host, length)
        return
    for at in range(0, length, _WINDOW):
        save(store, host + at, guest + at, memoryview(bytes(min(_WINDOW, length - at))))


def clear_raw(store: Store, guest: int, length: int, *, unmap: bool) -> None:
    """Where the data file alone is to show what the guest sees, make it show zeroes."""
    if store.raw_data:
        store.data.pwrite_zeroes(guest, length, MAY_UNMAP if unmap else 0)


def resize_data(store: Store, size: int, prealloc: str) -> None:
    """Give the external data file the guest's new size."""
    store.data.truncate(size, prealloc="off" if prealloc == "metadata" else prealloc)


def take(store: Store, guest: int, count: int) -> int:
    """Host offset of ``count`` new clusters in a row for the guest cluster at ``guest`` and those that follow."""
    return guest if store.geometry.external else store.allocator.allocate(count)


def take_at(store: Store, host: int, guest: int, count: int) -> int:
    """Take as many of the ``count`` clusters from host offset ``host`` on as can be had in a row; returns how many."""
    if store.geometry.external:
        return count if host == guest else 0
    return store.allocator.allocate_at(host, count)


def abandon(store: Store, host: int, count: int) -> None:
    """Give back clusters that nothing has referred to yet."""
    if not store.geometry.external:
        store.allocator.abandon(host, count)


def give_back(store: Store, host: int, length: int, *, discard: bool) -> None:
    """One reference to the host range is gone; ``discard``: the host may have it when it is free."""
    if not store.geometry.external:
        store.allocator.release(host, length, discard=discard)
    elif discard:
        store.data.pdiscard(host, length)


def _sector(store: Store, host: int, guest: int) -> int:
    return (guest if store.cipher_by_guest else host) // _SECTOR
