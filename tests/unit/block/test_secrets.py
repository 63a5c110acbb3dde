from __future__ import annotations

import pytest

from pyqio.base.errors import OpenError, UsageError
from pyqio.block.graph import Graph
from pyqio.block.secrets import Secrets


@pytest.fixture
def secrets():
    found = Secrets({"first": b"\xff\0"})
    found.add("second", "päss".encode())
    found.add("group", None)
    found.add("nul", b"a\0b")
    return found


def test_data_when_name_is_known_then_its_bytes(secrets):
    assert (secrets.data("first"), secrets.data("second")) == (b"\xff\0", b"p\xc3\xa4ss")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nosuch", "No secret with id 'nosuch'"),
        ("group", "Object with id 'group' is not a secret"),
        ("first", "Data from secret first is not valid UTF-8"),
        ("nul", "Data from secret nul is not valid UTF-8"),
    ],
)
def test_password_when_there_is_none_then_why(secrets, name, message):
    with pytest.raises(OpenError) as caught:
        secrets.password(name)

    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["first", "group"])
def test_add_when_name_is_used_then_refused(secrets, name):
    with pytest.raises(UsageError, match=f"attempt to add duplicate property '{name}'"):
        secrets.add(name, b"x")


def test_graph_when_given_secrets_then_it_hands_out_these(secrets):
    assert Graph(secrets=secrets).secrets.password("second") == b"p\xc3\xa4ss"
