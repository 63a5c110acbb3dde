"""qcow2 images for the differential test: every option of qemu-img create, and what an image may hold besides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.oracle.geometry import SECRET, Geometry, fill, pattern_file

if TYPE_CHECKING:
    from random import Random

    from tests.oracle.geometry import Step

SIZES = (0, 1, 511, 512, 513, 65536 - 512, 65536 + 512, 1 << 20, (3 << 20) + 777, (10 << 20) + 512)
SPARSE_SIZE = 5 << 30
CLUSTER_BITS = (9, 9, 10, 12, 14, 16, 16, 16, 18, 21)
EXTENDED_CLUSTER_BITS = (14, 14, 15, 16, 16, 16, 18, 21)
SUBCLUSTERS = 32
LARGEST_FINE = 64 << 20
"""QEMU takes seconds to walk a longer image of small clusters."""


@dataclass(frozen=True, slots=True)
class Feature:
    """How often something is drawn, what it does not go with, and what qemu-img create is told of it."""

    chance: float
    never_with: tuple[str, ...] = ()
    options: str = ""


DATA_FILE = "t.data"
DATA_FILES = ("data file", "raw data file")
FEATURES = {
    "version 2": Feature(0.12, options="compat=0.10"),
    "extended L2": Feature(0.3, ("version 2",), "extended_l2=on"),
    "refcount width": Feature(0.4, ("version 2",)),
    "lazy refcounts": Feature(0.25, ("version 2",), "lazy_refcounts=on"),
    "data file": Feature(0.15, ("version 2", "raw data file"), f"data_file={DATA_FILE}"),
    "raw data file": Feature(0.15, ("version 2", "data file"), f"data_file={DATA_FILE},data_file_raw=on"),
    "luks": Feature(0.12, options="encrypt.format=luks,encrypt.key-secret=sec0,encrypt.iter-time=10"),
    "backing": Feature(0.2, ("raw data file", "chain")),
    "chain": Feature(0.15, ("raw data file", "backing")),
    "zstd": Feature(0.25, ("version 2", *DATA_FILES), "compression_type=zstd"),
    "compressed": Feature(0.5, DATA_FILES),
    "preallocation": Feature(0.3),
    "snapshots": Feature(0.25, DATA_FILES),
    "bitmaps": Feature(0.2, ("version 2",)),
}
"""Each is drawn on its own, and left out where it does not go with one that was drawn before."""


def qcow2(rng: Random) -> Geometry:
    """An image of any cluster size with a choice of features."""
    features = draw(rng)
    cluster = 1 << rng.choice(EXTENDED_CLUSTER_BITS if "extended L2" in features else CLUSTER_BITS)
    grain = cluster // SUBCLUSTERS if "extended L2" in features else cluster
    sizes = [*SIZES, cluster - 512, cluster + 512, 4 * cluster, 4 * cluster + grain, 7 * cluster - grain + 512]
    size = rng.choice(sizes + [SPARSE_SIZE] * (cluster >= 1 << 16 and "preallocation" not in features))
    below = chain(rng, size, levels=rng.randint(2, 4) if "chain" in features else 1)
    below = below if features & {"backing", "chain"} else []
    options = ",".join([f"cluster_size={cluster}", *create_options(rng, features, below)])
    secret = SECRET if "luks" in features else ()
    create = ("qemu-img", "create", "-q", *secret, "-f", "qcow2", "-o", options, "t.qcow2", str(size))
    rounded = -(-size // 512) * 512
    shape = Geometry(format="qcow2", size=rounded, cluster=cluster, grain=grain, setup=(), features=features)
    return replace(shape, setup=(pattern_file(rng), *below, create, *contents(rng, shape)))


def draw(rng: Random) -> frozenset[str]:
    """A choice of features that go with one another."""
    drawn: set[str] = set()
    for name, feature in rng.sample(sorted(FEATURES.items()), len(FEATURES)):
        fits = drawn.isdisjoint(feature.never_with) and all(name not in FEATURES[other].never_with for other in drawn)
        if fits and rng.random() < feature.chance:
            drawn.add(name)
    if drawn & {"backing", "chain"} and "extended L2" not in drawn:
        drawn.discard("preallocation")  # Clusters that are allocated hide the backing file; subclusters need not.
    return frozenset(drawn)


def create_options(rng: Random, features: frozenset[str], below: list[Step]) -> list[str]:
    """What qemu-img create is told of ``features``, with ``below`` as the commands that make the backing file."""
    options = [FEATURES[name].options for name in sorted(features) if FEATURES[name].options]
    if "refcount width" in features:
        widths = (4, 8, 32, 64) if "snapshots" in features else (1, 2, 4, 8, 32, 64)
        options.append(f"refcount_bits={rng.choice(widths)}")
    if "preallocation" in features:
        options.append(f"preallocation={rng.choice(('metadata',) if below else ('metadata', 'falloc', 'full'))}")
    if below:
        options.append(f"backing_file=base.img,backing_fmt={below[-1][2]}")
    return options


def contents(rng: Random, shape: Geometry) -> list[Step]:
    """Commands that write to a new image, with snapshots and bitmaps in between."""
    steps = written(rng, shape) if rng.random() < 0.7 else []
    if "bitmaps" in shape.features:
        steps += [bitmap(rng, shape, name) for name in ("first", "second")[: rng.randint(1, 2)]]
    if "snapshots" in shape.features:
        for name in ("one", "two")[: rng.randint(1, 2)]:
            steps += [snapshot(shape, "-c", name), *written(rng, shape)]
    elif "bitmaps" in shape.features:
        steps += written(rng, shape)
    return steps


def written(rng: Random, shape: Geometry) -> list[Step]:
    """A command that writes to the image at random."""
    return fill(
        rng,
        "qcow2",
        shape.image,
        shape.size,
        cluster=shape.cluster,
        grain=shape.grain,
        compressed="compressed" in shape.features,
        encrypted=shape.encrypted,
    )


def snapshot(shape: Geometry, action: str, name: str) -> Step:
    """qemu-img's command that makes, applies or deletes a snapshot."""
    options, words = shape.opened(shape.image, "qemu-img snapshot")
    return ("qemu-img", "snapshot", *options, action, name, *words)


