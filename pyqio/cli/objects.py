"""--object and --trace: understood, but what they ask for cannot be done yet."""

from __future__ import annotations

from typing import Final

from pyqio.commands.kinds import Pairs

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

_TRACE_KEYS: Final = ("enable", "events", "file")


class BadDefinition(Exception):
    """A definition that qemu-io does not take either; ``str()`` says why."""


def object_type(text: str) -> str:
    """The type in ``TYPE,id=ID,key=value...``.  Raises BadDefinition."""
    pairs = _with_implied(text, "qom-type")
    if "qom-type" not in pairs:
        raise BadDefinition("Parameter 'qom-type' is missing")
    if pairs["qom-type"] not in OBJECT_TYPES:
        raise BadDefinition(f"Parameter 'qom-type' does not accept value '{pairs['qom-type']}'")
    if "id" not in pairs:
        raise BadDefinition("Parameter 'id' is missing")
    return pairs["qom-type"]


def trace_pattern(text: str) -> str:
    """The pattern in ``[enable=]PATTERN,events=FILE,file=FILE``, "" for none.  Raises BadDefinition."""
    pairs = _with_implied(text, "enable")
    for name in pairs:
        if name not in _TRACE_KEYS:
            raise BadDefinition(f"Invalid parameter '{name}'")
    return pairs.get("enable", "")


def _with_implied(text: str, implied: str) -> dict[str, str]:
    head = text.partition(",")[0]
    return dict(Pairs().parse(text if "=" in head else f"{implied}={text}"))
