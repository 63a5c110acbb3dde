from __future__ import annotations

import struct

import pytest

import pyqio
from pyqio.base.errors import OpenError
from pyqio.block.graph import Graph
from pyqio.block.secrets import Secrets

SECRETS = {"sec0": b"sesame", "wrong": b"open", "other": b"other"}
FORMATS = ("luks", "aes")


def create(path, name="luks", **options):
    chosen = {"encrypt.format": name, "encrypt.key-secret": "sec0", **options}
    if name == "luks":
        chosen["encrypt.iter-time"] = "0"
    pyqio.create(path, "1M", format="qcow2", options=chosen, secrets=SECRETS)
    return path


def opened(path, **options):
    return pyqio.open(options={"driver": "qcow2", "file.filename": str(path), **options}, secrets=SECRETS)


def unlocked(path, **options):
    return opened(path, **{"encrypt.key-secret": "sec0", **options})


@pytest.mark.parametrize("name", FORMATS)
def test_image_when_written_then_read_back_and_not_to_be_seen_in_the_file(tmp_path, name):
    path = create(tmp_path / "x", name)

    with unlocked(path) as image:
        image.pwrite(70_001, b"secret" * 5000)
    with unlocked(path) as image:
        assert image.pread(70_001, 30_000) == b"secret" * 5000
        assert image.pread(65536, 4465) == bytes(4465)

    assert b"secret" not in path.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_snapshot_when_taken_and_applied_then_it_reads_as_it_was(tmp_path, name):
    with unlocked(create(tmp_path / "x", name)) as image:
        image.pwrite(0, b"before" * 20_000)
        image.node.driver.snapshot_create("first", date_ns=0)
        image.pwrite(6, b"after!")

        changed = image.pread(0, 18)
        image.node.driver.snapshot_apply("first")

        assert changed == b"beforeafter!before"
        assert image.pread(0, 120_000) == b"before" * 20_000


@pytest.mark.parametrize("name", FORMATS)
def test_zeroes_when_written_in_part_of_a_cluster_then_read_as_such(tmp_path, name):
    with unlocked(create(tmp_path / "x", name)) as image:
        image.pwrite(0, b"x" * 200_000)
        image.zero(1000, 500)
        image.zero(65536, 65536)

        assert image.pread(0, 200_000) == b"x" * 1000 + bytes(500) + b"x" * 64036 + bytes(65536) + b"x" * 68928


@pytest.mark.parametrize("name", FORMATS)
def test_compressed_cluster_when_written_then_it_is_not_encrypted(tmp_path, name):
    path = create(tmp_path / "x", name)

    with unlocked(path) as image:
        image.pwrite(0, b"\0" * 65536, compressed=True)
        assert image.pread(0, 65536) == bytes(65536)

    with opened(path, **{"encrypt.key-secret": "other" if name == "aes" else "sec0"}) as image:
        assert image.pread(0, 65536) == bytes(65536)


def test_extents_when_encrypted_then_none_is_stored_as_it_is(tmp_path):
    with unlocked(create(tmp_path / "x", "aes")) as image:
        image.pwrite(0, b"a" * 512)

        assert {extent.host_offset for extent in image.block_status()} == {None}
        assert image.node.locate(0).host_offset is None


def test_aes_when_the_password_is_longer_than_a_key_then_its_start_counts(tmp_path):
    path = create(tmp_path / "x", "aes", **{"encrypt.key-secret": "wrong"})
    secrets = Secrets({"padded": b"open" + b"\x01" * 20, "cut": (b"open" + b"\x01" * 12)})

    with Graph(secrets=secrets).open(None, spec(path, "padded")) as image:
        image.pwrite(0, b"x" * 512)
    with Graph(secrets=secrets).open(None, spec(path, "cut")) as image:
        assert image.pread(0, 512) == b"x" * 512


def spec(path, secret):
    file = {"driver": "file", "filename": str(path)}
    return {"driver": "qcow2", "encrypt": {"key-secret": secret}, "file": file}


