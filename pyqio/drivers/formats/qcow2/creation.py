"""The options of a new image, and what they make together.

The words, and the order in which they come where several things are wrong, are those of ``qemu-img create``.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import OpenError, OptionError
from pyqio.base.kinds import Bool, Integer, Kind, Names, Path, Size, Text
from pyqio.base.record import Record
from pyqio.base.types import SECTOR_SIZE
from pyqio.base.units import INT64_MAX
from pyqio.block.creation import CreateOption
from pyqio.drivers.formats.qcow2 import layout
from pyqio.drivers.formats.qcow2.compressed import TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyqio.drivers.formats.qcow2.encryption import Encryption

_VERSIONS: Final = {"0.10": 2, "v2": 2, "1.1": 3, "v3": 3}
_PREALLOCATIONS: Final = ("off", "metadata", "falloc", "full")
_COMPRESSIONS: Final = {name: number for number, (name, _) in TYPES.items()}
_ENCRYPTIONS: Final = tuple(layout.CRYPT_METHODS.values())
_MAX_LENGTH: Final = INT64_MAX + 1 - (1 << 30)
"""Bytes in the largest image that QEMU takes."""
_MIN_EXTENDED_L2: Final = 1 << layout.MIN_EXTENDED_BITS
# fmt: off
_DRIVERS: Final = frozenset((
    "blkdebug", "blklogwrites", "blkreplay", "blkverify", "bochs", "cloop", "compress", "copy-before-write",
    "copy-on-read", "dmg", "file", "ftp", "ftps", "gluster", "host_cdrom", "host_device", "http", "https",
    "iscsi", "luks", "nbd", "nfs", "null-aio", "null-co", "nvme", "parallels", "preallocate", "qcow", "qcow2",
    "qed", "quorum", "raw", "rbd", "replication", "snapshot-access", "ssh", "throttle", "vdi", "vhdx", "vmdk",
    "vpc", "vvfat"
))
# fmt: on
"""QEMU's names, whether or not there is such a driver here."""


def _word(*words: str) -> Kind:
    """Any text, since what it may be is looked at later, but only these are good."""
    return Names("text", lambda: words)


OPTIONS: Final[Mapping[str, CreateOption]] = {
    "encryption": CreateOption(
        Bool(), "Encrypt the image with format 'aes'. (Deprecated in favor of encrypt.format=aes)"
    ),
    "encrypt.format": CreateOption(_word(*_ENCRYPTIONS), "Encrypt the image, format choices: 'aes', 'luks'"),
    "encrypt.key-secret": CreateOption(Text(), "ID of secret providing qcow AES key or LUKS passphrase"),
    "encrypt.cipher-alg": CreateOption(Text(), "Name of encryption cipher algorithm"),
    "encrypt.cipher-mode": CreateOption(Text(), "Name of encryption cipher mode"),
    "encrypt.ivgen-alg": CreateOption(Text(), "Name of IV generator algorithm"),
    "encrypt.ivgen-hash-alg": CreateOption(Text(), "Name of IV generator hash algorithm"),
    "encrypt.hash-alg": CreateOption(Text(), "Name of encryption hash algorithm"),
    "encrypt.iter-time": CreateOption(Integer(), "Time to spend in PBKDF in milliseconds"),
    "cluster_size": CreateOption(Size(), "qcow2 cluster size", 65536),
    "extended_l2": CreateOption(Bool(), "Extended L2 tables", default=False),
    "preallocation": CreateOption(
        _word(*_PREALLOCATIONS), f"Preallocation mode (allowed values: {', '.join(_PREALLOCATIONS)})"
    ),
    "compression_type": CreateOption(
        _word(*_COMPRESSIONS), "Compression method used for image cluster compression", "zlib"
    ),
    "size": CreateOption(Size(), "Virtual disk size"),
    "compat": CreateOption(_word(*_VERSIONS), "Compatibility level (v2 [0.10] or v3 [1.1])"),
    "backing_file": CreateOption(Path(), "File name of a base image"),
    "backing_fmt": CreateOption(_word(*sorted(_DRIVERS)), "Image format of the base image"),
    "data_file": CreateOption(Path(), "File name of an external data file"),
    "data_file_raw": CreateOption(Bool(), "The external data file must stay valid as a raw image"),
    "lazy_refcounts": CreateOption(Bool(), "Postpone refcount updates", default=False),
    "refcount_bits": CreateOption(Integer(), "Width of a reference count entry in bits", 16),
}
"""Every option by name, in the order in which qemu-img shows those that are set."""


class Plan(Record):
    """An image that can be made.

    ``size``: guest bytes, whole sectors.  ``compression_type``: the header's number.  ``data_file``: None where the
    image holds its data itself.  ``encrypt``: None for an image that is not encrypted.
    """

    version: int
    cluster_bits: int
    refcount_order: int
    size: int
    preallocation: str
    lazy_refcounts: bool
    compression_type: int
    extended_l2: bool
    data_file: str | None
    data_file_raw: bool
    backing_file: str
    backing_format: str
    encrypt: Encryption | None


def check_aliases(values: Mapping[str, Any]) -> None:
    """Refuse two names for one thing, before any file is touched.  Raises OptionError."""
    if values.get("encryption") and "encrypt.format" in values:
        raise OptionError("'encrypt.format' and its alias 'encryption' can't be used at the same time")


