"""Damaged images, by seed: a few numbers of a sound one replaced by those that break programs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.damage.fields import Field


class Mutant(NamedTuple):
    """``data``, and what was done to it, for a person to read."""

    data: bytes
    story: str


def mutant(source: bytes, fields: list[Field], seed: object) -> Mutant:
    """One to three numbers, or now and then a byte or the length, are not what they were."""
    rng = random.Random(f"mutant {seed}")
    data = bytearray(source)
    story = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.random()
        if kind < 0.9:
            field = rng.choice(fields)
            former = int.from_bytes(data[field.offset : field.offset + field.width], "big")
            value = rng.choice(_values(data, field, former, rng)) % (1 << 8 * field.width)
            data[field.offset : field.offset + field.width] = value.to_bytes(field.width, "big")
            story.append(f"{field.name} {former:#x} -> {value:#x}")
        elif kind < 0.97:
            at = rng.randrange(len(data))
            data[at] = rng.randrange(256)
            story.append(f"byte {at:#x} -> {data[at]:#x}")
        else:
            length = rng.randrange(len(data))
            del data[length:]
            data.extend(bytes(max(0, 512 - length)))
            story.append(f"cut to {length}")
    return Mutant(bytes(data), ", ".join(story))


def _values(data: bytearray, field: Field, former: int, rng: random.Random) -> list[int]:
    bits = 8 * field.width
    cluster = 1 << min(int.from_bytes(data[20:24], "big"), 21)
    clusters = len(data) // cluster + 1
    borders = [0, 1, 2, 3, 511, 512, (1 << bits) - 1, 1 << bits - 1, (1 << bits - 1) - 1, 1 << bits // 2]
    near = [former - 1, former + 1, former * 2, former // 2, former ^ 1 << rng.randrange(bits), -former]
    places = [
        rng.randrange(clusters) * cluster,
        len(data),
        len(data) + cluster,
        len(data) + 512,
        1 << 55,
        (1 << 56) - cluster,
    ]
    flags = [
        places[0] | 1 << 63,
        former ^ 1 << 63,
        former ^ 1 << 62,
        former ^ 1,
        places[0] | 1 << 62,
        places[4] | 1 << 63,
    ]
    return [*borders, *near, *places, *flags, rng.randrange(1 << bits)]
