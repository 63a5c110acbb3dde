"""Exclusive or of bytes, as the bits of large numbers."""

from __future__ import annotations


def xor(left: bytes | memoryview, right: bytes | memoryview) -> bytes:
    """Each bit of one that is not the other's; both are equally long."""
    return (int.from_bytes(left, "little") ^ int.from_bytes(right, "little")).to_bytes(len(left), "little")