def plan(values: Mapping[str, Any], size: int) -> Plan:
    """What the values of OPTIONS make of an image of ``size`` guest bytes.  Raises OpenError, OptionError."""
    version = _VERSIONS[_choice("version", values.get("compat", "v3"), _VERSIONS)]
    if "backing_fmt" in values:
        _choice("backing-fmt", values["backing_fmt"], _DRIVERS)
    encrypt = _encrypt(values)
    preallocation = _choice("preallocation", values.get("preallocation", "off"), _PREALLOCATIONS)
    compression = _choice("compression-type", values["compression_type"], _COMPRESSIONS)
    _check_clusters(values, version)
    _check_backing(values, preallocation)
    _check_refcounts(values, version)
    _check_data_file(values, version)
    if compression != "zlib":
        _require_3(version, "Non-zlib compression type is only supported")
    cluster_bits = values["cluster_size"].bit_length() - 1
    return Plan(
        version=version,
        cluster_bits=cluster_bits,
        refcount_order=values["refcount_bits"].bit_length() - 1,
        size=_check_size(size, cluster_bits, 4 if values["extended_l2"] else 3),
        preallocation=preallocation,
        lazy_refcounts=values["lazy_refcounts"],
        compression_type=_COMPRESSIONS[compression],
        extended_l2=values["extended_l2"],
        data_file=values.get("data_file"),
        data_file_raw=values.get("data_file_raw", False),
        backing_file=values.get("backing_file", ""),
        backing_format=values.get("backing_fmt", ""),
        encrypt=encrypt,
    )


def _choice(name: str, text: str, allowed: Mapping[str, Any] | tuple[str, ...] | frozenset[str]) -> str:
    if text not in allowed:
        raise OptionError(f"Parameter '{name}' does not accept value '{text}'")
    return text


def _encrypt(values: Mapping[str, Any]) -> Encryption | None:
    given = {name.removeprefix("encrypt."): value for name, value in values.items() if name.startswith("encrypt.")}
    if values.get("encryption"):
        given["format"] = "aes"
    if not given:
        return None
    if "format" not in given:
        raise OptionError("Parameter 'encrypt.format' is missing")
    _choice("format", given["format"], _ENCRYPTIONS)
    from pyqio.drivers.formats.qcow2 import encryption

    return encryption.plan(given)


def _require_3(version: int, what: str) -> None:
    if version < 3:
        raise OpenError(f"{what} with compatibility level 1.1 and above (use version=v3 or greater)")


def _check_clusters(values: Mapping[str, Any], version: int) -> None:
    cluster_size, extended = values["cluster_size"], values["extended_l2"]
    smallest, largest = 1 << layout.MIN_CLUSTER_BITS, 1 << layout.MAX_CLUSTER_BITS
    if extended:
        _require_3(version, "Extended L2 entries are only supported")
    if cluster_size & cluster_size - 1 or not smallest <= cluster_size <= largest:
        raise OpenError(f"Cluster size must be a power of two between {smallest} and {largest >> 10}k")
    if extended and cluster_size < _MIN_EXTENDED_L2:
        raise OpenError(
            f"Extended L2 entries are only supported with cluster sizes of at least {_MIN_EXTENDED_L2} bytes"
        )


def _check_backing(values: Mapping[str, Any], preallocation: str) -> None:
    if preallocation != "off" and "backing_file" in values and not values["extended_l2"]:
        raise OpenError("Backing file and preallocation can only be used at the same time if extended_l2 is on")
    if "backing_fmt" in values and "backing_file" not in values:
        raise OpenError("Backing format cannot be used without backing file")


def _check_refcounts(values: Mapping[str, Any], version: int) -> None:
    if values["lazy_refcounts"]:
        _require_3(version, "Lazy refcounts only supported")
    bits = values["refcount_bits"]
    if not 1 <= bits <= 64 or bits & bits - 1:
        raise OpenError("Refcount width must be a power of two and may not exceed 64 bits")
    if bits != 16 and version < 3:
        raise OpenError(
            "Different refcount widths than 16 bits require compatibility level 1.1 or above "
            "(use version=v3 or greater)"
        )


def _check_data_file(values: Mapping[str, Any], version: int) -> None:
    raw = values.get("data_file_raw", False)
    if raw and "data_file" not in values:
        raise OpenError("data-file-raw requires data-file")
    if raw and "backing_file" in values:
        raise OpenError("Backing file and data-file-raw cannot be used at the same time")
    if "data_file" in values:
        _require_3(version, "External data files are only supported")


def _check_size(size: int, cluster_bits: int, entry_bits: int) -> int:
    size = -(-size // SECTOR_SIZE) * SECTOR_SIZE
    if size > INT64_MAX:
        raise OpenError("Could not resize image: Image size cannot be negative")
    if size > _MAX_LENGTH:
        raise OpenError(f"Could not resize image: offset({size}) exceeds maximum({_MAX_LENGTH})")
    if -(-size >> 2 * cluster_bits - entry_bits) * 8 > layout.MAX_L1_BYTES:
        raise OpenError(
            "The image size is too large for file format 'qcow2' (try using a larger cluster size)", errno=errno.EFBIG
        )
    return size
