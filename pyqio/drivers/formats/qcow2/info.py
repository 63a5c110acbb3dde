"""What an image says of itself, by the names of ``qemu-img info`` and in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyqio.drivers.formats.qcow2 import header as headers
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.compressed import TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.drivers.formats.qcow2.store import Store


def describe(store: Store) -> Mapping[str, Any]:
    """``cluster-size`` and ``vm-state-offset`` in bytes, and what is specific to the format."""
    fields = store.fields
    common = {"cluster-size": store.geometry.cluster_size, "vm-state-offset": store.vm_state_offset}
    if fields.version == 2:
        said: dict[str, Any] = {
            "compat": "0.10",
            "compression-type": "zlib",
            "refcount-bits": store.geometry.refcount_bits,
            "encrypt": _encryption(store),
        }
    else:
        data_file, data_file_raw = _data_file(store)
        said = {
            "compat": "1.1",
            "compression-type": TYPES[store.header.compression_type][0],
            "lazy-refcounts": bool(fields.compatible_features & layout.LAZY_REFCOUNTS),
            "bitmaps": None if store.bitmaps is None else store.bitmaps.describe(),
            "refcount-bits": store.geometry.refcount_bits,
            "data-file": data_file,
            "encrypt": _encryption(store),
            "data-file-raw": data_file_raw,
            "corrupt": bool(fields.incompatible_features & layout.CORRUPT),
            "extended-l2": bool(fields.incompatible_features & layout.EXTENDED_L2),
        }
    return common | {name: value for name, value in said.items() if value is not None}


def _encryption(store: Store) -> Mapping[str, Any] | None:
    if not store.fields.crypt_method:
        return None
    from pyqio.drivers.formats.qcow2 import encryption

    return encryption.describe(store)


def _data_file(store: Store) -> tuple[str | None, bool | None]:
    """The name that the image has for a data file, and whether that file alone shows the guest's bytes."""
    fields, header = store.fields, store.header
    named = header.extension(headers.EXT_DATA_FILE) is not None
    raw = bool(fields.autoclear_features & layout.RAW_DATA_FILE) if store.geometry.external else None
    return header.data_file if named else None, raw
