"""The options of an open image, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pyqio.base.errors import OpenError
from pyqio.base.kinds import Bool, Integer, Size, Text
from pyqio.base.options import flatten, rebind
from pyqio.base.record import Record
from pyqio.drivers.formats.qcow2 import layout, overlap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.drivers.formats.qcow2.header import Header

_L2_CACHE_BYTES: Final = 16 << 20
_REFCOUNT_CACHE_BYTES: Final = 4 << 20
_MAX_CACHE_BYTES: Final = 1 << 31
_MAX_INTERVAL: Final = 2**32 - 1


class Qcow2Options(Record):
    """The run-time options of QEMU's qcow2 driver (QAPI: BlockdevOptionsQcow2); None leaves the choice to the image.

    Beyond QEMU's, ``snapshot_id`` and ``snapshot_name`` show the disk as a snapshot holds it, read-only.  Cache sizes
    are bytes.  ``cache_clean_interval`` is accepted and has no effect: the caches are small.
    """

    lazy_refcounts: Annotated[bool | None, Bool()] = None
    pass_discard_request: Annotated[bool | None, Bool()] = None
    pass_discard_snapshot: Annotated[bool, Bool()] = True
    pass_discard_other: Annotated[bool, Bool()] = False
    overlap_check: Annotated[str | None, Text()] = None
    overlap_check__template: Annotated[str | None, Text()] = None
    overlap_check__main_header: Annotated[bool | None, Bool()] = None
    overlap_check__active_l1: Annotated[bool | None, Bool()] = None
    overlap_check__active_l2: Annotated[bool | None, Bool()] = None
    overlap_check__refcount_table: Annotated[bool | None, Bool()] = None
    overlap_check__refcount_block: Annotated[bool | None, Bool()] = None
    overlap_check__snapshot_table: Annotated[bool | None, Bool()] = None
    overlap_check__inactive_l1: Annotated[bool | None, Bool()] = None
    overlap_check__inactive_l2: Annotated[bool | None, Bool()] = None
    overlap_check__bitmap_directory: Annotated[bool | None, Bool()] = None
    cache_size: Annotated[int | None, Size()] = None
    l2_cache_size: Annotated[int | None, Size()] = None
    l2_cache_entry_size: Annotated[int | None, Size()] = None
    refcount_cache_size: Annotated[int | None, Size()] = None
    cache_clean_interval: Annotated[int, Integer(minimum=-(2**63))] = 0
    snapshot__id: Annotated[str | None, Text()] = None
    snapshot__name: Annotated[str | None, Text()] = None
    encrypt__format: Annotated[str | None, Text()] = None
    encrypt__key_secret: Annotated[str | None, Text()] = None


_TOGETHER: Final = (
    ("overlap-check", "overlap-check.template"),
    ("cache-size", "l2-cache-size", "refcount-cache-size"),
)
_CHANGEABLE: Final = (
    "lazy-refcounts",
    "pass-discard-request",
    "pass-discard-snapshot",
    "pass-discard-other",
    *(f"overlap-check.{section}" for section in overlap.SECTIONS),
    *(name for names in _TOGETHER for name in names),
    "l2-cache-entry-size",
    "cache-clean-interval",
    "encrypt.format",
    "encrypt.key-secret",
)
"""What may change while the image is open."""


class Settings(Record):
    """What options and image together make.

    ``sections``: the metadata that writes are checked against (see overlap).  ``discard_request``: clusters that a
    guest's request frees are discarded in the file too; ``discard_snapshot``: so are those that a snapshot gives up;
    ``discard_other``: so are those freed for other reasons.
    ``slice_bytes``: how much of an L2 table is loaded at a time.
    """

    lazy_refcounts: bool
    sections: int
    l2_cache_bytes: int
    slice_bytes: int
    refcount_cache_bytes: int
    discard_request: bool
    discard_snapshot: bool
    discard_other: bool


def change(current: Qcow2Options, given: Mapping[str, Any]) -> Qcow2Options:
    """The options of an open image after ``given``; one that says the same thing as others displaces those.

    Raises OptionError.
    """
    names = flatten(given)
    displaced: dict[str, Any] = {
        name.replace(".", "__").replace("-", "_"): None
        for together in _TOGETHER
        if not names.keys().isdisjoint(together)
        for name in together
    }
    return rebind(current.replace(**displaced), given, changeable=_CHANGEABLE)


def settle(options: Qcow2Options, header: Header, *, unmap: bool) -> Settings:
    """The settings for an image; ``unmap``: the user wants discards passed on.  Raises OpenError, in QEMU's words."""
    lazy = bool(header.fields.compatible_features & layout.LAZY_REFCOUNTS)
    if options.lazy_refcounts is not None:
        lazy = options.lazy_refcounts
        if lazy and header.fields.version < 3:
            raise OpenError("Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level")
    l2_bytes, refcount_bytes = _cache_sizes(options)
    if not 0 <= options.cache_clean_interval <= _MAX_INTERVAL:
        raise OpenError("Cache clean interval too big")
    _check_encryption(options, header)
    return Settings(
        lazy_refcounts=lazy,
        sections=_sections(options),
        l2_cache_bytes=l2_bytes,
        slice_bytes=_slice_bytes(options, 1 << header.fields.cluster_bits),
        refcount_cache_bytes=refcount_bytes,
        discard_request=unmap if options.pass_discard_request is None else options.pass_discard_request,
        discard_snapshot=options.pass_discard_snapshot,
        discard_other=options.pass_discard_other,
    )


