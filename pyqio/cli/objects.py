"""--object: secrets are made; the other kinds of object are understood, and are no more than a name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from pyqio.base.errors import OpenError, OptionError, UsageError
from pyqio.base.kinds import Bool
from pyqio.cli import keyval
from pyqio.cli.keyval import BadPairs

if TYPE_CHECKING:
    from pyqio.block.secrets import Secrets

OBJECT_TYPES: Final = (
    "authz-list",
    "authz-list-file",
    "authz-simple",
    "main-loop",
    "pr-manager-helper",
    "secret",
    "secret_keyring",
    "thread-context",
    "throttle-group",
    "tls-cipher-suites",
    "tls-creds-anon",
    "tls-creds-psk",
    "tls-creds-x509",
)
"""The types of qemu-io 7.2."""

SECRET: Final = "secret"
_TYPE: Final = "qom-type"
_PROPERTIES: Final = ("data", "file", "format", "iv", "keyid")
_HELP: Final = f"List of user creatable objects:\n{''.join(f'  {name}{chr(10)}' for name in OBJECT_TYPES)}"
_SECRET_HELP: Final = """\
secret options:
  data=<string>
  file=<string>
  format=<QCryptoSecretFormat>
  iv=<string>
  keyid=<string>
"""
_IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_LARGEST: Final = 1 << 20
_KEY_BYTES: Final = 32
_BLOCK: Final = 16


class BadDefinition(Exception):
    """A definition that qemu-io does not take either; ``str()`` says why."""


class HelpWanted(Exception):
    """A definition that asks for help; ``str()`` is it."""


def define(text: str, secrets: Secrets) -> str:
    """Make the object of ``TYPE,id=ID,key=value...`` or of a JSON object; returns its type.

    Raises BadDefinition, in QEMU's words, and HelpWanted.
    """
    try:
        values = _parse(text)
        kind, name = _check(values)
        secrets.refuse_used(name)
        secrets.add(name, _load(values, secrets) if kind == SECRET else None)
    except (BadPairs, OpenError, UsageError) as error:
        raise BadDefinition(str(error)) from error
    return kind


def _parse(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        from pyqio.block.filename import parse_json

        try:
            return parse_json(text)
        except OpenError as error:
            raise BadDefinition(error.message.removeprefix("Could not parse the JSON options: ")) from error
    values, helps = keyval.parse(text, _TYPE)
    if helps:
        raise HelpWanted(_SECRET_HELP if values.get(_TYPE) == SECRET else _HELP)
    return values


def _check(values: dict[str, Any]) -> tuple[str, str]:
    """Type and name of an object whose properties are known ones."""
    kind = _text(values, _TYPE)
    if kind is None:
        raise BadDefinition(f"Parameter '{_TYPE}' is missing")
    if kind not in OBJECT_TYPES:
        raise BadDefinition(f"Parameter '{_TYPE}' does not accept value '{kind}'")
    name = _text(values, "id")
    if name is None:
        raise BadDefinition("Parameter 'id' is missing")
    if kind == SECRET:
        _check_secret(values)
    if not _IDENTIFIER.fullmatch(name):
        raise BadDefinition(
            "Parameter 'id' expects an identifier\n"
            "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."
        )
    if "loaded" in values and kind == SECRET:
        raise BadDefinition("Property 'secret.loaded' is not writable")
    return kind, name


def _check_secret(values: dict[str, Any]) -> None:
    if "loaded" in values:
        try:
            Bool().parse(values["loaded"])
        except UsageError as error:
            raise BadDefinition(f"Parameter 'loaded' {error}") from error
    form = [_text(values, name) for name in _PROPERTIES][_PROPERTIES.index("format")]
    if form not in (None, "raw", "base64"):
        raise BadDefinition(f"Parameter 'format' does not accept value '{form}'")
    for name in values:
        if name not in (_TYPE, "id", "loaded", *_PROPERTIES):
            what = f"Parameters '{name}.*' are" if isinstance(values[name], dict) else f"Parameter '{name}' is"
            raise BadDefinition(f"{what} unexpected")


def _text(values: dict[str, Any], name: str) -> str | None:
    value = values.get(name)
    if isinstance(value, dict):
        raise BadDefinition(f"Parameters '{name}.*' are unexpected")
    if value is not None and not isinstance(value, str):
        raise BadDefinition(f"Invalid parameter type for '{name}', expected: string")
    return value


def _load(values: dict[str, str], secrets: Secrets) -> bytes:
    """The bytes of a secret: read, decrypted and decoded as its properties say."""
    data, file, key_id = values.get("data"), values.get("file"), values.get("keyid")
    base64 = values.get("format") == "base64"
    if data is not None and file is not None:
        raise OptionError("'file' and 'data' are mutually exclusive")
    if data is None and file is None:
        raise OptionError("Either 'file' or 'data' must be provided")
    found = os.fsencode(data) if data is not None else _read(file or "")
    if key_id is not None:
        return _decrypt(_decode(found) if base64 else found, secrets.data(key_id), values.get("iv"))
    return _decode(found) if base64 else found


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        what = "Error reading" if isinstance(error, IsADirectoryError) else "Failed to open"
        raise OptionError(f"Unable to read {file}: {what} file “{file}”: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise OptionError(f"Unable to read {file}: a secret has at most {_LARGEST} bytes")
    return data


def _decode(text: bytes) -> bytes:
    """The bytes that base64 stands for; what follows the last whole group of four characters is left out."""
    import binascii

    if not re.fullmatch(rb"[A-Za-z0-9+/=\n]*", text):
        raise OptionError("Base64 data contains invalid characters")
    text = text.replace(b"\n", b"")
    groups = (text[at : at + 4] for at in range(0, len(text) - 3, 4))
    return b"".join(binascii.a2b_base64(group) for group in groups)


def _decrypt(data: bytes, key: bytes, iv: str | None) -> bytes:
    """AES-256 in CBC mode, padded to whole blocks with bytes that tell how many they are."""
    from pyqio.crypto import library

    if len(key) != _KEY_BYTES:
        raise OptionError(f"Key should be {_KEY_BYTES} bytes in length")
    if iv is None:
        raise OptionError("IV is required to decrypt secret")
    start = _decode(os.fsencode(iv))
    if len(start) != _BLOCK:
        raise OptionError(f"IV should be {_BLOCK} bytes in length not {len(start)}")
    if len(data) % _BLOCK:
        raise OptionError(f"Length {len(data)} must be a multiple of block size {_BLOCK}")
    ciphers = library.load()
    decryptor = ciphers.Cipher(ciphers.algorithms.AES(key), ciphers.modes.CBC(start)).decryptor()
    plain: bytes = decryptor.update(data) + decryptor.finalize()
    padding = plain[-1] if plain else 0
    if padding > _BLOCK:
        raise OptionError(f"Incorrect number of padding bytes ({padding}) found on decrypted data")
    return plain[: len(plain) - padding]