def test_luks_when_made_then_its_header_is_in_counted_clusters(tmp_path):
    data = create(tmp_path / "x").read_bytes()

    kind, length, offset, size = struct.unpack(">IIQQ", data[data.index(b"\x05\x37\xbe\x77") :][:24])

    assert (kind, length, size) == (0x0537BE77, 16, 2068480)
    assert data[32:36] == struct.pack(">I", 2)
    assert data[offset : offset + 8] == b"LUKS\xba\xbe\0\1"
    assert len(data) % 65536 == 0
    assert offset % 65536 == 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("luks", {}, "Parameter 'encrypt.key-secret' is required for cipher"),
        ("aes", {}, "Parameter 'encrypt.key-secret' is required for cipher"),
        ("luks", {"encrypt.key-secret": "nosuch"}, "No secret with id 'nosuch'"),
        ("aes", {"encrypt.key-secret": "nosuch"}, "No secret with id 'nosuch'"),
        ("luks", {"encrypt.key-secret": "wrong"}, "Invalid password, cannot unlock any keyslot"),
        ("luks", {"encrypt.format": "aes"}, "Header reported 'luks' encryption format but options specify 'aes'"),
        ("aes", {"encrypt.format": "foo"}, "Header reported 'aes' encryption format but options specify 'foo'"),
    ],
)
def test_open_when_options_do_not_fit_then_qemus_words(tmp_path, name, options, message):
    path = create(tmp_path / "x", name)

    with pytest.raises(OpenError) as caught:
        opened(path, **options)

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda at, size: (at, 591), "Request for data outside of extension header"),
        (lambda at, size: (at, 4096), "Request for data outside of extension header"),
        (lambda at, size: (at + 65536, size), "Volume is not in LUKS format"),
        (lambda at, size: (1 << 40, size), "Volume is not in LUKS format"),
        (lambda at, size: (1 << 63, size), "Could not read encryption header: Input/output error"),
        (lambda at, size: (at + 1, size), "Encryption header offset '"),
    ],
)
def test_open_when_the_luks_header_is_elsewhere_then_refused(tmp_path, change, message):
    path = create(tmp_path / "x")
    data = bytearray(path.read_bytes())
    at = data.index(b"\x05\x37\xbe\x77") + 8
    data[at : at + 16] = struct.pack(">QQ", *change(*struct.unpack(">QQ", data[at : at + 16])))
    path.write_bytes(data)

    with pytest.raises(OpenError, match=f"^{message}"):
        unlocked(path)


def test_open_when_nothing_is_encrypted_then_a_secret_is_not_looked_at(tmp_path):
    pyqio.create(tmp_path / "x", "1M", format="qcow2")

    with opened(tmp_path / "x", **{"encrypt.key-secret": "nosuch"}) as image:
        assert image.pread(0, 512) == bytes(512)
    with pytest.raises(OpenError, match=r"^No encryption in image header, but options specified format 'luks'$"):
        opened(tmp_path / "x", **{"encrypt.format": "luks"})


def test_reopen_when_read_only_and_back_then_still_encrypted(tmp_path):
    with unlocked(create(tmp_path / "x")) as image:
        image.pwrite(0, b"x" * 512)
        image.reopen(read_only=True)
        image.reopen(read_only=False, options={"encrypt.key-secret": "sec0"})
        image.pwrite(512, b"y" * 512)

        assert image.pread(0, 1024) == b"x" * 512 + b"y" * 512
        with pytest.raises(OpenError, match="options specify 'aes'"):
            image.reopen(options={"encrypt.format": "aes"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encrypt.format": "foo"}, "Parameter 'format' does not accept value 'foo'"),
        ({"encrypt.key-secret": "sec0"}, "Parameter 'encrypt.format' is missing"),
        ({"encrypt.format": "luks"}, "Parameter 'encrypt.key-secret' is required for cipher"),
        ({"encryption": "on"}, "Parameter 'encrypt.key-secret' is required for cipher"),
        ({"encrypt.format": "luks", "encrypt.hash-alg": "foo"}, "Parameter 'hash-alg' does not accept value 'foo'"),
        ({"encrypt.format": "aes", "encrypt.hash-alg": "md5"}, "Parameter 'encrypt.hash-alg' is unexpected"),
        ({"encrypt.format": "luks", "encrypt.key-secret": "nosuch"}, "No secret with id 'nosuch'"),
    ],
)
def test_create_when_options_are_wrong_then_qemus_words_and_no_file(tmp_path, options, message):
    with pytest.raises(pyqio.PyqioError) as caught:
        pyqio.create(tmp_path / "x", "1M", format="qcow2", options=options, secrets=SECRETS)

    assert str(caught.value) == message
    assert not (tmp_path / "x").exists()


def test_info_when_encrypted_then_what_with(tmp_path):
    with unlocked(create(tmp_path / "x", **{"encrypt.ivgen-alg": "essiv"})) as image:
        luks = image.info()["encrypt"]
    with unlocked(create(tmp_path / "y", "aes")) as image:
        aes = image.info()["encrypt"]

    assert aes == {"format": "aes"}
    assert list(luks)[:7] == [
        *("ivgen-alg", "hash-alg", "cipher-alg", "uuid", "ivgen-hash-alg", "format", "cipher-mode"),
    ]


@pytest.mark.parametrize("mode", ["off", "metadata", "falloc", "full"])
@pytest.mark.parametrize("name", FORMATS)
def test_truncate_when_the_disk_ended_inside_of_a_cluster_then_what_it_showed_stays(tmp_path, name, mode):
    with unlocked(create(tmp_path / "x", name)) as image:
        image.truncate(4096)

        image.truncate(1 << 20, prealloc=mode)

        assert image.pread(0, 1 << 20) == bytes(1 << 20)
