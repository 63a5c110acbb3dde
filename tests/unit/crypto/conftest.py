from __future__ import annotations

import pytest

from pyqio.crypto import luks


@pytest.fixture(scope="session")
def start():
    """The bytes before the payload of a volume; the password is "sesame"."""
    first, payload_offset = luks.create(luks.choose({"iter-time": 0}), b"sesame")
    return first.ljust(payload_offset, b"\0")
