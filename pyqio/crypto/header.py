r"""The header of a LUKS volume, version 1 (LUKS On-Disk Format Specification 1.2.3, section 2).

::

    0    magic "LUKS\xba\xbe", version
    8    names of cipher, mode and hash, 32 bytes each
    104  where the payload starts, length of the master key
    112  the master key's digest, with salt and iterations
    168  UUID
    208  eight key slots: state, iterations, salt, where the key material is, stripes
    592

Numbers are big-endian; offsets are counted in sectors of 512 bytes.
"""

from __future__ import annotations

from typing import Annotated, Final, NamedTuple

from pyqio.base.errors import FormatError
from pyqio.base.records import U16, U32, codec, pack, unpack
from pyqio.base.types import SECTOR_SIZE
from pyqio.crypto.blocks import Algorithm, of_family
from pyqio.crypto.hashes import HASHES
from pyqio.crypto.sectors import MODES
from pyqio.crypto.vectors import GENERATORS

MAGIC: Final = b"LUKS\xba\xbe"
STRIPES: Final = 4000
SLOTS: Final = 8
ACTIVE: Final = 0x00AC71F3
INACTIVE: Final = 0x0000DEAD
MATERIAL_SECTOR: Final = 8
"""The sector at which the first key slot's material may start; all of them are aligned to as much."""

_MOST_ITERATIONS: Final = 1 << 24
_MOST_DIGEST_ITERATIONS: Final = 1 << 23
"""These take some seconds on the machines of today, and are twice what qemu-img asks of them; damaged counts, hours."""

Bytes6 = Annotated[bytes, "6s"]
Bytes20 = Annotated[bytes, "20s"]
Bytes32 = Annotated[bytes, "32s"]
Bytes40 = Annotated[bytes, "40s"]


class VolumeFields(NamedTuple):
    """What stands before the key slots."""

    magic: Bytes6
    version: U16
    cipher_name: Bytes32
    cipher_mode: Bytes32
    hash_spec: Bytes32
    payload_sector: U32
    key_bytes: U32
    digest: Bytes20
    digest_salt: Bytes32
    digest_iterations: U32
    uuid: Bytes40


class SlotFields(NamedTuple):
    """A key slot."""

    state: U32
    iterations: U32
    salt: Bytes32
    material_sector: U32
    stripes: U32

    @property
    def active(self) -> bool:
        """Whether there is a password in it."""
        return self.state == ACTIVE


class CipherNames(NamedTuple):
    """A volume's cipher, by QEMU's names."""

    algorithm: Algorithm
    mode: str
    ivgen: str
    ivgen_hash: str | None
    hash_name: str


class Header(NamedTuple):
    """A header whose every field has been checked."""

    fields: VolumeFields
    slots: tuple[SlotFields, ...]
    names: CipherNames

    @property
    def payload_offset(self) -> int:
        """Where the encrypted bytes start."""
        return self.fields.payload_sector * SECTOR_SIZE


VOLUME_BYTES: Final = codec(VolumeFields).size
SLOT_BYTES: Final = codec(SlotFields).size
HEADER_BYTES: Final = VOLUME_BYTES + SLOTS * SLOT_BYTES


