"""Images for the differential test: what is made from a seed, as commands that anybody can type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

RAW_SIZES = (1, 511, 512, 4096, 65536 + 1, 1 << 20, (3 << 20) + 777, 5 << 30)
QCOW2_SIZES = (0, 1, 511, 512, 513, 65536 - 512, 65536 + 512, 1 << 20, (3 << 20) + 777, (10 << 20) + 512)
SPARSE_SIZE = 5 << 30
FILL_TO = 4 << 20
"""Nothing is written beyond this offset before a stream starts, so that large images stay cheap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """An image of ``size`` guest bytes, and the commands that make it in an empty folder."""

    format: str
    size: int
    cluster: int
    setup: tuple[tuple[str, ...], ...]

    @property
    def image(self) -> str:
        """The image's file name."""
        return f"t.{self.format}"


def geometry(rng: Random, driver: str) -> Geometry:
    """An image that is made of the next values of ``rng``."""
    return raw(rng) if driver == "raw" else qcow2(rng)


def raw(rng: Random) -> Geometry:
    """A flat file with holes and data; 4096 stands for the cluster, being the host file system's block."""
    size = rng.choice(RAW_SIZES)
    setup = [("truncate", "-s", str(size), "t.raw"), pattern_file(rng), *fill(rng, "raw", "t.raw", size, cluster=4096)]
    return Geometry(format="raw", size=size, cluster=4096, setup=tuple(setup))


def qcow2(rng: Random) -> Geometry:
    """An image of any cluster size and refcount width, sometimes over a backing file of another length."""
    cluster = 1 << rng.choice((9, 9, 10, 12, 14, 16, 16, 16, 18, 21))
    sizes = [*QCOW2_SIZES, cluster - 512, cluster + 512, 4 * cluster]
    size = rng.choice(sizes + [SPARSE_SIZE] * (cluster >= 1 << 16))
    options = [f"cluster_size={cluster}", *features(rng)]
    setup = [pattern_file(rng)]
    if rng.random() < 0.3:
        setup += backing(rng, size)
        options += ["backing_file=base.img", f"backing_fmt={setup[-1][2]}"]
    elif size < SPARSE_SIZE:
        options += [f"preallocation={rng.choice(('off', 'off', 'off', 'metadata', 'falloc', 'full'))}"]
    setup.append(("qemu-img", "create", "-q", "-f", "qcow2", "-o", ",".join(options), "t.qcow2", str(size)))
    rounded = -(-size // 512) * 512
    setup += fill(rng, "qcow2", "t.qcow2", rounded, cluster=cluster)
    return Geometry(format="qcow2", size=rounded, cluster=cluster, setup=tuple(setup))


def features(rng: Random) -> list[str]:
    """The options that only version 3 has, or the word for version 2."""
    if rng.random() < 0.25:
        return ["compat=0.10"]
    width = rng.choice((1, 2, 4, 8, 16, 16, 32, 64))
    return ["compat=1.1", f"refcount_bits={width}", f"lazy_refcounts={rng.choice(('off', 'off', 'on'))}"]


def backing(rng: Random, size: int) -> list[tuple[str, ...]]:
    """Commands for a backing file that may be shorter or longer than the image; the last names its format third."""
    driver = rng.choice(("raw", "raw", "qcow2"))
    length = max(0, rng.choice((size, size // 2, size - 512, size + 512, size + 65536, 100_000)))
    length = -(-length // 512) * 512
    create = ("qemu-img", "create", "-q", "-f", driver, "base.img", str(length))
    writes = fill(rng, driver, "base.img", length, cluster=65536, always=True)
    return [create, *(writes or [("qemu-io", "-f", driver, "-c", "length", "base.img")])]


def pattern_file(rng: Random) -> tuple[str, ...]:
    """A command for the file that ``write -s`` reads."""
    return ("sh", "-c", f"printf %0{rng.choice((1, 3, 512, 1000))}d 7 >pattern")


def fill(
    rng: Random, driver: str, image: str, size: int, *, cluster: int, always: bool = False
) -> list[tuple[str, ...]]:
    """A command that puts data, zeroes and compressed clusters into ``image``; none where it stays as it is."""
    if not size or (rng.random() < 0.3 and not always):
        return []
    end = min(size, FILL_TO)
    writes = []
    for _ in range(rng.randint(1, 8)):
        offset = rng.randrange(end)
        length = min(rng.choice((1, 512, 4096, cluster, 3 * cluster, 65536)), end - offset)
        writes += ["-c", f"write -P {rng.randint(1, 255)} {offset} {length}"]
    if driver == "qcow2" and rng.random() < 0.5:
        start = rng.randrange(-(-end // cluster)) * cluster
        writes += ["-c", f"write -c -P {rng.randint(1, 255)} {start} {min(cluster, size - start)}"]
    if rng.random() < 0.5:
        start = rng.randrange(end)
        writes += ["-c", f"write -z{rng.choice(('', 'u'))} {start} {min(2 * cluster, end - start)}"]
    return [("qemu-io", "-f", driver, *writes, image)]