def _check_encryption(options: Qcow2Options, header: Header) -> None:
    named, found = options.encrypt__format, layout.CRYPT_METHODS.get(header.fields.crypt_method)
    if named is not None and found is None:
        raise OpenError(f"No encryption in image header, but options specified format '{named}'")
    if named not in (None, found):
        raise OpenError(f"Header reported '{found}' encryption format but options specify '{named}'")


def _cache_sizes(options: Qcow2Options) -> tuple[int, int]:
    total, l2, refcount = options.cache_size, options.l2_cache_size, options.refcount_cache_size
    if total is not None:
        if l2 is not None and refcount is not None:
            raise OpenError("cache-size, l2-cache-size and refcount-cache-size may not be set at the same time")
        if l2 is not None and l2 > total:
            raise OpenError("l2-cache-size may not exceed cache-size")
        if refcount is not None and refcount > total:
            raise OpenError("refcount-cache-size may not exceed cache-size")
        if l2 is None:
            l2 = min(total * 3 // 4, _L2_CACHE_BYTES) if refcount is None else total - refcount
        if refcount is None:
            refcount = total - l2
    l2 = _L2_CACHE_BYTES if l2 is None else l2
    refcount = _REFCOUNT_CACHE_BYTES if refcount is None else refcount
    if refcount > _MAX_CACHE_BYTES:
        raise OpenError("Refcount cache size too big")
    if l2 > _MAX_CACHE_BYTES:
        raise OpenError("L2 cache size too big")
    return l2, refcount


def _slice_bytes(options: Qcow2Options, cluster_size: int) -> int:
    size = options.l2_cache_entry_size
    if size is None:
        return min(cluster_size, layout.SLICE_BYTES)
    if not 512 <= size <= cluster_size or size & size - 1:
        raise OpenError(f"L2 cache entry size must be a power of two between 512 and the cluster size ({cluster_size})")
    return size


def _sections(options: Qcow2Options) -> int:
    whole, template = options.overlap_check, options.overlap_check__template
    if whole is not None and template is not None and whole != template:
        raise OpenError(
            f"Conflicting values for qcow2 options 'overlap-check' ('{whole}') "
            f"and 'overlap-check.template' ('{template}')"
        )
    name = whole or template or "cached"
    if name not in overlap.TEMPLATES:
        raise OpenError(
            f"Unsupported value '{name}' for qcow2 option 'overlap-check'. "
            f"Allowed are any of the following: {', '.join(overlap.TEMPLATES)}"
        )
    sections = overlap.TEMPLATES[name]
    for section, bit in overlap.SECTIONS.items():
        chosen = getattr(options, "overlap_check__" + section.replace("-", "_"))
        if chosen is not None:
            sections = sections | bit if chosen else sections & ~bit
    return sections
