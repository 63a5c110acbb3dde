from __future__ import annotations

import pytest

import pyqio
from pyqio.base.errors import BlockError, OpenError
from pyqio.block import probe

SECRETS = {"sec0": b"sesame", "wrong": b"open", "latin": b"\xff"}
QUICK = {"key-secret": "sec0", "iter-time": 0}


@pytest.fixture
def volume(tmp_path):
    path = tmp_path / "v.luks"
    pyqio.create(path, "1M", format="luks", options=QUICK, secrets=SECRETS)
    return path


def opened(path, **options):
    options = {"driver": "luks", "file.filename": str(path), **options}
    return pyqio.open(options=options, secrets=SECRETS)


def test_create_when_done_then_the_file_is_header_and_disk(volume):
    assert volume.stat().st_size == 2068480 + (1 << 20)


def test_probe_when_version_is_one_then_luks(volume):
    head = volume.read_bytes()[:512]

    assert probe.guess(head, "").name == "luks"
    assert probe.guess(head[:7] + b"\2" + head[8:], "").name == "raw"


def test_open_when_written_then_only_the_disks_bytes_change_and_are_not_the_plain_ones(volume):
    before = volume.read_bytes()

    with opened(volume, **{"key-secret": "sec0"}) as image:
        image.pwrite(512, b"secret" * 1000)

    after = volume.read_bytes()
    assert after[: 2068480 + 512] == before[: 2068480 + 512]
    assert after[2068480 + 512 + 6144 :] == before[2068480 + 512 + 6144 :]
    assert b"secret" not in after


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Parameter 'key-secret' is required for cipher"),
        ({"key-secret": "nosuch"}, "No secret with id 'nosuch'"),
        ({"key-secret": "wrong"}, "Invalid password, cannot unlock any keyslot"),
        ({"key-secret": "latin"}, "Data from secret latin is not valid UTF-8"),
        ({"key-secret": "sec0", "foo": "1"}, "Block format 'luks' does not support the option 'foo'"),
    ],
)
def test_open_when_secret_does_not_serve_then_qemus_words(volume, options, message):
    with pytest.raises(OpenError) as caught:
        opened(volume, **options)

    assert str(caught.value) == message


@pytest.mark.parametrize(("size", "length"), [(2068480, 0), (2068481, 512), (2068479, 0)])
def test_open_when_file_is_cut_short_then_whole_sectors_that_are_left(volume, size, length):
    with volume.open("r+b") as file:
        file.truncate(size)

    with opened(volume, **{"key-secret": "sec0"}) as image:
        assert image.length() == length


def test_open_when_payload_starts_past_the_end_then_refused(volume):
    with volume.open("r+b") as file:
        file.truncate(300_000)

    with pytest.raises(OpenError, match=r"^Could not refresh total sector count: Input/output error$"):
        opened(volume, **{"key-secret": "sec0"})


def test_zero_when_no_fallback_is_allowed_then_not_supported(volume):
    with opened(volume, **{"key-secret": "sec0"}) as image:
        with pytest.raises(BlockError, match="not supported"):
            image.zero(0, 4096, no_fallback=True)
        with pytest.raises(BlockError, match="not supported"):
            image.zero(7, 0, no_fallback=True)
        image.zero(0, 4096)

        assert image.pread(0, 4096) == bytes(4096)


def test_truncate_when_larger_than_a_file_can_be_then_refused(volume):
    with opened(volume, **{"key-secret": "sec0"}) as image, pytest.raises(BlockError, match="file size is too large"):
        image.truncate(2**63 - 512)


def test_create_when_password_is_missing_then_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "precious"
    path.write_bytes(b"precious")

    with pytest.raises(OpenError, match=r"^No secret with id 'nosuch'$"):
        pyqio.create(path, "1M", format="luks", options={"key-secret": "nosuch"}, secrets=SECRETS)

    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iter-time": 0}, "Parameter 'key-secret' is required for cipher"),
        ({**QUICK, "cipher-alg": "foo"}, "Parameter 'cipher-alg' does not accept value 'foo'"),
        ({**QUICK, "foo": "1"}, "Invalid parameter 'foo'"),
        ({**QUICK, "iter-time": "x"}, "Parameter 'iter-time' expects a number"),
        ({**QUICK, "cipher-alg": "cast5-128"}, "Unsupported cipher mode xts"),
    ],
)
def test_create_when_options_are_wrong_then_qemus_words_and_no_file(tmp_path, options, message):
    with pytest.raises(pyqio.PyqioError) as caught:
        pyqio.create(tmp_path / "new", "1M", format="luks", options=options, secrets=SECRETS)

    assert str(caught.value) == message
    assert not (tmp_path / "new").exists()


def test_locate_when_asked_then_the_sector_and_its_place(volume):
    with opened(volume, **{"key-secret": "sec0"}) as image:
        found = image.node.locate(1000)

    assert (found.kind, found.host_offset, found.detail) == ("encrypted", None, "sector 1, file offset 0x1f93e8")
