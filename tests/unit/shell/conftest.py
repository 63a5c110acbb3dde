"""A session that is asked about its lines."""

from __future__ import annotations

import pytest

from pyqio.session.environment import Environment
from pyqio.session.personality import QEMU_IO
from pyqio.session.state import Session


@pytest.fixture
def session():
    """A session without an image."""
    return Session(Environment())


@pytest.fixture
def qemu_session():
    """A session under the other name."""
    return Session(Environment(), QEMU_IO)