def bitmap(rng: Random, shape: Geometry, name: str, action: str = "--add") -> Step:
    """qemu-img's command for a persistent bitmap, which records what is written from now on."""
    options, words = shape.opened(shape.image)
    grains = ["-g", str(1 << rng.choice((9, 12, 14, 16, 17, 20)))] * (action == "--add" and rng.random() < 0.7)
    disabled = ["--disable"] * (action == "--add" and rng.random() < 0.2)
    return ("qemu-img", "bitmap", *options, action, *disabled, *grains, *words, name)


def chain(rng: Random, size: int, *, levels: int) -> list[Step]:
    """Commands for backing files that may be shorter or longer than the image; the last names its format third.

    The files are base.img, and below it base1.img, base2.img and so on.
    """
    steps: list[Step] = []
    for level in reversed(range(levels)):
        lowest = level == levels - 1
        driver = rng.choice(("raw", "raw", "qcow2")) if lowest else "qcow2"
        name = f"base{level or ''}.img"
        length = max(0, rng.choice((size, size // 2, size - 512, size + 512, size + 65536, 100_000)))
        length = -(-length // 512) * 512
        cluster = 1 << rng.choice((16,) if length > LARGEST_FINE else (9, 12, 16, 16))
        extended = driver == "qcow2" and cluster == 1 << 16 and rng.random() < 0.4
        options = [f"cluster_size={cluster}"] * (driver == "qcow2") + ["extended_l2=on"] * extended
        options += ["" if lowest else f"backing_file=base{level + 1}.img,backing_fmt={steps[-1][2]}"]
        given = ",".join(filter(None, options))
        steps.append(("qemu-img", "create", "-q", "-f", driver, *["-o", given] * bool(given), name, str(length)))
        grain = cluster // SUBCLUSTERS if extended else cluster
        writes = fill(rng, driver, name, length, cluster=cluster, grain=grain, compressed=driver == "qcow2")
        steps += writes or [("qemu-io", "-f", driver, "-c", "length", name)]
    return steps
