from __future__ import annotations

import base64
import os

import pytest

from pyqio.block.secrets import Secrets
from pyqio.cli.objects import OBJECT_TYPES, BadDefinition, HelpWanted, define

KEY = base64.b64encode(b"k" * 32).decode()
IV = base64.b64encode(b"i" * 16).decode()
# openssl enc -aes-256-cbc of "hello" with these.
ENCRYPTED = "aRyXOIIhJzBhh+BthfFstw=="


@pytest.fixture
def secrets():
    found = Secrets()
    define(f"secret,id=key,data={KEY},format=base64", found)
    return found


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("secret,id=s,data=a,,b", b"a,b"),
        ("secret,id=s,data=", b""),
        ("secret,id=s,format=raw,data=" + os.fsdecode(b"\xff"), b"\xff"),
        ("secret,id=s,format=base64,data=aGVsbG8=", b"hello"),
        ("secret,id=s,format=base64,data=aGVs\nbG8=\n", b"hello"),
        ("secret,id=s,format=base64,data=aGVsbG8", b"hel"),
        ("secret,id=s,file=password", b"from a file\n"),
        ('{"qom-type": "secret", "id": "s", "data": "x"}', b"x"),
        (f"secret,id=s,format=base64,data={ENCRYPTED},keyid=key,iv={IV}", b"hello"),
    ],
)
def test_define_when_it_is_a_secret_then_its_bytes(secrets, tmp_path, monkeypatch, text, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_bytes(b"from a file\n")

    define(text, secrets)

    assert secrets.data("s") == data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Parameter 'qom-type' is missing"),
        ("foo,id=x", "Parameter 'qom-type' does not accept value 'foo'"),
        ("secret,data=x,foo=1", "Parameter 'id' is missing"),
        ("secret,id=1,data=x,foo=1", "Parameter 'foo' is unexpected"),
        ("secret,id=s,data.x=1", "Parameters 'data.*' are unexpected"),
        ("secret,id=s,format=hex", "Parameter 'format' does not accept value 'hex'"),
        ("secret,id=s", "Either 'file' or 'data' must be provided"),
        ("secret,id=s,data=x,file=y", "'file' and 'data' are mutually exclusive"),
        ("secret,id=key", "attempt to add duplicate property 'key' to object (type 'container')"),
        ("throttle-group,id=key", "attempt to add duplicate property 'key' to object (type 'container')"),
        ("secret,id=s,data=x,loaded=on", "Property 'secret.loaded' is not writable"),
        ("secret,id=s,data=a b,format=base64", "Base64 data contains invalid characters"),
        ("secret,id=s,data=x,keyid=s", "No secret with id 's'"),
        ("secret,id=s,data=x,keyid=key", "IV is required to decrypt secret"),
        ("secret,id=s,data=x,keyid=key,iv=aGVsbG8=", "IV should be 16 bytes in length not 5"),
        (f"secret,id=s,data=x,keyid=key,iv={IV}", "Length 1 must be a multiple of block size 16"),
        (
            f"secret,id=s,format=base64,data={IV},keyid=key,iv={IV}",
            "Incorrect number of padding bytes (195) found on decrypted data",
        ),
        ("secret,id=s,file=/dev/zero", "Unable to read /dev/zero: a secret has at most 1048576 bytes"),
        ('{"qom-type": 5}', "Invalid parameter type for 'qom-type', expected: string"),
        ('{"qom-type": "secret"', "JSON parse error, premature EOI"),
    ],
)
def test_define_when_something_is_wrong_then_qemus_words(secrets, text, message):
    with pytest.raises(BadDefinition) as caught:
        define(text, secrets)

    assert str(caught.value) == message


def test_define_when_identifier_is_none_then_what_one_is(secrets):
    with pytest.raises(BadDefinition, match=r"expects an identifier\nIdentifiers consist of letters"):
        define("secret,id=1,data=x", secrets)


@pytest.mark.parametrize(("text", "lines"), [("help", len(OBJECT_TYPES) + 1), ("secret,?", 6)])
def test_define_when_asked_for_help_then_a_list(secrets, text, lines):
    with pytest.raises(HelpWanted) as caught:
        define(text, secrets)

    assert len(str(caught.value).splitlines()) == lines
