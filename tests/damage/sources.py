"""Sound images to be damaged: small ones, that between them have every structure of the format."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

from tests import luck


class Source(NamedTuple):
    """``options`` and ``size`` of qemu-img create; ``written``: qemu-io's commands; ``more``: qemu-img's, by words."""

    options: str
    size: str
    written: tuple[str, ...]
    more: tuple[str, ...] = ()
    encrypted: bool = False


PASSWORD: Final = "open sesame"
_SECRET: Final = ("--object", f"secret,id=sec0,data={PASSWORD}")
_LUKS: Final = "encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=10"

_WRITES: Final = (
    "write -q -P 1 0 20k",
    "write -q -c -P 2 64k 4k",
    "write -q -c -P 3 68k 4k",
    "write -q -z 80k 8k",
    "write -q -P 4 190k 3k",
)
_PLAIN: Final = ("write -q -P 1 0 20k", "write -q -z 80k 8k", "write -q -P 4 190k 3k")

SOURCES: Final = {
    "version 2": Source("compat=0.10,cluster_size=4k", "200k", _WRITES, ("snapshot -c one {}",)),
    "clusters of 512": Source("cluster_size=512,refcount_bits=1", "200k", _PLAIN),
    "counts of 64 bits": Source("cluster_size=1k,refcount_bits=64,lazy_refcounts=on", "200k", _PLAIN),
    "snapshots": Source(
        "cluster_size=4k", "200k", _WRITES, ("snapshot -c one {}", "snapshot -c two {}", "resize -q {} 300k")
    ),
    "bitmaps": Source(
        "cluster_size=4k",
        "200k",
        _WRITES,
        ("bitmap --add -g 512 {} b0", "bitmap --add -g 64k {} b1", "bitmap --disable {} b1"),
    ),
    "subclusters": Source("cluster_size=16k,extended_l2=on", "200k", ("write -q -P 1 0 20k", "write -q -z 80k 8k")),
    "zstd": Source("cluster_size=4k,compression_type=zstd", "200k", _WRITES),
    "preallocated": Source("cluster_size=4k,preallocation=metadata", "200k", _PLAIN),
    "data file": Source("cluster_size=4k,data_file=data.raw", "200k", _PLAIN),
    "encrypted": Source(f"cluster_size=4k,{_LUKS}", "200k", _PLAIN, encrypted=True),
    "backing file": Source("cluster_size=4k,backing_file=base.raw,backing_fmt=raw", "200k", _WRITES),
}


def make(name: str, folder: str) -> bytes:
    """The bytes of a source; what lies below it is made in ``folder`` too."""
    source = SOURCES[name]
    path = "source.qcow2"
    with open(os.path.join(folder, "base.raw"), "wb") as base:
        base.write(b"\xba" * 100_000)
    secret = _SECRET if source.encrypted else ()
    _run(folder, "qemu-img", "create", "-q", *secret, "-f", "qcow2", "-o", source.options, path, source.size)
    commands = (word for command in source.written for word in ("-c", command))
    image = f"driver=qcow2,file.filename={path}{',encrypt.key-secret=sec0' if source.encrypted else ''}"
    _run(folder, "qemu-io", *secret, *commands, "--image-opts", image)
    for command in source.more:
        _run(folder, "qemu-img", *command.format(path).split())
    with open(os.path.join(folder, path), "rb") as file:
        return file.read()


def _run(folder: str, *words: str) -> None:
    luck.run(words, cwd=folder).check_returncode()


def neighbours(folder: str) -> dict[str, bytes]:
    """The files that a source refers to, by name."""
    found = {}
    for name in ("base.raw", "data.raw"):
        if os.path.exists(path := os.path.join(folder, name)):
            with open(path, "rb") as file:
                found[name] = file.read()
    return found
