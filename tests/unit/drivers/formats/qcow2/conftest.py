"""qcow2 images whose file is a bytearray that remembers what reached it, and in which order."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from pyqio.base.errors import BlockError
from pyqio.base.records import pack
from pyqio.base.types import Cache, Caps, OpenFlags, Role
from pyqio.block.driver import Driver
from pyqio.block.graph import Graph
from pyqio.block.node import Node
from pyqio.drivers.formats.qcow2 import Qcow2
from pyqio.drivers.formats.qcow2.bitmaps import AUTO, Entry
from pyqio.drivers.formats.qcow2.header import EXT_BITMAPS, BitmapFields, BitmapsExtension
from pyqio.drivers.formats.qcow2.tracking import Placed

if TYPE_CHECKING:
    from collections.abc import Callable

WRITEBACK = Cache(writeback=True)
TEAR = 4096
"""A write is applied in pieces of this many bytes, each of which may be lost by itself."""


class Recorder(Driver):
    """``data`` is what a reader sees, ``stable`` what the last flush put on the disk, ``pending`` what came after it.

    ``on_change()`` is called after every change; ``fail_at`` is the number of changes after which there is no space.
    """

    name = "recorder"
    role = Role.PROTOCOL

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.stable = bytes(data)
        self.pending: list[tuple[int, bytes | None]] = []
        self.discarded: list[tuple[int, int]] = []
        self.flushes = 0
        self.changes = 0
        self.fail_at: int | None = None
        self.on_change: Callable[[], None] = lambda: None

    @classmethod
    def open(cls, options, opening):
        raise NotImplementedError

    def length(self):
        return -(-len(self.data) // 512) * 512

    def pread(self, offset, buf, flags):
        found = self.data[offset : offset + len(buf)]
        buf[:] = found + bytes(len(buf) - len(found))

    def pwrite(self, offset, buf, flags):
        for at in range(0, len(buf), TEAR):
            self._change(offset + at, bytes(buf[at : at + TEAR]))

    def pdiscard(self, offset, length):
        self.discarded.append((offset, length))

    def truncate(self, length, *, prealloc="off", exact=True):
        self._change(length, None)

    def flush(self):
        self.flushes += 1
        self.stable = bytes(self.data)
        self.pending = []

    def reopen(self, flags, options):
        pass

    def caps(self):
        return Caps(growable=True, zero_init=True)

    def close(self):
        pass

    def _change(self, offset, data):
        if self.fail_at is not None and self.changes >= self.fail_at:
            raise BlockError(errno=errno.ENOSPC)
        self.changes += 1
        apply(self.data, offset, data)
        self.pending.append((offset, data))
        self.on_change()


def apply(disk: bytearray, offset: int, data: bytes | None) -> None:
    """One change: bytes at an offset, or (None) a new length."""
    end = offset + len(data or b"")
    disk.extend(bytes(max(0, end - len(disk))))
    if data is None:
        del disk[offset:]
    else:
        disk[offset:end] = data


class Opened:
    """An image and the file below it."""

    def __init__(self, file: Recorder, *, read_only: bool = False, backing: object = None, **options: object) -> None:
        self.file = file
        flags = OpenFlags(read_only=read_only, cache=WRITEBACK, discard="unmap")
        node = Node("file", file, flags)
        if backing is not None:
            options["backing"] = backing
        self.image = Graph().open(None, {"driver": "qcow2", "file": node, **options}, flags)

    @property
    def driver(self) -> Qcow2:
        return self.image.node.driver

    @property
    def store(self):
        return self.driver._store


@pytest.fixture
def blank(tmp_path):
    """``blank(size, **options)``: the file of a new image."""

    def make(size, **options):
        path = tmp_path / "new.qcow2"
        Qcow2.create(str(path), size, {name: str(value) for name, value in options.items()})
        data = path.read_bytes()
        path.unlink()
        return Recorder(data)

    return make


@pytest.fixture
def opened(blank):
    """``opened(size, **options)``: a new image, open."""

    def make(size, **options):
        return Opened(blank(size, **options))

    return make


def findings(opened: Opened) -> list[str]:
    """What the check says of an image."""
    found: list[str] = []
    opened.image.check(report=found.append)
    return found


def patched(file: Recorder, *edits: tuple[int, int, int]) -> Recorder:
    """A copy of a file with big-endian numbers written into it: (offset, width in bytes, number)."""
    data = bytearray(file.data)
    for offset, width, number in edits:
        apply(data, offset, number.to_bytes(width, "big"))
    return Recorder(bytes(data))


def entry(name: str, *, flags: int = AUTO, granularity_bits: int = 16) -> Entry:
    """A bitmap; its table is to be placed."""
    fields = BitmapFields(-1, 1, flags, 1, granularity_bits, len(name.encode()), 0)
    return Entry(fields, b"", name.encode())


@pytest.fixture
def with_bitmaps(blank):
    """``with_bitmaps(*entries)``: the file of an image with these bitmaps; their tables hold ``table``."""

    def make(*entries, size=1 << 20, table=0, number=None, directory_size=None, **options):
        file = blank(size, **options)
        store = Opened(file).store
        room = Placed(store)
        placed = [_placed(room, e, table) for e in entries]
        data = b"".join(e.encode() for e in placed)
        where = BitmapsExtension(
            nb_bitmaps=len(entries) if number is None else number,
            reserved=0,
            directory_size=len(data) if directory_size is None else directory_size,
            directory_offset=room.place(data),
        )
        store.update_extensions({EXT_BITMAPS: pack(where)}, autoclear_features=1)
        store.settle()
        return file

    return make


def _placed(room: Placed, found: Entry, number: int) -> Entry:
    """The entry with a table, unless it says where that is."""
    if found.fields.table_offset != -1:
        return found
    tables = found.fields.table_size * 8
    return found.with_fields(table_offset=room.place(number.to_bytes(8, "big").ljust(min(tables, 512), b"\0")))
