"""Images for the differential test: what is made from a seed, as commands that anybody can type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

Step = tuple[str, ...]
"""A command and its arguments."""

RAW_SIZES = (1, 511, 512, 4096, 65536 + 1, 1 << 20, (3 << 20) + 777, 5 << 30)
FILL_TO = 4 << 20
"""Nothing is written beyond this offset before a stream starts, so that large images stay cheap."""
PASSPHRASE = "hunter2"
SECRET = ("--object", f"secret,id=sec0,data={PASSPHRASE}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """An image of ``size`` guest bytes, and the commands that make it in an empty folder.

    ``grain``: how many bytes are allocated, or read as zeroes, on their own; a subcluster or a cluster.
    ``features``: names from the table of the format.
    """

    format: str
    size: int
    cluster: int
    grain: int
    setup: tuple[Step, ...]
    features: frozenset[str] = field(default_factory=frozenset)

    @property
    def image(self) -> str:
        """The image's file name."""
        return f"t.{self.format}"

    @property
    def encrypted(self) -> bool:
        """Whether the image opens only with a secret."""
        return "luks" in self.features

    def opened(self, name: str, program: str = "qemu-io") -> tuple[list[str], list[str]]:
        """Options of a QEMU program, and the words, by which the image opens whose file is ``name``."""
        return named(self.format, name, encrypted=self.encrypted, program=program)


def named(driver: str, name: str, *, encrypted: bool = False, program: str = "qemu-io") -> tuple[list[str], list[str]]:
    """Options of ``program``, and the words, by which the image in the file ``name`` opens.

    qemu-img's snapshot probes the format, and knows no option for it.
    """
    if encrypted:
        return [*SECRET, "--image-opts"], [f"driver={driver},encrypt.key-secret=sec0,file.filename={name}"]
    return ["-f", driver] * (program != "qemu-img snapshot"), [name]


def geometry(rng: Random, driver: str) -> Geometry:
    """An image that is made of the next values of ``rng``."""
    from tests.oracle.qcow2_geometry import qcow2

    return raw(rng) if driver == "raw" else qcow2(rng)


def raw(rng: Random) -> Geometry:
    """A flat file with holes and data; 4096 stands for the cluster, being the host file system's block."""
    size = rng.choice(RAW_SIZES)
    setup = [("truncate", "-s", str(size), "t.raw"), pattern_file(rng), *fill(rng, "raw", "t.raw", size, cluster=4096)]
    return Geometry(format="raw", size=size, cluster=4096, grain=4096, setup=tuple(setup))


def pattern_file(rng: Random) -> Step:
    """A command for the file that ``write -s`` reads."""
    return ("sh", "-c", f"printf %0{rng.choice((1, 3, 512, 1000))}d 7 >pattern")


def fill(
    rng: Random,
    driver: str,
    image: str,
    size: int,
    *,
    cluster: int,
    grain: int | None = None,
    compressed: bool = False,
    encrypted: bool = False,
) -> list[Step]:
    """A command that puts data, zeroes and compressed clusters into ``image``; none where there is no room."""
    if not size:
        return []
    grain = grain or cluster
    end = min(size, FILL_TO)
    writes = []
    for _ in range(rng.randint(1, 8)):
        offset = rng.randrange(end) // rng.choice((1, 512, grain)) * rng.choice((1, 1, grain)) % end
        length = min(rng.choice((1, 512, 4096, grain, grain, 3 * grain, cluster, 3 * cluster, 65536)), end - offset)
        writes += ["-c", f"write -P {rng.randint(1, 255)} {offset} {length}"]
    if compressed and rng.random() < 0.7:
        clusters = range(-(-end // cluster))
        for index in rng.sample(clusters, min(len(clusters), rng.randint(1, 5))):
            start = index * cluster
            writes += ["-c", f"write -c -P {rng.randint(1, 255)} {start} {min(cluster, size - start)}"]
    for _ in range(rng.randint(0, 2)):
        start = rng.randrange(end) // grain * grain
        length = min(rng.choice((512, grain, 5 * grain, 2 * cluster)), end - start)
        writes += ["-c", f"{rng.choice(('write -z', 'write -zu', 'discard'))} {start} {length}"]
    options, words = named(driver, image, encrypted=encrypted)
    return [("qemu-io", *options, *writes, *words)]
