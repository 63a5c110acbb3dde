"""Images of all shapes, by seed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from pyqio.base.types import Cache, OpenFlags
from pyqio.block.graph import Graph
from pyqio.block.node import Node
from pyqio.block.secrets import Secrets
from pyqio.drivers.formats.qcow2 import Qcow2
from tests.powercut.disk import SECTOR, Disk, Power
from tests.powercut.guest import tagged

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

IMAGE = "image.qcow2"
DATA_FILE = "data.raw"
SECRET = "sec0"
PASSWORD = "open sesame"
SECRETS = Secrets({SECRET: PASSWORD.encode()})
_LUKS = {"encrypt.format": "luks", "encrypt.key-secret": SECRET, "encrypt.iter-time": "10"}
_LARGEST = 4 << 20


class Geometry(NamedTuple):
    """``create``: options of a new image of ``size`` bytes.  ``opened``: options that it is opened with.

    ``backing``: contents of the backing file, None where there is none.
    """

    size: int
    create: dict[str, str]
    opened: dict[str, Any]
    discard: str
    writethrough: bool
    backing: bytes | None
    bitmap: bool = False

    @property
    def cluster_size(self) -> int:
        return int(self.create["cluster_size"])

    def __str__(self) -> str:
        options = ",".join(f"{name}={value}" for name, value in {**self.create, **self.opened}.items())
        below = "none" if self.backing is None else str(len(self.backing))
        cache = "writethrough" if self.writethrough else "writeback"
        more = ", a bitmap" if self.bitmap else ""
        return f"{self.size} bytes, {options}, discard {self.discard}, {cache}, backing {below}{more}"


def random_geometry(rng: random.Random) -> Geometry:
    """A shape; small clusters come often, since what happens between clusters happens more with them."""
    create: dict[str, str] = {"compat": rng.choice(["0.10", "1.1", "1.1", "1.1", "1.1"])}
    cluster_bits = rng.choice([9, 9, 9, 10, 11, 12, 12, 13, 14, 16, 16, 18, 21])
    create["cluster_size"] = str(1 << cluster_bits)
    if create["compat"] == "1.1":
        create["lazy_refcounts"] = rng.choice(["off", "off", "on"])
        if cluster_bits >= 14 and rng.random() < 0.6 and create["lazy_refcounts"] == "off":
            create["extended_l2"] = "on"
        if rng.random() < 0.15:
            create |= {"data_file": DATA_FILE, "data_file_raw": rng.choice(["on", "off"])}
        else:
            create["compression_type"] = rng.choice(["zlib", "zstd"])
        if "data_file" not in create and rng.random() < 0.07:
            create |= _LUKS
        create["refcount_bits"] = str(rng.choice([1, 2, 4, 8, 16, 16, 32, 64]))
    clusters = rng.choice([3, 20, 70, 200])
    size = min(clusters << cluster_bits, _LARGEST) // SECTOR * SECTOR - rng.choice([0, 0, SECTOR])
    backing = None
    if rng.random() < 0.35 and create.get("data_file_raw") != "on":
        length = rng.choice([size // 2, size, size * 3 // 2]) // SECTOR * SECTOR
        backing = b"".join(tagged(n, 1) for n in range(length // SECTOR))
    elif "encrypt.format" not in create:  # what was never encrypted is not zero when it is decrypted
        create["preallocation"] = rng.choice(["off", "off", "off", "metadata", "falloc", "full"])
    return Geometry(
        size=size,
        create=create,
        opened=_opening(rng, create),
        discard=rng.choice(["unmap", "unmap", "ignore"]),
        writethrough=rng.random() < 0.1,
        backing=backing,
        bitmap=create["compat"] == "1.1" and "encrypt.format" not in create and rng.random() < 0.15,
    )


def _opening(rng: random.Random, create: dict[str, str]) -> dict[str, Any]:
    opened: dict[str, Any] = {}
    if rng.random() < 0.5:
        opened |= {"l2-cache-size": "4096", "refcount-cache-size": "4096"}
        if int(create["cluster_size"]) >= 4096:
            opened["l2-cache-entry-size"] = rng.choice(["512", "4096"])
    if create["compat"] == "1.1" and rng.random() < 0.2:
        opened["lazy-refcounts"] = rng.choice(["on", "off"])
    for name in ("pass-discard-request", "pass-discard-other"):
        if rng.random() < 0.2:
            opened[name] = rng.choice(["on", "off"])
    return opened


class Machine:
    """An image on its disks: the file, and the file of guest data where there is one."""

    def __init__(self, geometry: Geometry, contents: Sequence[bytes | bytearray]) -> None:
        self.geometry = geometry
        self.power = Power()
        self.disks = [Disk(data, self.power) for data in contents]

    @property
    def contents(self) -> list[bytearray]:
        """What the disks hold."""
        return [disk.data for disk in self.disks]

    def open(self, *, snapshot: str | None = None):
        """The image, open for writing; or as a snapshot holds it."""
        geometry = self.geometry
        cache = Cache(writeback=not geometry.writethrough)
        flags = OpenFlags(read_only=snapshot is not None, cache=cache, discard=geometry.discard)
        options = {"driver": "qcow2", **geometry.opened}
        if snapshot is not None:
            options["snapshot.name"] = snapshot
        for key, disk in zip(("file", "data-file"), self.disks, strict=False):
            options[key] = Node(key, disk, flags)
        if geometry.backing is not None:
            below = Disk(geometry.backing, Power())
            options["backing"] = Node("backing", below, flags.replace(read_only=True))
        if is_encrypted(geometry):
            options["encrypt.key-secret"] = SECRET
        return Graph(secrets=SECRETS).open(None, options, flags)


def new_machine(geometry: Geometry) -> Machine:
    """A new image, all of it stable."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        with contextlib.chdir(folder):
            Qcow2.create(IMAGE, geometry.size, geometry.create, secrets=SECRETS)
        if geometry.bitmap:
            command = ["qemu-img", "bitmap", "--add", "-f", "qcow2", "-g", "512", IMAGE, "changes"]
            subprocess.run(command, cwd=folder, check=True)
        contents = []
        for name in (IMAGE, DATA_FILE):
            if os.path.exists(path := os.path.join(folder, name)):
                with open(path, "rb") as file:
                    contents.append(file.read())
        return Machine(geometry, contents)


def is_encrypted(geometry: Geometry) -> bool:
    return "encrypt.format" in geometry.create


def scratch() -> str:
    """A folder in memory, where there is one: the images in it are looked at once."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