def material_sectors(key_bytes: int) -> int:
    """Sectors that one slot's key material takes, up to where the next one may start."""
    sectors = -(-key_bytes * STRIPES // SECTOR_SIZE)
    return -(-sectors // MATERIAL_SECTOR) * MATERIAL_SECTOR


def encode(fields: VolumeFields, slots: tuple[SlotFields, ...]) -> bytes:
    """The bytes of a header."""
    return pack(fields) + b"".join(map(pack, slots))


def parse(data: bytes) -> Header:
    """The header in the first ``HEADER_BYTES`` of a volume.  Raises FormatError, in QEMU's words."""
    fields = unpack(VolumeFields, data)
    slots = tuple(unpack(SlotFields, data, VOLUME_BYTES + at * SLOT_BYTES) for at in range(SLOTS))
    if fields.magic != MAGIC:
        raise FormatError("Volume is not in LUKS format")
    if fields.version != 1:
        raise FormatError(f"LUKS version {fields.version} is not supported")
    named = (("cipher name", fields.cipher_name), ("cipher mode", fields.cipher_mode), ("hash spec", fields.hash_spec))
    for what, text in named:
        if b"\0" not in text:
            raise FormatError(f"LUKS header {what} is not NUL terminated")
    _check_offsets(fields, slots)
    return Header(fields, slots, _cipher_names(fields))


def _check_offsets(fields: VolumeFields, slots: tuple[SlotFields, ...]) -> None:
    if fields.payload_sector < MATERIAL_SECTOR:
        raise FormatError("LUKS payload is overlapping with the header")
    if not fields.digest_iterations:
        raise FormatError("LUKS key iteration count is zero")
    if fields.digest_iterations > _MOST_DIGEST_ITERATIONS:
        raise FormatError(f"LUKS key iteration count {fields.digest_iterations} is too large")
    sectors = material_sectors(fields.key_bytes)
    for number, slot in enumerate(slots):
        _check_slot(number, slot)
        if slot.material_sector + sectors > fields.payload_sector:
            raise FormatError(f"Keyslot {number} is overlapping with the encrypted payload")
        for other in range(number + 1, SLOTS):
            if abs(slot.material_sector - slots[other].material_sector) < sectors:
                raise FormatError(f"Keyslots {number} and {other} are overlapping in the header")


def _check_slot(number: int, slot: SlotFields) -> None:
    if slot.stripes != STRIPES:
        found = slot.stripes - (slot.stripes >> 31 << 32)
        raise FormatError(f"Keyslot {number} is corrupted (stripes {found} != {STRIPES})")
    if slot.material_sector < MATERIAL_SECTOR:
        raise FormatError(f"Keyslot {number} is overlapping with the LUKS header")
    if slot.state not in (ACTIVE, INACTIVE):
        raise FormatError(f"Keyslot {number} state (active/disable) is corrupted")
    if slot.active and not slot.iterations:
        raise FormatError(f"Keyslot {number} iteration count is zero")
    if slot.active and slot.iterations > _MOST_ITERATIONS:
        raise FormatError(f"Keyslot {number} iteration count {slot.iterations} is too large")


def _cipher_names(fields: VolumeFields) -> CipherNames:
    """What the names stand for: ``aes``, ``xts-plain64`` or ``cbc-essiv:sha256``, ``sha256``."""
    cipher, spec, hash_name = map(_text, (fields.cipher_name, fields.cipher_mode, fields.hash_spec))
    mode, hyphen, rest = spec.partition("-")
    if not hyphen:
        raise FormatError(f"Unexpected cipher mode string format '{spec}'")
    ivgen, colon, ivgen_hash = rest.partition(":")
    if colon:
        _check_hash(ivgen_hash)
    if mode not in MODES:
        raise FormatError(f"Cipher mode '{mode}' not supported")
    size = fields.key_bytes // 2 if mode == "xts" else fields.key_bytes
    algorithm = of_family(cipher, size)
    if algorithm is None or (mode == "xts" and fields.key_bytes % 2):
        raise FormatError(f"Algorithm '{cipher}' with key size {size} bytes not supported")
    _check_hash(hash_name)
    if ivgen not in GENERATORS:
        raise FormatError(f"IV generator '{ivgen}' not supported")
    if ivgen == "essiv" and not colon:
        raise FormatError("Missing IV generator hash specification")
    return CipherNames(algorithm, mode, ivgen, ivgen_hash or None, hash_name)


def _check_hash(name: str) -> None:
    if name not in HASHES:
        raise FormatError(f"Hash algorithm '{name}' not supported")


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode(errors="backslashreplace")
